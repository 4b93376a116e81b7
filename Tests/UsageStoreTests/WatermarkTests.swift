import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Rule 10: until when an epoch is expected, and what that holds back.
@Suite struct WatermarkTests {
    @Test func `An epoch holds the watermark until its orderly end, a successor, or a day of silence`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1, bootID: "boot-1")
            first.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            first.flush(at: .at(12, 14), requests: 20, started: .at(12, 0))
            first.end()
            try await store.commit(&first)
            // Not derived yet: the quarter hour holds it.
            let queued = try await store.watermark(of: "edge", asOf: .at(12, 30))
            #expect(queued.passed == .at(12, 0))
            #expect(queued.holds.first?.reason == .queued)
            try await store.aggregate()
            let expected = try await store.watermark(of: "edge", asOf: .at(12, 30))
            #expect(expected.passed == .at(12, 14))
            #expect(expected.holds.map(\.instance) == ["envoy-1"])
            #expect(expected.holds.first?.reason == .expected(until: .at(36, 14)))
            #expect(expected.hasPassed(.at(12, 14)) && !expected.hasPassed(.at(12, 15)))
            // A day of silence.
            #expect(try await store.watermark(of: "edge", asOf: .at(36, 13)).passed == .at(12, 14))
            #expect(try await store.watermark(of: "edge", asOf: .at(36, 14)).passed == .at(36, 14))
            // A successor, which is drained.
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(12, 20), requests: 1, started: .at(12, 19))
            second.flush(at: .at(12, 29), requests: 1, started: .at(12, 19))
            try await store.commit(&second)
            try await store.aggregate()
            #expect(try await store.watermark(of: "edge", asOf: .at(12, 30)).passed == .at(12, 29))
            second.flush(
                at: .at(12, 40), [Stream.requests: 1], gauges: ["http.tenant_acme.downstream_rq_active": 0],
                started: .at(12, 19), state: 1)
            second.end()
            try await store.commit(&second)
            try await store.aggregate()
            let drained = try await store.watermark(of: "edge", asOf: .at(13, 0))
            #expect(drained.passed == .at(13, 0) && drained.holds.isEmpty)
        }
    }

    @Test func `Several gateways, and those of a tenant, have the earliest of their watermarks`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = CommitAndAggregateTests.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            #expect(try await store.watermark(of: ["edge", "internal"], asOf: .at(12, 30)).passed == .at(12, 3))
            #expect(try await store.watermark(of: ["edge"], asOf: .at(12, 30)).passed == .at(12, 16))
            let acme = try await store.watermark(ofTenant: "acme", from: .at(0, 0), to: .at(24, 0), asOf: .at(12, 30))
            #expect(acme.passed == .at(12, 3) && acme.holds.map(\.gateway) == ["internal", "edge"])
            let globex = try await store.watermark(
                ofTenant: "globex", from: .at(0, 0), to: .at(24, 0), asOf: .at(12, 30))
            #expect(globex.passed == .at(12, 16))
            await #expect(throws: UsageStoreError.self) { try await store.watermark(of: "nowhere") }
        }
    }

    @Test func `What had ended before a period is read neither for its coverage nor for a watermark`() async throws {
        try await withStore { store in
            // Twenty thousand lives of an hour each, one after another, of which the last day's are asked for.
            try await store.pool.execute(
                "INSERT INTO gateway (name, metering_since) VALUES ('edge', $1)", [Timestamp.at(0, 0).postgres])
            try await store.pool.execute(
                "INSERT INTO instance (gateway_id, name) SELECT gateway_id, 'envoy' FROM gateway")
            try await store.pool.execute("INSERT INTO collect_version (patterns) VALUES ('*')")
            try await store.pool.execute(
                """
                INSERT INTO epoch (
                    instance_id, gateway_id, collect_version_id, started_at, first_hot_restart_epoch, first_sent_at,
                    first_received_at, last_hot_restart_epoch, last_sent_at, last_received_at, last_reading_at
                )
                SELECT instance_id, gateway_id, collect_version_id, began, 0, began, began, 0, ended, ended, ended
                FROM instance, collect_version, generate_series(1, 20000) AS life (number)
                CROSS JOIN LATERAL (
                    SELECT $1::timestamptz - number * interval '1 hour' AS began,
                        $1::timestamptz - number * interval '1 hour' + interval '50 minutes' AS ended
                ) AS times
                """, [Timestamp.at(24, 0).postgres])
            try await store.pool.withConnection { _ = try await $0.executeOnce("ANALYZE epoch") }
            try await store.pool.transaction(.repeatableRead, readOnly: true) { connection in
                let gateway = try await UsageStore.gatewayNumber("edge", on: connection)
                let reader = CoverageReader(of: [gateway], from: .at(0, 0), to: .at(24, 0))
                #expect(try await connection.execute(reader.lives).count == 48)
                let holds = try await Watermark.holds(of: [gateway], asOf: .at(24, 0), on: connection)
                #expect(holds.map(\.at) == [.at(23, 50)])
                let read = try await connection.execute(
                    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'epoch'")
                #expect(try read[0].decode(0, as: Int64.self) < 1000)
            }
        }
    }
}
