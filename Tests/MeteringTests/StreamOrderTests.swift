import Metering
import Testing

/// Rule 1: the order of readings, and whose clock they go by.
@Suite struct StreamOrderTests {
    private func segments(_ tape: StreamTape) -> [Segment] {
        let ids = tape.counterNames.indices.map { CounterID(rawValue: Int64($0)) }
        return tape.segments(after: 0, counters: ids, gauges: tape.gaugeNames.map { _ in CounterID(rawValue: 99) })
    }

    private func runs(_ tape: StreamTape) throws -> [Run] {
        var runs: [Run] = []
        for segment in segments(tape) { try segment.forEachRun { runs.append($1) } }
        return runs
    }

    @Test(
        "Envoy's time counts while it is within 60 s of the worker's, else the time of arrival",
        arguments: [(59, true), (60, true), (61, false), (-59, true), (-60, true), (-61, false), (86_400, false)]
            as [(Int64, Bool)])
    func skew(offset: Int64, countsEnvoys: Bool) throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        let arrival = Timestamp.at(12, 5)
        let sent = arrival.plus(seconds: offset)
        tape.feed([.counter("http.a", 1)], sentMilliseconds: sent.microseconds / 1000, receivedAt: arrival)
        #expect(try runs(tape).map(\.first.time) == [countsEnvoys ? sent : arrival])
        #expect(tape.skewedFlushes == (countsEnvoys ? 0 : 1))
    }

    @Test("Within a stream the order of arrival counts, also when Envoy's clock is set back")
    func clockSetBack() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        for (second, value) in [(30, 10), (5, 12), (10, 14), (40, 16)] as [(Int64, Int64)] {
            tape.feed(
                [.counter("http.a", value)], sentMilliseconds: Timestamp.at(12, 0, second).microseconds / 1000,
                receivedAt: .at(12, 0, 30))
        }
        let run = Run(
            first: Reading(time: .at(12, 0, 30), value: 10), peak: Reading(time: .at(12, 0, 40), value: 16))
        #expect(try runs(tape) == [run])
    }

    @Test("Resets at one time are kept apart, in the order of arrival")
    func resetsAtOneTime() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        let values: [Int64] = [10, 4, 6, 1, 9]
        // Envoy's clock stands still by its set-back: each flush is at the first one's time.
        for (index, value) in values.enumerated() {
            let sent = Timestamp.at(12, 0, 30 - Int64(index)).microseconds / 1000
            tape.feed([.counter("cluster.a", value)], sentMilliseconds: sent, receivedAt: .at(12, 0, 30))
        }
        let found = try runs(tape)
        #expect(found.map(\.first.value) == [10, 4, 1] && found.map(\.peak.value) == [10, 6, 9])
        for (earlier, later) in zip(found, found.dropFirst()) { #expect(earlier.peak.time < later.first.time) }
    }

    @Test("A reset at the time of a mark is kept apart too")
    func resetAtAMark() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.feed([.counter("cluster.a", 10)], at: .at(12, 0, 30))
        tape.mark()
        tape.feed(
            [.counter("cluster.a", 4)], sentMilliseconds: Timestamp.at(12, 0, 29).microseconds / 1000,
            receivedAt: .at(12, 0, 30))
        let found = try runs(tape)
        #expect(found.count == 2 && found[0].peak.time < found[1].first.time)
    }

    @Test("Readings are held until the first flush is complete")
    func firstFlush() {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.feed([.counter("http.a", 1)], at: .at(12, 0, 0))
        tape.feed([.counter("http.b", 2), .gauge("server.uptime", 9)], at: .at(12, 0, 0))
        #expect(!tape.isDecidable)
        tape.feed([.counter("http.a", 3)], at: .at(12, 0, 5))
        #expect(tape.isDecidable && tape.firstSign?.uptime == 9)
        #expect(tape.firstFlush.mapValues(\.value) == [0: 1, 1: 2])
    }

    @Test("Where Envoy gives no time, each time of arrival is a flush")
    func withoutTime() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        for second in 0..<3 as Range<Int64> {
            tape.feed([.counter("http.a", second)], sentMilliseconds: 0, receivedAt: .at(12, 0, second))
        }
        #expect(tape.isDecidable)
        #expect(try runs(tape).map(\.peak.time) == [.at(12, 0, 2)])
    }

    @Test("A commit in the middle of a flush does not hide the rest of it")
    func commitInsideAFlush() throws {
        var ledger = MemoryLedger()
        let identity = StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: "boot")
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.feed([.counter("http.a", 1), .counter("http.b", 1)], at: .at(12, 0))
        tape.feed([.counter("http.a", 5)], at: .at(12, 1))
        try ledger.commit(&tape, of: identity)
        tape.feed([.counter("http.b", 7)], at: .at(12, 1))
        tape.end()
        try ledger.commit(&tape, of: identity)
        #expect(try ledger.totals().map(\.usage) == [5, 7])
    }

    @Test("What is forgotten is stored: the quarter hour that goes on stays")
    func forget() {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.feed([.counter("http.a", 1)], at: .at(12, 14, 55))
        let stored = tape.latestRevision
        tape.feed([.counter("http.a", 2)], at: .at(12, 15, 0))
        tape.feed([.counter("http.a", 3)], at: .at(12, 30, 0))
        tape.forget(through: stored)
        #expect(segments(tape).map(\.quarterHour.start) == [.at(12, 15), .at(12, 30)])
        tape.forget(through: tape.latestRevision)
        #expect(segments(tape).map(\.quarterHour.start) == [.at(12, 30)])
    }

    @Test("No time that a sender or a clock gives stops the worker")
    func hostileTimes() throws {
        let times: [Int64] = [.min, -1, 0, 1, 1_793_664_000_000, .max / 1000, .max / 1000 + 1, .max]
        for first in times {
            for second in times {
                for arrival in [Int64.min, 0, 1_793_664_000_000_000, .max] {
                    var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
                    for (index, sent) in [first, second, first].enumerated() {
                        tape.feed(
                            [
                                .counter("http.a", Int64(10 - index)), .gauge("server.uptime", 10_000_000_000),
                                .gauge("http.a.downstream_cx_active", 3),
                            ], sentMilliseconds: sent, receivedAt: Timestamp(microseconds: arrival))
                    }
                    tape.end()
                    var ledger = MemoryLedger(meteringSince: .at(12, 0))
                    let identity = StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: nil)
                    try ledger.commit(&tape, of: identity)
                    var other = StreamTape(stream: StreamID(rawValue: 2), collect: .everything)
                    other.feed(
                        [.gauge("server.uptime", 0), .counter("http.a", 1)], sentMilliseconds: second,
                        receivedAt: Timestamp(microseconds: arrival))
                    other.end()
                    try ledger.commit(&other, of: identity)
                    #expect(try ledger.totals().allSatisfy { $0.usage >= 0 })
                }
            }
        }
    }
}
