import Metering
import Testing

/// Gaps are bounded by the rates around them, or by nothing.
@Suite struct RateBoundTests {
    private static let start = Timestamp(seconds: 1_793_491_200)

    @Test(arguments: [
        (Int64(5_000_000), Int64?(1_000_000), Int64(40), Int64?(400)),
        (5_000_001, 1_000_000, 40, 480),
        (0, 1_000_000, 40, 80),
        (5_000_000, nil, 40, nil),
        (5_000_000, 1_000_000, 0, nil),
        (.max, 1, .max, .max),
    ])
    func `Twice the busiest flush for each one that is missing`(
        unobserved: Int64, flushInterval: Int64?, busiestFlush: Int64, bound: Int64?
    ) {
        #expect(
            RateBound.requests(
                unobserved: unobserved, flushInterval: flushInterval, busiestFlush: busiestFlush) == bound)
    }

    private func stream(_ source: SourceKind, _ readings: [(second: Int64, counters: [String: Int64])]) -> StreamTape {
        var tape = StreamTape(stream: StreamID(rawValue: 1), source: source, collect: .everything)
        for reading in readings {
            let time = Self.start.advanced(byMicroseconds: reading.second * 1_000_000)
            tape.receiveTime(sentMilliseconds: time.microseconds / 1000, receivedAt: time)
            for (name, value) in reading.counters.sorted(by: { $0.key < $1.key })
            where tape.wants(Array(name.utf8).span) {
                tape.receiveCounter(Double(value))
            }
        }
        tape.end()
        return tape
    }

    private func busiest(_ tape: StreamTape) -> Int64? {
        let ids = tape.counterNames.indices.map { CounterID(rawValue: Int64($0)) }
        return tape.segments(after: 0, counters: ids, gauges: []).first?.busiestFlush
    }

    @Test func `The busiest flush is the largest sum of one kind of counters, and never the first`() {
        let (one, two, cluster) = (
            "http.tenant_a.downstream_rq_completed", "http.tenant_b.downstream_rq_completed",
            "cluster.web.upstream_rq_completed"
        )
        let tape = stream(
            .metricsService,
            [
                (0, [one: 1000, two: 1000, cluster: 5000]), (1, [one: 1010, two: 1005, cluster: 5014]),
                (2, [one: 1012, two: 1006, cluster: 5016, "http.tenant_a.downstream_cx_rx_bytes_total": 9_000_000]),
            ])
        #expect(busiest(tape) == 15)
    }

    @Test func `After a reset what a counter shows is what it counted`() {
        let name = "http.tenant_a.downstream_rq_completed"
        #expect(busiest(stream(.metricsService, [(0, [name: 1000]), (1, [name: 30]), (2, [name: 35])])) == 30)
    }

    @Test func `A source of deltas that was away leaves a gap, one of totals does not`() throws {
        let name = "http.tenant_a.downstream_rq_completed"
        for source in [SourceKind.metricsService, .statsd] {
            let first = stream(source, [(0, [name: 5]), (1, [name: 10]), (2, [name: 20])])
            var second = StreamTape(stream: StreamID(rawValue: 2), source: source, collect: .everything)
            for offset in Int64(10)...12 {
                let time = Self.start.advanced(byMicroseconds: offset * 1_000_000)
                second.receiveTime(sentMilliseconds: time.microseconds / 1000, receivedAt: time)
                if second.wants(Array(name.utf8).span) { second.receiveCounter(Double(20 + offset)) }
            }
            second.end()
            let segments = [first, second].flatMap {
                $0.segments(after: 0, counters: [CounterID(rawValue: 0)], gauges: [])
            }
            let tape = EpochTape(
                epoch: 1, bootID: nil, source: source, opening: EpochOpening(started: Self.start), previous: [],
                current: segments)
            let usage = try InstanceUsage(
                quarterHour: QuarterHour(containing: Self.start), epochs: [tape], isConnectionManagers: { _ in true })
            guard source.temporality == .delta else {
                #expect(usage.gaps.isEmpty)
                continue
            }
            let gap = try #require(usage.gaps.first)
            #expect(gap.reason == .streamDown)
            #expect(gap.to.microseconds(since: gap.from) == 8_000_000)
            #expect(gap.upper == Int64(512))
            #expect(gap.basis == .rate)
        }
    }

    @Test func `Higher sources cover wholly, partly or not`() {
        func at(_ second: Int64) -> Timestamp { Self.start.advanced(byMicroseconds: second * 1_000_000) }
        let higher = HigherSources(
            [(0, 10), (5, 20), (30, 40)].map { HigherSources.Stretch(from: at($0.0), to: at($0.1)) })
        #expect(higher.cover(from: at(0), to: at(20)) == .wholly)
        #expect(higher.cover(from: at(8), to: at(21)) == .partly)
        #expect(higher.cover(from: at(20), to: at(30)) == .none)
        #expect(higher.cover(from: at(15), to: at(35)) == .partly)
        #expect(HigherSources.none.cover(from: at(0), to: at(1)) == .none)
    }

    @Test func `What only a tail between two lives keeps from being covered is a gap of the higher source already`() {
        func at(_ second: Int64) -> Timestamp { Self.start.advanced(byMicroseconds: second * 1_000_000) }
        let lives = HigherSources(
            [(0, 20), (30, 40), (43, 50)].map { HigherSources.Stretch(from: at($0.0), to: at($0.1)) }, areOwn: true)
        #expect(lives.cover(from: at(8), to: at(21)) == .allButTails)
        #expect(lives.cover(from: at(15), to: at(45)) == .allButTails)
        // Inside a tail nothing is covered: what a lower source heard there alone is usage.
        #expect(lives.cover(from: at(21), to: at(29)) == .none)
        // Before the first life and after the last one nobody else says that something is missing.
        #expect(lives.cover(from: at(-1), to: at(5)) == .partly)
        #expect(lives.cover(from: at(45), to: at(51)) == .partly)
        #expect(lives.cover(from: at(0), to: at(20)) == .wholly)
    }
}
