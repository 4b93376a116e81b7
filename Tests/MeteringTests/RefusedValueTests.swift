import Metering
import Testing

/// Rule 7: what is not taken as a reading, and that it is counted.
@Suite struct RefusedValueTests {
    @Test(
        "A value that is no count is refused",
        arguments: [
            (-1, .negative), (-Double.infinity, .negative), (.nan, .notANumber), (.signalingNaN, .notANumber),
            (.infinity, .tooLarge), (9_007_199_254_740_994, .tooLarge), (.greatestFiniteMagnitude, .tooLarge),
            (0.5, .notWhole), (.leastNonzeroMagnitude, .notWhole), (4_503_599_627_370_495.5, .notWhole),
        ] as [(Double, Refusal)])
    func refused(value: Double, reason: Refusal) {
        #expect(throws: RefusedValue.self) { try CounterValue.whole(value) }
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.feed([Metric(kind: .counter, name: "http.a", value: value)], at: .at(12, 0))
        #expect(tape.refusals == [reason: 1])
        tape.end()
        #expect(tape.firstFlush.isEmpty)
    }

    @Test("Whole values up to 2^53 are counts", arguments: [0, -0.0, 1, 9_007_199_254_740_992] as [Double])
    func accepted(value: Double) throws {
        #expect(try CounterValue.whole(value) == Int64(value))
    }

    @Test("A gauge that is no count is skipped", arguments: [-1, .nan, .infinity, -.infinity, 1e300] as [Double])
    func gauges(value: Double) {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        let names = ["http.a.downstream_cx_active", "server.uptime", "server.hot_restart_epoch", "server.state"]
        tape.feed(names.map { Metric(kind: .gauge, name: $0, value: value) }, at: .at(12, 0))
        tape.end()
        #expect(tape.lastSign.uptime == nil && tape.lastSign.hotRestartEpoch == 0 && tape.lastSign.state == nil)
        #expect(
            tape.segments(after: 0, counters: [], gauges: [CounterID(rawValue: 1)]).allSatisfy { $0.gaugeBody.isEmpty })
    }

    @Test("Requests at many connection managers add up without an overflow")
    func manyActiveRequests() {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        let active = (0..<1100).map { Metric.gauge("http.h\($0).downstream_rq_active", CounterValue.maximum) }
        tape.feed(active + [.gauge("server.state", 1)], at: .at(12, 0))
        tape.end()
        #expect(!tape.lastSign.isDrained)
        tape.feed([.gauge("http.h0.downstream_rq_active", 0), .gauge("server.state", 1)], at: .at(12, 1))
        tape.end()
        #expect(tape.lastSign.isDrained)
    }

    @Test("Deltas beyond what an odometer holds are refused")
    func odometerIsFull() {
        var tape = StreamTape(stream: StreamID(rawValue: 1), temporality: .delta, collect: .everything)
        for second in 0..<1030 as Range<Int64> {
            tape.feed([.counter("http.a", CounterValue.maximum)], at: .at(12, 0, second))
        }
        #expect(tape.refusals == [.tooLarge: 7], "1023 × 2^53 is the last that fits")
    }

    @Test("Falls from 2^53 that add up beyond 2^63 do not stop the worker")
    func sumOfRuns() throws {
        var scene = Scene()
        let readings = (0..<2200 as Range<Int64>).map {
            (Timestamp.at(12, 0).advanced(byMicroseconds: $0 * 1000), ($0 % 2) << 53)
        }
        try scene.stream(readings, name: "cluster.a.upstream_rq_2xx")
        #expect(try scene.total() == .max)
    }

    @Test("Names longer than 512 bytes are refused, each time they come")
    func longNames() {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        for second in 0..<3 as Range<Int64> {
            tape.feed(
                [
                    .counter(String(repeating: "a", count: 512), 1), .counter(String(repeating: "a", count: 513), 1),
                ], at: .at(12, 0, second))
        }
        #expect(tape.counterNames.count == 1)
        #expect(tape.refusals == [.nameTooLong: 3])
    }

    private static let pinned: CollectPatterns = {
        let patterns = ["*", "http.pinned.*"].compactMap { try? NamePattern($0) }
        return CollectPatterns(include: [patterns[0]], pinned: [patterns[1]])
    }()

    @Test("Names above the cap of their prefix are refused, each time they come; pinned ones never are")
    func namesPerPrefix() {
        var limits = StreamTape.Limits()
        limits.namesPerPrefix = 2
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: Self.pinned, limits: limits)
        let names = ["http.a", "http.b", "http.c", "cluster.a", "http.pinned.a", "http.pinned.b"]
        for second in 0..<3 as Range<Int64> { tape.feed(names.map { .counter($0, second) }, at: .at(12, 0, second)) }
        #expect(tape.counterNames == ["http.a", "http.b", "cluster.a", "http.pinned.a", "http.pinned.b"])
        #expect(tape.refusals == [.tooManyNames: 3])
    }

    /// Flushes of two names that are kept and two of requests that are not, one of which falls and one comes late.
    @Test(
        "What names above the cap count is a bound, per quarter hour; bytes bound no requests",
        arguments: [true, false])
    func refusedRequests(areDeltas: Bool) {
        var limits = StreamTape.Limits()
        limits.namesPerPrefix = 1
        let kept = "http.a.downstream_rq_completed"
        let names = ["http.b.downstream_rq_completed", "http.c.downstream_rq_completed", "http.b.downstream_rq_2xx"]
        // Totals of b and c by flush; deltas of them are the same growth.
        let flushes: [(Timestamp, Int64, Int64)] = [
            (.at(12, 14, 50), 0, 0), (.at(12, 14, 55), 7, 0), (.at(12, 15), 10, 5), (.at(12, 15, 5), 2, 9),
        ]
        let growth: [(Int64, Int64)] = [(0, 0), (7, 0), (3, 5), (2, 4)]
        if areDeltas {
            var odometer = Odometer(
                stream: StreamID(rawValue: 1), source: .statsd, collect: .everything, limits: limits)
            for (flush, growth) in zip(flushes, growth) {
                odometer.export(at: flush.0)
                for (name, delta) in zip([kept] + names, [1, growth.0, growth.1, 1000]) {
                    if odometer.wants(Array(name.utf8).span) { odometer.add(delta) }
                }
            }
            odometer.end()
            #expect(odometer.sums == [4])
            #expect(odometer.tape.refused.map(\.requests) == [7, 14])
            odometer.tape.refuse(.malformed)
            #expect(odometer.tape.refused.map(\.requests) == [7, nil])
        } else {
            var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything, limits: limits)
            for flush in flushes {
                tape.feed(
                    zip([kept] + names, [1, flush.1, flush.2, 1000]).map { .counter($0, $1) }, at: flush.0)
            }
            tape.end()
            #expect(tape.counterNames == [kept])
            #expect(tape.refused.map(\.requests) == [7, 14])
            #expect(tape.refused.map(\.values) == [6, 6])
            // A stream that begins with totals does not know what they grew by.
            var later = StreamTape(stream: StreamID(rawValue: 2), collect: .everything, limits: limits)
            for (time, value) in [(Timestamp.at(12, 15, 10), Int64(20)), (.at(12, 30), 25)] {
                later.feed([.counter(kept, 1), .counter(names[0], value)], at: time)
            }
            later.end()
            #expect(later.refused.map(\.requests) == [nil, 5])
        }
    }

    @Test("Where the table of names is full, known and pinned names go on and new ones are refused")
    func allNames() throws {
        var limits = StreamTape.Limits()
        limits.names = 3
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: Self.pinned, limits: limits)
        let names = ["http.a", "http.b", "http.c", "http.d", "http.pinned.a"]
        for second in 0..<3 as Range<Int64> { tape.feed(names.map { .counter($0, second) }, at: .at(12, 0, second)) }
        #expect(tape.counterNames == ["http.a", "http.b", "http.c", "http.pinned.a"])
        #expect(tape.refusals == [.tooManyNames: 3])
        let ids = tape.counterNames.indices.map { CounterID(rawValue: Int64($0)) }
        let segment = try #require(tape.segments(after: 0, counters: ids, gauges: []).first)
        var peaks: [Int64] = []
        try segment.forEachRun { _, run in peaks.append(run.peak.value) }
        #expect(peaks == [2, 2, 2, 2])
    }

    @Test(
        "Names that are no text are refused: no database holds them, and two of them could be one",
        arguments: [[0x68, 0xff], [0x68, 0xc3], [0x68, 0, 0x61], [0xed, 0xa0, 0x80]] as [[UInt8]])
    func noText(name: [UInt8]) {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.receiveTime(sentMilliseconds: 0, receivedAt: .at(12, 0))
        let wanted = [tape.wants(name.span), tape.wants(name.span)]
        #expect(wanted == [false, false])
        #expect(tape.refusals == [.nameNotText: 2] && tape.counterNames.isEmpty)
    }

    @Test("Of two names that are one text to Unicode the first is metered")
    func equivalentNames() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        tape.feed([.counter("http.caf\u{e9}", 7), .counter("http.cafe\u{301}", 9)], at: .at(12, 0))
        tape.end()
        #expect(tape.counterNames == ["http.caf\u{e9}"] && tape.refusals == [.nameNotText: 1])
        var ledger = MemoryLedger()
        try ledger.commit(&tape, of: StreamIdentity(gateway: "", instance: "", bootID: ""))
        #expect(try ledger.totals().map(\.usage) == [7])
    }
}
