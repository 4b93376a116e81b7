import Metering
import Testing

/// Rules 1, 2, 6 and 9 on readings written out by hand.
@Suite struct TapeUsageTests {
    /// A tape that keeps each quarter hour's opening, taken from the closing known when it is first written.
    private struct NaiveTape {
        var openings: [QuarterHour: Int64] = [:]
        var closings: [QuarterHour: Int64] = [:]
        var baseline: Int64

        mutating func commit(_ value: Int64, at time: Timestamp) {
            let quarterHour = QuarterHour(containing: time)
            if openings[quarterHour] == nil {
                let before = closings.filter { $0.key < quarterHour }.max { $0.key < $1.key }
                openings[quarterHour] = before?.value ?? baseline
            }
            closings[quarterHour] = max(closings[quarterHour] ?? 0, value)
        }

        var usage: Int64 { closings.reduce(0) { $0 + $1.value - (openings[$1.key] ?? 0) } }
    }

    @Test(
        "110 and 125 over a quarter hour's edge, committed the wrong way round, are 25; stored openings make 35 of them"
    )
    func openingsAreDerived() throws {
        var naive = NaiveTape(baseline: 100)
        naive.commit(100, at: .at(12, 14, 50))
        naive.commit(125, at: .at(12, 15, 3))
        naive.commit(110, at: .at(12, 14, 58))
        #expect(naive.usage == 35)

        var scene = Scene(meteringSince: .at(12, 0))
        let started = Timestamp.at(11, 0)
        try scene.stream([(.at(12, 14, 50), 100)], started: started)
        try scene.stream([(.at(12, 15, 3), 125)], started: started)
        try scene.stream([(.at(12, 14, 58), 110)], started: started)
        #expect(try scene.total() == 25)
        let before = try scene.usage(12, 0)
        #expect(before.counters.map(\.quantity) == [10])
        #expect(before.gaps.map(\.reason) == [.lateStart])
        let after = try #require(try scene.usage(12, 15).counters.first)
        #expect(after.quantity == 15 && after.carriedIn == 15)
        #expect(after.carriedSince == .at(12, 14, 58) && after.carriedUntil == .at(12, 15, 3))
    }

    @Test("A difference belongs to the quarter hour of the later reading, and what began before is carried in")
    func placement() throws {
        var scene = Scene()
        try scene.stream([
            (.at(12, 0), 10), (.at(12, 14, 55), 50), (.at(12, 46, 0), 80), (.at(12, 46, 5), 90), (.at(12, 59, 55), 100),
        ])
        #expect(try scene.usage(12, 0).counters.map(\.quantity) == [50])
        #expect(try scene.usage(12, 15).counters.isEmpty)
        let later = try #require(try scene.usage(12, 45).counters.first)
        #expect(later.quantity == 50 && later.carriedIn == 30)
        #expect(later.carriedSince == .at(12, 14, 55) && later.carriedUntil == .at(12, 46, 0))
    }

    @Test("A reset across the edge carries what came after it, never a negative difference")
    func resetOverTheEdge() throws {
        var scene = Scene()
        try scene.stream([(.at(12, 14, 55), 50), (.at(12, 15, 0), 4), (.at(12, 15, 5), 7)])
        let usage = try #require(try scene.usage(12, 15).counters.first)
        #expect(usage.quantity == 7 && usage.carriedIn == 4 && usage.resets.count == 1)
        #expect(usage.resets.first?.peak == Reading(time: .at(12, 14, 55), value: 50))
        #expect(usage.resets.first?.first == Reading(time: .at(12, 15, 0), value: 4))
    }

    @Test("A late reading raises the peak of the run that it falls into")
    func lateReadingRaisesAPeak() throws {
        var scene = Scene()
        try scene.stream([(.at(12, 1, 0), 10)])
        try scene.stream([(.at(12, 1, 20), 3), (.at(12, 1, 30), 5)])
        #expect(try scene.total() == 15)
        try scene.stream([(.at(12, 1, 10), 14)])
        #expect(try scene.total() == 19)
    }

    @Test("A late reading lowers nothing", arguments: [(second: Int64(5), value: Int64(2)), (10, 9), (25, 4), (30, 5)])
    func lateReadingLowersNothing(_ late: (second: Int64, value: Int64)) throws {
        var scene = Scene()
        try scene.stream([(.at(12, 1, 0), 1)])
        try scene.stream([(.at(12, 1, 10), 10)])
        try scene.stream([(.at(12, 1, 20), 3), (.at(12, 1, 30), 5)])
        #expect(try scene.total() == 15)
        try scene.stream([(.at(12, 1, late.second), late.value)])
        #expect(try scene.total() == 15)
    }

    @Test("Of readings at equal times the highest counts")
    func equalTimes() throws {
        for values in [[10, 12], [12, 10]] as [[Int64]] {
            var scene = Scene()
            for value in values { try scene.stream([(.at(12, 1), value)]) }
            #expect(try scene.total() == 12)
            #expect(try scene.usage(12, 0).counters.first?.resets.isEmpty == true)
        }
    }

    @Test("An epoch that started before metering counts from its first complete flush, with a gap up to it")
    func baselineThenUsage() throws {
        var scene = Scene(meteringSince: .at(12, 0))
        try scene.stream([(.at(12, 1), 500), (.at(12, 2), 520), (.at(12, 16), 530)], started: .at(10, 0))
        #expect(try scene.total() == 30)
        let gap = try #require(try scene.usage(12, 0).gaps.first)
        #expect(gap.reason == .lateStart && gap.lower == 0 && gap.upper == 500)
        #expect(gap.to == .at(12, 1))
    }

    @Test("The baseline is the earliest first flush, whichever worker stores it first")
    func earlierBaseline() throws {
        var scene = Scene(meteringSince: .at(12, 0))
        try scene.stream([(.at(12, 5), 520), (.at(12, 6), 530)], started: .at(10, 0))
        #expect(try scene.total() == 10)
        try scene.stream([(.at(12, 1), 500), (.at(12, 2), 510)], started: .at(10, 0))
        #expect(try scene.total() == 30)
    }

    @Test("A counter that appears later in a known epoch opens at 0")
    func laterCounter() throws {
        var scene = Scene(meteringSince: .at(12, 0))
        try scene.stream([(.at(12, 1), 500), (.at(12, 2), 520)], started: .at(10, 0))
        try scene.stream([(.at(12, 20), 7)], name: "http.new.downstream_rq_completed", started: .at(10, 0))
        #expect(try scene.total() == 27)
    }

    @Test("A counter that a quarter hour says nothing of goes on from its older closing")
    func olderClosing() throws {
        var scene = Scene()
        try scene.stream([(.at(12, 1), 90), (.at(12, 14), 100)])
        try scene.stream([(.at(12, 16), 7)], name: "http.other.downstream_rq_completed")
        try scene.stream([(.at(12, 31), 110)])
        let usage = try #require(try scene.usage(12, 30).counters.first)
        #expect(usage.quantity == 10 && usage.carriedIn == 10 && usage.carriedSince == .at(12, 14))
        #expect(try scene.total() == 117)
    }

    @Test("A successor of a metered life is billed from 0")
    func successor() throws {
        var scene = Scene(meteringSince: .at(12, 0))
        try scene.stream([(.at(12, 1), 500), (.at(12, 2), 520)], bootID: "a", started: .at(10, 0))
        try scene.stream([(.at(12, 3), 530)], bootID: "b", started: .at(12, 2, 30))
        #expect(try scene.total() == 550)
    }

    @Test("Deltas are each stream's own odometer, and all are added up")
    func deltas() throws {
        var scene = Scene()
        try scene.stream([(.at(12, 1), 5), (.at(12, 2), 7), (.at(12, 16), 1)], temporality: .delta)
        try scene.stream([(.at(12, 1, 30), 100), (.at(12, 2, 30), 3)], temporality: .delta)
        #expect(try scene.total() == 116)
        #expect(try scene.usage(12, 0).counters.map(\.quantity).sorted() == [12, 103])
        #expect(try scene.usage(12, 15).counters.map(\.quantity) == [1])
    }

    @Test("Deltas of a counter that was idle, or of a stream that paused, count once")
    func idleDeltas() throws {
        var scene = Scene()
        try scene.stream([(.at(12, 1), 5), (.at(12, 31), 1), (.at(12, 31, 5), 2)], temporality: .delta)
        try scene.stream([(.at(12, 1), 100), (.at(12, 16), 3), (.at(12, 30), 4)], temporality: .delta)
        #expect(try scene.total() == 115)
        let usage = try scene.usage(12, 30).counters.sorted { $0.quantity < $1.quantity }
        #expect(usage.map(\.quantity) == [3, 4])
        #expect(
            usage.map(\.carriedIn) == [0, 4], "since when is known where the stream reported in the quarter hour before"
        )
        #expect(usage[1].carriedSince == .at(12, 16))
    }

    @Test("Readings of one stream at one time, by a clock that stands, count up to the highest")
    func standingClock() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        for (second, value) in [(30, 10), (29, 12)] as [(Int64, Int64)] {
            tape.feed(
                [.counter("http.a", value)], sentMilliseconds: Timestamp.at(12, 0, second).microseconds / 1000,
                receivedAt: .at(12, 0, 30))
        }
        tape.end()
        var ledger = MemoryLedger()
        try ledger.commit(&tape, of: StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: "boot"))
        #expect(try ledger.totals().map(\.usage) == [12])
    }

    @Test("The one exception of invariant 1: two streams that interleave around a reset give a lower bound")
    func interleavedReset() throws {
        let first: [(Timestamp, Int64)] = [(.at(12, 0, 0), 10), (.at(12, 0, 3), 20), (.at(12, 0, 6), 25)]
        let second: [(Timestamp, Int64)] = [(.at(12, 0, 5), 15)]
        // By all readings 20 + 25: the first stream saw the new value overtake, and says only 10 and 25.
        for order in [[first, second], [second, first]] {
            var scene = Scene()
            for readings in order { try scene.stream(readings) }
            #expect(try scene.total() == 25, "a lower bound, and the same in any order")
        }
        var scene = Scene()
        try scene.stream(first, mark: .at(12, 0, 5))
        try scene.stream(second)
        #expect(try scene.total() == 45, "one worker that sees both streams keeps their readings apart")
    }
}
