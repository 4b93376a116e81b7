/// What values that were refused may have counted of requests, by the quarter hour: the upper bound of a `refused` gap.
///
/// A name above the cap has values that can be read, though they are not kept: what they grew by is counted here, per kind
/// of request counter, and of the kinds the largest counts, as in `BusiestFlush`. Where a value or a name itself could not
/// be read there is no bound; and none where a stream of totals began, for what a counter grew by before is not known.
struct RefusedRequests: Sendable {
    private struct Tally: Sendable {
        var values: Int64 = 0
        var sums = [Int64](repeating: 0, count: BusiestFlush.kinds)
        var isBounded = true
    }

    private var tallies: [QuarterHour: Tally] = [:]
    private var kinds: [Int] = []
    /// The last value of each total; nil before the first.
    private var last: [Int64?] = []

    /// A place for the requests of a name above the cap; nil where it counts none.
    mutating func watch(_ name: String) -> Int? {
        let kind = BusiestFlush.kind(of: name)
        guard kind >= 0 else { return nil }
        kinds.append(kind)
        last.append(nil)
        return kinds.count - 1
    }

    /// A value was refused.
    ///
    /// - Parameter isBounded: whether it counts no requests, or `count` is told what it is.
    mutating func refuse(in quarterHour: QuarterHour, isBounded: Bool) {
        tallies[quarterHour, default: Tally()].values += 1
        if !isBounded { tallies[quarterHour]?.isBounded = false }
    }

    /// What a name above the cap carries: a total, or a delta.
    mutating func count(
        _ value: Int64, _ slot: Int, _ temporality: Temporality, isFirstFlush: Bool, in quarterHour: QuarterHour
    ) {
        var step = value
        if temporality == .cumulative {
            if let last = last[slot], value >= last { step = value - last }
            if last[slot] == nil, isFirstFlush, value > 0 { tallies[quarterHour]?.isBounded = false }
            last[slot] = value
        }
        let sum = tallies[quarterHour]?.sums[kinds[slot]] ?? 0
        tallies[quarterHour]?.sums[kinds[slot]] = sum.addingClamped(step)
    }

    /// By quarter hour: how many values, and how many requests at most; nil for not known.
    var refused: [(quarterHour: QuarterHour, values: Int64, requests: Int64?)] {
        tallies.sorted { $0.key < $1.key }.map { quarterHour, tally in
            (quarterHour, tally.values, tally.isBounded ? tally.sums.reduce(0) { max($0, $1) } : nil)
        }
    }

    mutating func forget(before quarterHour: QuarterHour) { tallies = tallies.filter { $0.key >= quarterHour } }
}
