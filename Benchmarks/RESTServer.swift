import Foundation
import Hummingbird
import Logging
import Metering
import PostgreSQL
import UsageStore
import WebAPI

/// The HTTP interface over 1,000 tenants' data, with two trivial routes beside it to measure it against: `scripts/bench-rest`
/// starts it, and ends it by SIGTERM.
///
///     /bench/text     a line of text
///     /bench/query    a tenant's name by its number: one trivial prepared query
enum RESTServer {
    static func run() async throws {
        let fleet = try await StoreFleet(connections: 4)
        try await fill(fleet)
        var logger = Logger(label: "bench", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        // As `waybill serve` makes them.
        let stores = APIStores(
            tenants: connections(fleet, as: "waybill_api", size: 8, logger),
            operators: connections(fleet, as: "waybill_billing", size: 4, logger))
        var limits = RequestLimits()
        limits.rate = 1_000_000
        limits.burst = 2_000_000
        let document = try String(contentsOfFile: "docs/openapi.yaml", encoding: .utf8)
        let api = try await WebAPI(stores, configuration: .init(limits: limits, openAPI: document))
        let key = try await NewAPIKey(name: "bench", tenant: "t7", scopes: ["usage:read"], expiresAt: nil)
            .store(in: fleet.store)
        let router = api.router()
        router.get("/bench/text") { _, _ in "ok\n" }
        router.get("/bench/query") { _, _ in
            let rows = try await stores.operators.pool.execute("SELECT name FROM tenant WHERE tenant_id = $1", [7 as Int64])
            return try rows[0].decode(0, as: String.self) + "\n"
        }
        let application = Application(
            router: router, server: try api.server(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                print("key \(key.text)")
                print("port \(channel.localAddress?.port ?? 0)")
                fflush(nil)
            }, logger: logger)
        try await application.runService()
        for store in [stores.tenants, stores.operators] { await store.pool.shutdown() }
        await fleet.remove()
    }

    private static func connections(_ fleet: StoreFleet, as role: String, size: Int, _ logger: Logger) -> UsageStore {
        var configuration = fleet.store.pool.configuration
        configuration.statementTimeout = .seconds(10)
        configuration.assume(role: role)
        var limits = PostgresPool.Limits()
        limits.size = size
        return UsageStore(pool: PostgresPool(configuration, limits: limits, logger: logger), logger: logger)
    }

    /// One service a tenant at one gateway of ten Envoys: days and months of 13 months, hours of the last one, quarter
    /// hours of its last week, and a gap.
    private static func fill(_ fleet: StoreFleet) async throws {
        _ = try await fleet.store.pool.withConnection { connection in
            for statement in [
                "SELECT make_partitions('2025-09-01', '2026-10-01')",
                "INSERT INTO tenant (name) SELECT 't' || n FROM generate_series(0, 999) AS n",
                "INSERT INTO service (tenant_id, name) SELECT tenant_id, 'gateway' FROM tenant",
                "INSERT INTO gateway (name, metering_since) VALUES ('edge', '2025-09-01')",
                "INSERT INTO instance (gateway_id, name) SELECT gateway_id, 'envoy-' || n FROM gateway, generate_series(1, 10) AS n",
                """
                INSERT INTO epoch (instance_id, gateway_id, collect_version_id, started_at, first_hot_restart_epoch,
                    first_sent_at, first_received_at, last_hot_restart_epoch, last_sent_at, last_received_at,
                    last_reading_at, drained)
                SELECT instance_id, gateway_id, (SELECT min(collect_version_id) FROM collect_version), '2026-09-01', 0,
                    '2026-09-01', '2026-09-01', 0, '2026-10-01', '2026-10-01', '2026-10-01', true
                FROM instance
                """,
                """
                INSERT INTO gap (gateway_id, quarter_hour, instance_id, epoch_id, reason, from_at, to_at, lower_bound,
                    upper_bound)
                SELECT gateway_id, '2026-09-12 04:00+00', instance_id, epoch_id, 'unobserved', '2026-09-12 04:01+00',
                    '2026-09-12 04:02+00', 0, 60 FROM epoch LIMIT 1
                """,
                """
                INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests, received_bytes,
                    sent_bytes, responses_2xx)
                SELECT tenant_id, gateway_id, service_id, at, tenant_id * 7 + 1, 1000, 9000, tenant_id * 7 + 1
                FROM generate_series('2026-09-24'::timestamptz, '2026-09-30 23:45', '15 minutes') AS at,
                    service, gateway
                """,
                rollUp("hour", "1 hour", from: "2026-09-01"), rollUp("day", "1 day", from: "2025-09-01"),
                rollUp("month", "1 month", from: "2025-09-01"), "VACUUM ANALYZE",
            ] { try await connection.executeOnce(statement) }
        }
    }

    private static func rollUp(_ grain: String, _ step: String, from: String) -> String {
        """
        INSERT INTO consumption_rollup
        SELECT tenant_id, '\(grain)', 'UTC', at, gateway_id, service_id, at + '\(step)', 4, 4 * tenant_id + 4, 0, 0, 0,
            0, 4000, 36000, 0, 4 * tenant_id + 4, 0, 0, 0, 0
        FROM generate_series('\(from)'::timestamptz, '2026-09-30 23:00', '\(step)') AS at, service, gateway
        """
    }
}
