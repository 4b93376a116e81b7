/// An upper bound of the requests of all Envoys that report under one name, while usage stops: the sum of what each stream
/// of them can have brought by its own rate. Nil where several may share a stream, or the rate of one is not known.
struct ConflictBound {
    private let streams: [StreamID: [Segment]]
    /// Conflicts that falls of counters told: two Envoys behind one stream, whose differences say nothing of either.
    private let falls: [ClosedRange<Timestamp>]

    init(segments: [Segment], falls: [ClosedRange<Timestamp>]) {
        streams = Dictionary(grouping: segments, by: \.stream)
        self.falls = falls
    }

    func requests(from start: Timestamp, to end: Timestamp) -> Int64? {
        guard !falls.contains(where: { $0.lowerBound <= end && start <= $0.upperBound }) else { return nil }
        var sum: Int64 = 0
        var heard = 0
        for segments in streams.values
        where segments.contains(where: { $0.firstFlush <= end && start <= $0.lastFlush }) {
            guard let bound = FlushRate(of: segments).bound(unobserved: end.microseconds(since: start)) else {
                return nil
            }
            sum = sum.addingClamped(bound)
            heard += 1
        }
        return heard > 1 ? sum : nil
    }
}
