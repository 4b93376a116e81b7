import Metering
import PostgreSQL
import TestSupport
import Testing

@testable import UsageStore

/// Access logs narrow gaps, and an operator may bill what they show: as a named batch, applied and reverted as a whole.
@Suite struct GapEvidenceTests {
    /// Killed at 12:01:10 after 30 requests, ten a flush of five seconds; the next life began at 12:02:00.
    private func withKilledProcess(_ body: (UsageStore) async throws -> Void) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1)
            for flush in Int64(0)...2 {
                first.flush(at: .at(12, 1, flush * 5), requests: 10 * (flush + 1), started: .at(12, 0))
            }
            first.end()
            try await store.commit(&first)
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(12, 2, 10), requests: 5, started: .at(12, 2))
            second.end()
            try await store.commit(&second)
            #expect(try await store.requests() == 35)
            try await body(store)
        }
    }

    private func log(
        _ store: UsageStore, _ count: Int64, at time: Timestamp,
        counter: String = EvidenceCounter.manager("tenant_acme"),
        instance: String = "envoy-1", writer: Int64 = 1, way: EvidenceWay = .stream
    ) async throws {
        var seconds = EvidenceSeconds(QuarterHour(containing: time))
        for _ in 0..<count { seconds.add(countedAt: time) }
        try await store.store(
            evidenceSeconds: [
                EvidenceSecondsRow(
                    gateway: "edge", instance: instance, counter: counter, writer: writer, way: way, seconds: seconds)
            ])
    }

    private func gap(_ store: UsageStore, of tenant: String = "acme") async throws -> MonthlyUsage.GapReport {
        #expect(try await store.aggregate().failures == [])
        let gaps = try await store.usage(of: tenant).coverage.gaps
        #expect(gaps.map(\.reason) == ["tail_lost"])
        return try #require(gaps.first)
    }

    @Test func `A log that comes later narrows a gap, and nothing of it is billed`() async throws {
        try await withKilledProcess { store in
            let before = try await gap(store)
            #expect(before.lower == 0)
            // Eleven flushes of five seconds are missing in 50 s, each of at most twice ten.
            #expect(before.upper == 200)
            try await log(store, 37, at: .at(12, 1, 20))
            let narrowed = try await gap(store)
            #expect(narrowed.lower == 37)
            #expect(narrowed.upper == 200)
            #expect(narrowed.evidence == 37)
            let usage = try await store.usage(of: "acme")
            #expect(usage.requests == 35)
            #expect(usage.lower == 72)
            #expect(usage.upper == 235)
        }
    }

    @Test func `What was counted is no evidence of what was not`() async throws {
        try await withKilledProcess { store in
            // Before the last reading, in the second that it cuts, and in the next life.
            try await log(store, 9, at: .at(12, 1, 9), writer: 1)
            try await log(store, 8, at: .at(12, 1, 10), writer: 2, way: .push)
            try await log(store, 7, at: .at(12, 1, 59), writer: 3, way: .file)
            try await log(store, 6, at: .at(12, 2, 1), writer: 4, way: .file)
            #expect(try await gap(store).evidence == 8)
        }
    }

    @Test func `The ways by which a log came do not add up, its writers do`() async throws {
        try await withKilledProcess { store in
            try await log(store, 20, at: .at(12, 1, 20), writer: 1)
            try await log(store, 15, at: .at(12, 1, 20), writer: 2)
            try await log(store, 30, at: .at(12, 1, 20), writer: 3, way: .file)
            // The same count again, and an older one.
            try await log(store, 15, at: .at(12, 1, 20), writer: 2)
            try await log(store, 3, at: .at(12, 1, 20), writer: 3, way: .file)
            #expect(try await gap(store).evidence == 35)
        }
    }

    @Test func `Another tenant's and another instance's requests are not mine`() async throws {
        try await withKilledProcess { store in
            try await log(store, 5, at: .at(12, 1, 20), counter: EvidenceCounter.manager("tenant_globex"), writer: 1)
            try await log(store, 50, at: .at(12, 1, 20), instance: "envoy-9", writer: 2)
            #expect(try await gap(store).evidence == nil)
            var globex = Stream(7, instance: "envoy-2")
            globex.flush(
                at: .at(12, 1), ["http.tenant_globex.downstream_rq_completed": 1], started: .at(12, 0), state: 1)
            globex.end()
            try await store.commit(&globex)
            #expect(try await gap(store, of: "globex").evidence == 5)
        }
    }

    @Test func `Where clusters bill, a log narrows a gap by cluster, and the connection manager's part is not added`()
        async throws
    {
        try await withStore { store in
            try await store.putInForce(meters: [Shipped.meters("enroute")], now: .at(0, 0))
            let counter = "cluster.shop_web_80.upstream_rq_completed"
            var first = Stream(1)
            for flush in Int64(0)...2 {
                first.flush(
                    at: .at(12, 1, flush * 5),
                    [counter: 10 * (flush + 1), "http.ingress_http.downstream_rq_completed": 11 * (flush + 1)],
                    started: .at(12, 0))
            }
            first.end()
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(12, 2, 10), [counter: 5], started: .at(12, 2))
            second.end()
            try await store.commit(&first)
            try await store.commit(&second)
            try await log(store, 21, at: .at(12, 1, 20), counter: counter, writer: 1)
            try await log(
                store, 9, at: .at(12, 1, 20), counter: "cluster.shop_web_443.upstream_rq_completed", writer: 2)
            try await log(
                store, 40, at: .at(12, 1, 20), counter: EvidenceCounter.manager("ingress_http"), writer: 3)
            try await log(
                store, 7, at: .at(12, 1, 20), counter: EvidenceCounter.cluster("shop_enroute_8001"), writer: 4)
            let gap = try await gap(store, of: "shop")
            #expect(gap.evidence == 30)
            #expect(gap.lower == 30)
            #expect(try await store.usage(of: "shop").requests == 35)
        }
    }

    @Test func `A log without a name is the only instance's, and nobody's among several`() async throws {
        try await withKilledProcess { store in
            try await log(store, 12, at: .at(12, 1, 20), instance: "")
            #expect(try await gap(store).evidence == 12)
            var other = Stream(7, instance: "envoy-2")
            other.flush(at: .at(12, 1), requests: 1, started: .at(12, 0), state: 1)
            other.end()
            try await store.commit(&other)
            #expect(try await gap(store).evidence == nil)
        }
    }

    @Test func `A log that shows more than twice the busiest flush refutes the bound`() async throws {
        try await withKilledProcess { store in
            try await log(store, 300, at: .at(12, 1, 20))
            let gap = try await gap(store)
            #expect(gap.lower == 300)
            #expect(gap.upper == nil)
            #expect(gap.basis == nil)
        }
    }

    @Test func `What was counted behind a reset is taken off`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            for (second, value) in [(Int64(0), Int64(10)), (5, 20), (10, 30), (15, 4), (20, 9)] {
                stream.flush(at: .at(12, 1, second), requests: value, started: .at(12, 0))
            }
            stream.end()
            try await store.commit(&stream)
            // Ten ended between the two readings, of which four were counted after the reset.
            try await log(store, 10, at: .at(12, 1, 12))
            #expect(try await store.requests() == 39)
            let reset = try await store.usage(of: "acme").coverage.gaps.first { $0.reason == "reset" }
            #expect(reset?.evidence == 6)
        }
    }

    // MARK: As a batch

    private func propose(_ store: UsageStore, _ name: String) async throws {
        try await store.aggregate()
        let rows = try await store.unbilledEvidence(gateway: "edge", from: .at(12, 0), to: .at(13, 0))
        _ = try await store.propose(
            name, rows: rows, source: "evidence", kind: .evidence, reason: "a pod was killed", by: "ada",
            file: "evidence")
    }

    @Test func `Evidence becomes a batch that is shown, applied and reverted, and is billed once`() async throws {
        try await withKilledProcess { store in
            try await log(store, 37, at: .at(12, 1, 20))
            #expect(try await store.requests() == 35)
            let before = try await store.contents()
            try await propose(store, "killed")
            try await propose(store, "killed again")
            #expect(try await store.correction("killed").differences.map(\.after) == [72])
            try await store.apply(correction: "killed", by: "bob")
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                try await store.apply(correction: "killed again", by: "bob")
            }
            #expect(refusal?.code == .conflict)
            let billed = try await gap(store)
            #expect([billed.lower, billed.upper, billed.evidence, billed.billed] == [0, 163, 37, 37])
            let usage = try await store.usage(of: "acme")
            #expect([usage.requests, usage.lower, usage.upper] == [72, 72, 235])
            #expect(try await store.unbilledEvidence(gateway: nil, from: .at(12, 0), to: .at(13, 0)) == [])
            // More of the log comes: the rest is another batch.
            try await log(store, 3, at: .at(12, 1, 30), writer: 2)
            try await propose(store, "the rest")
            try await store.apply(correction: "the rest", by: "bob")
            #expect(try await store.requests() == 75)
            try await store.revert(correction: "the rest", by: "bob")
            try await store.revert(correction: "killed", by: "bob")
            #expect(try await store.requests() == 35)
            #expect(try await store.contents() == before)
        }
    }

    @Test func `Quarter hours whose tapes were dropped are refused with what to do instead`() async throws {
        try await withKilledProcess { store in
            _ = try await store.pool.execute(
                "INSERT INTO retention_floor (subject, dropped_before) VALUES ('tape', $1)",
                [Timestamp.at(12, 0).postgres]
            )
            let row = BackfillRow(
                tenant: "acme", gateway: "edge", service: "gateway", quarterHour: QuarterHour(containing: .at(11, 45)),
                dimension: .requests, quantity: 1)
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                _ = try await store.propose(
                    "old", rows: [row], source: "old.csv", reason: nil, by: "ada", file: "old.csv")
            }
            #expect(refusal?.message.contains("waybill credit-note issue") == true)
            #expect(try await store.corrections() == [])
        }
    }

    // MARK: Beside the counters

    @Test func `A log is held against the counters, by connection manager, route and cluster`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(
                at: .at(12, 1),
                [
                    Stream.requests: 10, "cluster.web.upstream_rq_completed": 8,
                    "vhost.v.route.shop.upstream_rq_completed": 6,
                ], started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            func row(
                _ route: String, _ cluster: String, _ answered: Int64, _ writer: Int64, _ way: EvidenceWay = .stream
            ) -> EvidenceRow {
                var counts = AccessLogEvidence.Counts(first: .at(12, 1), last: .at(12, 1))
                counts.answered = answered
                return EvidenceRow(
                    gateway: "edge", quarterHour: QuarterHour(containing: .at(12, 1)),
                    key: AccessLogEvidence.Key(prefix: "tenant_acme", route: route, cluster: cluster), writer: writer,
                    counts: counts, way: way)
            }
            try await store.store(evidence: [
                row("shop", "web", 5, 1), row("docs", "web", 4, 2), row("shop", "", 3, 3), row("", "", 1, 4),
                row("shop", "web", 5, 5, .file),
            ])
            let found = try await store.evidenceDifferences(gateway: "edge", from: .at(12, 0), to: .at(13, 0))
            #expect(found.map(\.prefix) == ["tenant_acme", "tenant_acme", nil])
            #expect(found.map(\.route) == [nil, "shop", nil])
            #expect(found.map(\.cluster) == [nil, nil, "web"])
            #expect(found.map(\.counted) == [10, 6, 8])
            #expect(found.map(\.difference) == [3, -1, 1])
            #expect(found.map(\.largestAt) == Array(repeating: "2024-11-05T12:00:00Z", count: 3))
            #expect(
                try await store.answeredByAccessLogs(
                    gateway: "edge", prefix: "tenant_acme", from: .at(12, 0), to: .at(13, 0)) == 13)
        }
    }
}
