import Metering
import Testing

/// Two sources of one process read one odometer: where one ends or begins they are joined at a reading that both know.
@Suite struct SourceJoinTests {
    private static let start = Timestamp(seconds: 1_730_808_000)
    private static let counter = CounterID(rawValue: 1)

    private static func reading(_ second: Int64, _ value: Int64) -> Reading {
        Reading(time: start.advanced(byMicroseconds: second * 1_000_000), value: value)
    }

    private func edge(_ second: Int64, _ value: Int64, startedAfter: Int64 = 0) -> SourceEdge {
        SourceEdge(
            time: Self.reading(second, 0).time, started: Self.reading(startedAfter, 0).time,
            values: [Self.counter: value])
    }

    /// The requests that no higher source counted; nil where that can not be told.
    private func uncovered(
        _ stretches: [HigherSources.Stretch], from: Reading, to: Reading, startedAt: Int64? = 0
    ) -> Int64? {
        let join = HigherSources(stretches).join(
            Self.counter, from: from, to: to, startedAt: startedAt.map { Self.reading($0, 0).time })
        switch join {
        case .parts(let parts): return parts.reduce(0) { $0 + $1.closing.value - $1.opening.value }
        case .behind(let parts, let reading):
            return parts.reduce(0) { $0 + $1.closing.value - $1.opening.value } - (reading.value - to.value)
        case nil: return nil
        }
    }

    private func stretch(
        _ from: Int64, _ to: Int64, _ opening: Int64?, _ closing: Int64?, startedAfter: Int64 = 0
    ) -> HigherSources.Stretch {
        HigherSources.Stretch(
            from: Self.reading(from, 0).time, to: Self.reading(to, 0).time,
            opening: opening.map { edge(from, $0, startedAfter: startedAfter) },
            closing: closing.map { edge(to, $0, startedAfter: startedAfter) })
    }

    @Test func `A step over the end of a higher source counts from its last reading`() {
        let ended = stretch(0, 10, 0, 20)
        #expect(uncovered([ended], from: Self.reading(8, 15), to: Self.reading(12, 27)) == 7)
        #expect(uncovered([ended], from: Self.reading(8, 15), to: Self.reading(12, 20)) == 0)
    }

    @Test func `A step over its beginning counts up to its first reading`() {
        let begun = stretch(10, 50, 20, 90)
        #expect(uncovered([begun], from: Self.reading(8, 15), to: Self.reading(12, 27)) == 5)
        #expect(uncovered([begun], from: Self.reading(8, 15), to: Self.reading(60, 97)) == 12)
    }

    @Test func `A step over several counts what lies between them`() {
        let higher = [stretch(10, 20, 20, 30), stretch(30, 40, 44, 50)]
        #expect(uncovered(higher, from: Self.reading(5, 11), to: Self.reading(45, 57)) == 30)
    }

    @Test func `A reading that lags behind the higher source's last one owes the difference`() {
        #expect(uncovered([stretch(0, 10, 0, 20)], from: Self.reading(8, 15), to: Self.reading(12, 18)) == -2)
    }

    @Test(
        arguments: [
            // Not known, another process, above what came after, below what came before, no start known.
            (Int64?.none, Int64(0), Int64?(0)), (20, 3, 0), (14, 0, 0), (20, 0, nil),
        ] as [(Int64?, Int64, Int64?)])
    func `What can not be told is a gap and no usage`(closing: Int64?, startedAfter: Int64, startedAt: Int64?) {
        #expect(
            uncovered(
                [stretch(0, 10, 0, closing, startedAfter: startedAfter)], from: Self.reading(8, 15),
                to: Self.reading(12, 27), startedAt: startedAt) == nil)
    }

    @Test func `Starts that differ by the rounding of an uptime are one`() {
        #expect(
            uncovered(
                [stretch(0, 10, 0, 20)], from: Self.reading(8, 15), to: Self.reading(12, 27), startedAt: 2) == 7)
    }
}
