import FoundationEssentials
import Metering
import PostgreSQL
import Pricing
import UsageStore

@testable import Billing

extension Timestamp {
    /// An instant, as `2026-11-01T00:00:00Z`.
    static func at(_ text: String) -> Timestamp { Timestamp(text) ?? .earliest }
}

/// Price books in few words.
enum Books {
    /// USD 90 per 10⁹ graduated, then 60, then 30.
    static let tiers = """
        - dimension: requests
          name: Gateway requests
          model: graduated
          per_units: 1000000000
          tiers:
          - {up_to: 1000000000, amount_minor: 9000}
          - {up_to: 10000000000, amount_minor: 6000}
          - {amount_minor: 3000}
        """

    /// One cent a unit, so that amounts are counts.
    static let cents = """
        - dimension: requests
          name: Requests
          model: per_unit
          amount_minor: 1
        """

    static func yaml(
        id: String = "p", currency: String = "USD", rounding: String = "half_up", charges: String = cents,
        extra: String = "", later: String = ""
    ) -> String {
        """
        id: \(id)
        currency: \(currency)
        rounding: \(rounding)
        versions:
        - effective: 2020-01-01
          charges:
        \(indented(charges, 2))
        \(indented(extra, 2))
        \(later)
        """
    }

    static func book(_ yaml: String) throws -> PriceBook { try PriceBook(yaml: yaml, file: "test") }

    private static func indented(_ text: String, _ width: Int) -> String {
        text.split(separator: "\n").map { String(repeating: " ", count: width) + $0 }.joined(separator: "\n")
    }
}

/// A billing database with one tenant, whose consumption is written as the job would have written it.
struct Billed {
    let billing: BillingStore

    var pool: PostgresPool { billing.pool }

    /// Imports a book, adds the tenant and a contract.
    @discardableResult
    func contract(
        _ tenant: String = "acme", book: String = Books.yaml(), from: String = "2026-01-01", until: String? = nil,
        zone: String = "UTC", anchor: Int = 1, grace: Int = 24, onIncomplete: ContractTerms.OnIncomplete = .finalize,
        pinned: String? = nil, series: String = "INV"
    ) async throws -> ContractTerms {
        let prices = try Books.book(book)
        _ = try await billing.importPriceBook(prices, by: "ada")
        _ = try? await billing.addTenant(tenant, by: "ada")
        return try await billing.addContract(
            ContractTerms(
                id: "", tenant: tenant, priceBook: prices.id, pinnedVersion: pinned, currency: prices.currency.code,
                zone: zone, anchorDay: anchor, graceHours: grace, onIncomplete: onIncomplete, series: series,
                startsOn: from, endsOn: until, seller: Party(name: "Gateway Ltd", address: ["1 Main Street"]),
                buyer: Party(name: "Acme GmbH", taxID: "DE123")), by: "ada", now: .at("2026-01-01T00:00:00Z"))
    }

    /// Writes consumption records; later ones of the same place replace earlier ones.
    func use(
        _ requests: Int64, at quarterHour: String, tenant: String = "acme", gateway: String = "edge",
        service: String = "web", bytes: Int64 = 0
    ) async throws {
        let time = Timestamp.at(quarterHour)
        _ = try await pool.execute(
            "SELECT make_partitions($1::timestamptz::date, $1::timestamptz::date)", [time.postgres])
        _ = try await pool.execute(
            "INSERT INTO gateway (name, metering_since) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [gateway, time.postgres])
        _ = try await pool.execute(
            """
            INSERT INTO service (tenant_id, name) SELECT tenant_id, $2 FROM tenant WHERE name = $1 ON CONFLICT DO NOTHING
            """, [tenant, service])
        _ = try await pool.execute(
            """
            INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests, received_bytes)
            SELECT tenant.tenant_id, gateway_id, service_id, $4, $5, $6
            FROM tenant JOIN service ON service.tenant_id = tenant.tenant_id AND service.name = $2, gateway
            WHERE tenant.name = $1 AND gateway.name = $3
            ON CONFLICT (tenant_id, gateway_id, service_id, quarter_hour)
            DO UPDATE SET requests = excluded.requests, received_bytes = excluded.received_bytes
            """, [tenant, service, gateway, time.postgres, requests, bytes])
    }

    /// Says of a record since when its requests were counted; the job keeps what is longer than a quarter hour apart too.
    func carry(
        _ requests: Int64, into quarterHour: String, since: String, until: String, isLong: Bool
    ) async throws {
        let values: [any PostgresEncodable] =
            [quarterHour, since, until].map { Timestamp.at($0).postgres } + [requests]
        _ = try await pool.execute(
            """
            UPDATE consumption SET carried_in = $4, carried_since = $2, carried_until = $3 WHERE quarter_hour = $1
            """, values)
        guard isLong else { return }
        _ = try await pool.execute(
            """
            INSERT INTO carried_over (tenant_id, gateway_id, service_id, quarter_hour, since, until, requests)
            SELECT tenant_id, gateway_id, service_id, quarter_hour, $2, $3, $4 FROM consumption WHERE quarter_hour = $1
            """, values)
    }

    /// An instance's life whose last reading was then, and which did not end in order.
    func alive(_ gateway: String = "edge", instance: String = "envoy-1", lastReading: String, drained: Bool = false)
        async throws
    {
        let time = Timestamp.at(lastReading).postgres
        _ = try await pool.execute(
            "INSERT INTO gateway (name, metering_since) VALUES ($1, $2) ON CONFLICT DO NOTHING", [gateway, time])
        _ = try await pool.execute(
            """
            INSERT INTO instance (gateway_id, name) SELECT gateway_id, $2 FROM gateway WHERE name = $1
            ON CONFLICT DO NOTHING
            """, [gateway, instance])
        _ = try await pool.execute("INSERT INTO collect_version (patterns) VALUES ('*') ON CONFLICT DO NOTHING")
        _ = try await pool.execute(
            """
            INSERT INTO epoch (
                instance_id, gateway_id, collect_version_id, started_at, first_hot_restart_epoch, first_sent_at,
                first_received_at, last_hot_restart_epoch, last_sent_at, last_received_at, last_reading_at, drained
            )
            SELECT instance_id, gateway_id, collect_version_id, $3::timestamptz - interval '10 days', 0,
                $3::timestamptz - interval '10 days', $3::timestamptz - interval '10 days', 0, $3, $3, $3, $4
            FROM instance JOIN gateway USING (gateway_id), collect_version
            WHERE gateway.name = $1 AND instance.name = $2 LIMIT 1
            """, [gateway, instance, time, drained])
    }

    /// Says that no tapes are kept: consumption stands for itself.
    func dropTapes(before: String = "2030-01-01T00:00:00Z") async throws {
        _ = try await pool.execute(
            """
            INSERT INTO retention_floor (subject, dropped_before) VALUES ('tape', $1)
            ON CONFLICT (subject) DO UPDATE SET dropped_before = $1
            """, [Timestamp.at(before).postgres])
    }

    @discardableResult
    func finalize(
        at now: String, incomplete: Bool = false, contract: String? = nil, month: String? = nil
    ) async throws -> FinalizeRun {
        var order = FinalizeOrder(now: .at(now), by: "ada")
        order.allowsIncomplete = incomplete
        order.contract = contract
        order.month = month
        return try await billing.finalize(order)
    }

    func invoice(_ number: String) async throws -> Invoice {
        try await billing.invoice(number, now: .at("2026-06-01T00:00:00Z"))
    }
}

func withBilled(connections: Int = 4, _ body: (Billed) async throws -> Void) async throws {
    try await withBilling(connections: connections) { try await body(Billed(billing: $0)) }
}

/// Inputs without a database.
enum Made {
    static func inputs(
        book: String = Books.yaml(), month: String = "2026-03", zone: String = "UTC", anchor: Int = 1,
        from: String = "2020-01-01", until: String? = nil, usage: [(String, Int64)] = [],
        blocks: [UsageBlock]? = nil, adjustments: [Adjustment] = [], credits: [InvoiceCredit] = [],
        readings: [MeterReading] = [], coverage: InvoiceCoverage = InvoiceCoverage()
    ) throws -> InvoiceInputs {
        let prices = try Books.book(book)
        let terms = ContractTerms(
            id: "0190a000-0000-7000-8000-000000000001", tenant: "acme", priceBook: prices.id,
            currency: prices.currency.code, zone: zone, anchorDay: anchor, startsOn: from, endsOn: until,
            seller: Party(name: "Gateway Ltd"), buyer: Party(name: "Acme GmbH"))
        let period = try terms.period(month: month)
        let version = try prices.version(inForceOn: period.startDate)
        let block = UsageBlock(
            gateway: "edge", service: "web",
            quarterHours: usage.map { QuarterHour(containing: .at($0.0)).number },
            quantities: ["requests": usage.map(\.1)])
        return InvoiceInputs(
            terms: terms, period: try InvoicePeriod(period, terms), price: FrozenPrice(version),
            usage: blocks ?? (usage.isEmpty ? [] : [block]), readings: readings, coverage: coverage,
            adjustments: adjustments, credits: credits)
    }

    static func document(_ inputs: InvoiceInputs) throws -> InvoiceDocument { try InvoiceDocument(inputs) }
}
