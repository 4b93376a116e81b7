import Billing
import Foundation
import Logging
import Metering
import PostgreSQL
import Pricing
import UsageStore

/// Rating and finalizing 100,000 contracts against a real PostgreSQL, durable, with its files on this machine's disk.
enum FinalizeBenchmarks {
    static let all = [
        Benchmark("finalize", "100,000 contracts rated and finalized; one invoice of 10,000 lines") { _ in
            try await run()
        }
    ]

    /// WAYBILL_BENCH_CONTRACTS for a quick look.
    private static let contracts: Int64 =
        ProcessInfo.processInfo.environment["WAYBILL_BENCH_CONTRACTS"].flatMap { Int64($0) } ?? 100_000
    /// Consumption records a contract: one service at one gateway, so many quarter hours of the month.
    private static let records: Int64 = 12

    private static func run() async throws {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let folder = NSTemporaryDirectory() + "waybill-bench-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await EmbeddedPostgres.start(dataDirectory: folder, logger: logger)
        let pool = PostgresPool(server.configuration, limits: PostgresPool.Limits(size: 8), logger: logger)
        do {
            _ = try await Migrations(directory: FileManager.default.currentDirectoryPath + "/migrations")
                .run(on: server.configuration, logger: logger)
            try await measure(BillingStore(pool: pool, logger: logger))
        } catch {
            await pool.shutdown()
            await server.stop()
            throw error
        }
        await pool.shutdown()
        await server.stop()
    }

    private static func measure(_ billing: BillingStore) async throws {
        let now = Timestamp("2026-04-02T01:00:00Z") ?? .earliest
        try await fill(billing)
        var order = FinalizeOrder(now: now, by: "bench")
        order.finalizers = 3
        let clock = ContinuousClock()
        let start = clock.now
        let run = try await billing.finalize(order)
        let time = start.duration(to: clock.now)
        print("  \(run.finalized.count) contracts, \(records) records each: \(time); \(run.failed.count) failed")

        try await manyLines(billing)
        let before = clock.now
        let large = try await billing.finalize(order)
        let took = before.duration(to: clock.now)
        let invoice = try await billing.invoice(large.finalized.first?.number ?? "", now: now)
        print("  one invoice of \(invoice.document.lines.count) lines: \(took), with the look at all other contracts")
    }

    private static func fill(_ billing: BillingStore) async throws {
        let book = try PriceBook(yaml: shape("bench", charges: tiers), file: "bench")
        _ = try await billing.importPriceBook(book, by: "bench")
        _ = try await billing.pool.execute("SELECT make_partitions('2026-03-01'::date, '2026-03-01'::date)")
        _ = try await billing.pool.execute(
            "INSERT INTO gateway (name, metering_since) SELECT 'gateway-' || n, '2026-01-01' FROM generate_series(0, 9) AS n"
        )
        _ = try await billing.pool.execute(
            "INSERT INTO tenant (name, confirmed) SELECT 'tenant-' || n, true FROM generate_series(1, $1) AS n",
            [contracts])
        _ = try await billing.pool.execute("INSERT INTO service (tenant_id, name) SELECT tenant_id, 'web' FROM tenant")
        _ = try await billing.pool.execute(
            """
            INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests)
            SELECT tenant_id, 1 + tenant_id % 10, service_id,
                timestamptz '2026-03-01T00:00:00Z' + (n * 200) * interval '15 minutes', 7919 * tenant_id % 2000000000
            FROM service, generate_series(0, $1 - 1) AS n
            """, [records])
        _ = try await billing.pool.execute(
            """
            INSERT INTO contract (
                tenant_id, contract_id, price_book, currency, zone, anchor_day, grace_hours, on_incomplete, series,
                starts_on, seller, buyer, created_by
            )
            SELECT tenant_id, gen_random_uuid(), 'bench', 'USD', 'Europe/Berlin', 1, 24, 'finalize', 'INV', '2026-03-01',
                '{"name": "Gateway Ltd", "address": ["1 Main Street"]}', '{"name": "Acme", "address": []}', 'bench'
            FROM tenant
            """)
        _ = try await billing.pool.execute("ANALYZE")
    }

    private static func manyLines(_ billing: BillingStore) async throws {
        let charges = (1...10_000)
            .map { "  - {dimension: requests, name: R\($0), model: per_unit, amount_minor: \"0.5\"}" }
            .joined(separator: "\n")
        let book = try PriceBook(yaml: shape("large", charges: charges), file: "large")
        _ = try await billing.importPriceBook(book, by: "bench")
        try await billing.addTenant("large", by: "bench")
        try await billing.addContract(
            ContractTerms(
                id: "", tenant: "large", priceBook: "large", currency: "USD", zone: "UTC", startsOn: "2026-03-01",
                seller: Party(name: "Gateway Ltd"), buyer: Party(name: "Large")), by: "bench",
            now: Timestamp("2026-01-01T00:00:00Z") ?? .earliest)
        _ = try await billing.pool.execute(
            """
            INSERT INTO service (tenant_id, name) SELECT tenant_id, 'web' FROM tenant WHERE name = 'large'
            """)
        _ = try await billing.pool.execute(
            """
            INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests)
            SELECT tenant_id, 1, service_id, '2026-03-01T00:00:00Z', 3 FROM service JOIN tenant USING (tenant_id)
            WHERE tenant.name = 'large'
            """)
    }

    private static let tiers = """
          - dimension: requests
            name: Gateway requests
            model: graduated
            per_units: 1000000000
            tiers:
            - {up_to: 1000000000, amount_minor: 9000}
            - {up_to: 10000000000, amount_minor: 6000}
            - {amount_minor: 3000}
        """

    private static func shape(_ id: String, charges: String) -> String {
        """
        id: \(id)
        currency: USD
        versions:
        - effective: 2020-01-01
          charges:
        \(charges)
          taxes:
          - {name: VAT, percent: "19"}
        """
    }
}
