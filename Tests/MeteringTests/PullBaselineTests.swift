import Testing

@testable import Metering

/// A pull sees live values: a hot-restarted process shows again what its parent had shown and not yet flushed.
@Suite struct PullBaselineTests {
    private let identity = StreamIdentity(gateway: "gw", instance: "a", bootID: nil)
    private let name = "http.a.downstream_rq_completed"

    private func tape(_ stream: Int64, _ source: SourceKind) -> StreamTape {
        StreamTape(stream: StreamID(rawValue: stream), source: source, collect: .everything)
    }

    /// 190 are counted by the parent; the child shows 60 of them again, and 15 more.
    @Test(
        "The first values of a hot-restarted process are a baseline by pull, and usage by a push",
        arguments: [SourceKind.prometheus, .metricsService])
    func hotRestart(source: SourceKind) throws {
        let usage: Int64 = source == .prometheus ? 205 : 265
        var ledger = MemoryLedger()
        var parent = tape(1, source)
        parent.feed([.gauge("server.uptime", 100), .counter(name, 190)], at: .at(12, 0))
        parent.end()
        try ledger.commit(&parent, of: identity)
        var child = tape(2, source)
        for (second, value) in [(10, 60), (15, 75)] as [(Int64, Int64)] {
            child.feed(
                [.gauge("server.uptime", second - 8), .gauge("server.hot_restart_epoch", 1), .counter(name, value)],
                at: .at(12, 0, second))
        }
        child.end()
        try ledger.commit(&child, of: identity)
        let totals = try ledger.totals()
        #expect(totals.map(\.usage) == [usage])
        let gaps = try ledger.usage(of: "a", in: QuarterHour(containing: .at(12, 0))).gaps.filter {
            $0.reason == .lateStart
        }
        #expect(gaps.map(\.upper) == (source == .prometheus ? [60] : []))
    }
}
