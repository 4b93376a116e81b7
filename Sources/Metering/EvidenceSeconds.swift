/// Answered requests of one quarter hour, by the second in which a counter counted them: so that what access logs show inside a gap
/// can be told.
package struct EvidenceSeconds: Hashable, Sendable {
    /// Seconds of a quarter hour.
    private static let all = 900

    package let quarterHour: QuarterHour
    /// By the second since the quarter hour's start.
    private var counts: [Int: Int64] = [:]
    package private(set) var answered: Int64 = 0

    package init(_ quarterHour: QuarterHour) {
        self.quarterHour = quarterHour
    }

    /// Counts a request; one of another quarter hour is left out.
    package mutating func add(countedAt: Timestamp) {
        let offset = countedAt.microseconds(since: quarterHour.start)
        guard offset >= 0, offset < QuarterHour.microseconds else { return }
        counts[Int(offset / 1_000_000), default: 0] += 1
        answered += 1
    }

    package mutating func add(_ other: EvidenceSeconds) {
        guard other.quarterHour == quarterHour else { return }
        for (second, count) in other.counts { counts[second, default: 0] = (counts[second] ?? 0).addingClamped(count) }
        answered = answered.addingClamped(other.answered)
    }

    /// The largest of two counts in each second: of ways that show the same requests.
    package mutating func raise(to other: EvidenceSeconds) {
        guard other.quarterHour == quarterHour else { return }
        for (second, count) in other.counts { counts[second] = max(counts[second] ?? 0, count) }
        answered = counts.values.reduce(0) { $0.addingClamped($1) }
    }

    /// Takes out what was counted in the whole seconds between two instants. A second that an edge cuts is left: which of its
    /// requests were counted inside can not be told.
    package mutating func take(from: Timestamp, to: Timestamp) -> Int64 {
        var taken: Int64 = 0
        for second in counts.keys {
            let start = quarterHour.start.advanced(byMicroseconds: Int64(second) * 1_000_000)
            guard start >= from, start.advanced(byMicroseconds: 1_000_000) <= to else { continue }
            taken = taken.addingClamped(counts.removeValue(forKey: second) ?? 0)
        }
        answered -= taken
        return taken
    }

    /// Per second with requests: seconds since the one before, and how many; varints.
    package var body: [UInt8] {
        var body: [UInt8] = []
        var last = 0
        for (second, count) in counts.sorted(by: { $0.key < $1.key }) {
            body.appendVarint(UInt64(second - last))
            body.appendVarint(UInt64(count))
            last = second
        }
        return body
    }

    /// Reads what `body` wrote.
    package init(_ quarterHour: QuarterHour, body: [UInt8]) throws(MeteringError) {
        self.quarterHour = quarterHour
        var reader = ByteReader(body)
        var second = 0
        while !reader.isAtEnd {
            second += Int(try reader.count(atMost: Int64(Self.all)))
            guard second < Self.all else {
                throw MeteringError(.segment, "stored evidence of \(quarterHour) names second \(second) of \(Self.all)")
            }
            let count = try reader.count()
            counts[second] = (counts[second] ?? 0).addingClamped(count)
            answered = answered.addingClamped(count)
        }
    }
}
