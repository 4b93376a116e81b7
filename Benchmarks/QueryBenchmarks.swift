import Metering
import PostgreSQL
import UsageStore

/// Queries over 1,000 tenants × 13 months, and over ten million quarter hours without a roll-up.
/// `WAYBILL_BENCH_TENANTS` sets the tenants.
enum QueryBenchmarks {
    static let all = [Benchmark("usage-queries", "a tenant's month out of 1,000 tenants × 13 months", queries)]

    private static let runs = 300
    private static var tenants: Int { StoreFleet.scale("WAYBILL_BENCH_TENANTS", 1000) }

    @Sendable private static func queries(_ stopwatch: Stopwatch) async throws {
        let fleet = try await StoreFleet()
        try await fill(fleet)
        let store = fleet.store
        let month = (from: Timestamp(seconds: 1_788_220_800), to: Timestamp(seconds: 1_790_812_800))  // 2026-09
        try await latency("a month by day") { run in
            let usage = try await store.monthlyUsage(
                tenant: "t\(run * 7919 % tenants + 1)", month: "2026-09", zone: "UTC", from: month.from, to: month.to,
                groupBy: [.day])
            precondition(usage.groups.count == 30)
        }
        try await latency("a month by service and hour") { run in
            let usage = try await store.monthlyUsage(
                tenant: "t\(run * 7919 % tenants + 1)", month: "2026-09", zone: "UTC", from: month.from, to: month.to,
                groupBy: [.service, .hour])
            precondition(usage.groups.count == 720)
        }
        try await latency("a free range of 30 days on quarter hours, in days") { run in
            let usage = try await store.usage(
                tenant: "t\(run * 7919 % tenants + 1)", from: month.from.advanced(byMicroseconds: 900_000_000),
                to: month.to.advanced(byMicroseconds: -900_000_000), window: .day)
            precondition(usage.count == 30)
        }
        await fleet.remove()
    }

    /// Records as the job would have left them: one service and gateway a tenant. Quarter hours of the last 105 days,
    /// roll-ups of 13 months.
    private static func fill(_ fleet: StoreFleet) async throws {
        let pool = fleet.store.pool
        _ = try await pool.withConnection { connection in
            for statement in [
                "SELECT make_partitions('2025-09-01', '2026-10-01')",
                "INSERT INTO tenant (name) SELECT 't' || n FROM generate_series(1, \(tenants)) AS n",
                "INSERT INTO service (tenant_id, name) SELECT tenant_id, 'gateway' FROM tenant",
                "INSERT INTO gateway (name, metering_since) VALUES ('edge', '2025-09-01')",
                """
                INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests, received_bytes,
                    sent_bytes, responses_2xx)
                SELECT tenant_id, gateway_id, service_id, at, tenant_id * 7 + 1, 1000, 9000, tenant_id * 7 + 1
                FROM generate_series('2026-06-18'::timestamptz, '2026-09-30 23:45', '15 minutes') AS at,
                    service, gateway
                """,
                rollUp("hour", "1 hour"), rollUp("day", "1 day"), rollUp("month", "1 month"), "VACUUM ANALYZE",
            ] { try await connection.executeOnce(statement) }
        }
        let records = try await fleet.number("SELECT count(*) FROM consumption")
        let rollUps = try await fleet.number("SELECT count(*) FROM consumption_rollup")
        print("  filled: \(records) quarter hours, \(rollUps) roll-ups")
    }

    private static func rollUp(_ grain: String, _ step: String) -> String {
        """
        INSERT INTO consumption_rollup
        SELECT tenant_id, '\(grain)', 'UTC', at, gateway_id, service_id, at + '\(step)', 4, 4 * tenant_id + 4, 0, 0, 0,
            0, 4000, 36000, 0, 4 * tenant_id + 4, 0, 0, 0, 0
        FROM generate_series('2025-09-01'::timestamptz, '2026-09-30 23:00', '\(step)') AS at, service, gateway
        """
    }

    private static func latency(_ label: String, _ query: (Int) async throws -> Void) async throws {
        let clock = ContinuousClock()
        for run in 0..<20 { try await query(run) }
        var times: [Duration] = []
        for run in 0..<runs { times.append(try await clock.measure { try await query(run) }) }
        times.sort()
        print("  \(label): median \(times[runs / 2]), p99 \(times[runs * 99 / 100 - 1]), slowest \(times[runs - 1])")
    }
}
