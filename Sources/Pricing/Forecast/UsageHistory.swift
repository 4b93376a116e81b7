/// What a tenant used, quarter hour by quarter hour, without a hole: a quarter hour without a record used nothing.
package struct UsageHistory: Sendable {
    /// Microseconds in a quarter hour.
    package static let step: Int64 = 900_000_000

    /// The first quarter hour, in microseconds since 1970.
    package let start: Int64
    /// The first quarter hour that is not known yet, in microseconds since 1970.
    package let end: Int64
    /// Units by dimension, one for each quarter hour.
    private let counts: [String: [Int64]]
    /// Sums of the quarter hours before each, for quick totals.
    private let sums: [String: [Int64]]

    /// From records that may lie anywhere and in any order; what lies outside [start, end) is left out. Both are brought
    /// to a quarter hour, downward.
    package init(start: Int64, end: Int64, records: [(quarterHour: Int64, quantities: [String: Int64])]) {
        self.start = start.flooredQuotient(by: Self.step) * Self.step
        self.end = max(self.start, end.flooredQuotient(by: Self.step) * Self.step)
        let length = Int((self.end - self.start) / Self.step)
        var counts: [String: [Int64]] = [:]
        for (instant, quantities) in records where instant >= self.start && instant < self.end {
            let slot = Int((instant - self.start) / Self.step)
            for (dimension, quantity) in quantities {
                counts[dimension, default: Array(repeating: 0, count: length)][slot].add(clamped: quantity)
            }
        }
        self.counts = counts
        sums = counts.mapValues { values in
            var sums: [Int64] = [0]
            sums.reserveCapacity(values.count + 1)
            for value in values { sums.append(sums[sums.count - 1].addingClamped(value)) }
            return sums
        }
    }

    /// The dimensions that were used at all.
    package var dimensions: [String] { counts.keys.sorted() }

    /// How many quarter hours are known.
    var length: Int { Int((end - start) / Self.step) }

    /// Whole days that are known.
    package var days: Int { length / 96 }

    /// The slot of an instant; before the start it is negative, after the end beyond `length`.
    func slot(of microseconds: Int64) -> Int { Int((microseconds - start).flooredQuotient(by: Self.step)) }

    /// Units in a stretch of slots; what is not known counts nothing.
    func total(_ dimension: String, _ slots: Range<Int>) -> Int64 {
        guard let sums = sums[dimension] else { return 0 }
        let bounds = slots.clamped(to: 0..<length)
        return sums[bounds.upperBound] - sums[bounds.lowerBound]
    }

    /// Sums of the quarter hours before each slot, one more than there are slots; nil for what was never used.
    func sums(of dimension: String) -> [Int64]? { sums[dimension] }

    /// Units in [from, to), instants in microseconds since 1970.
    package func total(_ dimension: String, from: Int64, to: Int64) -> Int64 {
        let (first, last) = (slot(of: from), slot(of: to))
        return first < last ? total(dimension, first..<last) : 0
    }
}

extension Int64 {
    /// The sum of quantities, at most 2^63 − 1: an estimate that is larger is of no use, and must not trap.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    fileprivate mutating func add(clamped other: Int64) { self = addingClamped(other) }
}
