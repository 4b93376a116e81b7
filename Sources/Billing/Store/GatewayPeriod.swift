import Metering
import PostgreSQL
import Pricing
import UsageStore

/// What a gateway says of a period, for all tenants that it serves.
struct GatewayPeriod {
    struct Key: Hashable {
        var gateway: String
        var start: Timestamp
        var end: Timestamp
    }

    var lives: [Coverage.Life]
    var gaps: [(tenant: Int64?, gap: InvoiceCoverage.Gap)]
    var readings: [BoundReading]
    /// Up to when all expected instances have reported; nil where none is expected.
    var watermark: Timestamp?
    /// The first quarter hour with tapes that are not aggregated yet.
    var waitsForAggregation: Timestamp?

    init(_ key: Key, _ store: BillingStore, _ connection: PostgresConnection, now: Timestamp) async throws {
        let range: [any PostgresEncodable] = [key.gateway, key.start.postgres, key.end.postgres]
        let number = try await UsageStore.gatewayNumber(key.gateway, on: connection)
        for hold in try await Watermark.holds(of: [number], asOf: now, on: connection) {
            switch hold.reason {
            case .expected: watermark = watermark ?? hold.at
            case .queued where hold.at < key.end: waitsForAggregation = hold.at
            case .queued: break
            }
        }
        lives = try await connection.execute(CoverageReader(of: [number], from: key.start, to: key.end).lives)
            .map { try Coverage.Life($0) }
        let gaps = try await connection.execute(
            """
            SELECT gap.tenant_id, instance.name, from_at, to_at, reason, lower_bound, upper_bound
            FROM gap JOIN gateway USING (gateway_id) JOIN instance USING (instance_id)
            WHERE gateway.name = $1 AND quarter_hour >= $2 AND quarter_hour < $3
            ORDER BY from_at, instance.name, reason, gap_id
            """, range)
        self.gaps = try gaps.map { row in
            let gap = InvoiceCoverage.Gap(
                gateway: key.gateway, instance: try row.decode(1),
                from: Timestamp(try row.decode(2, as: PostgresTimestamp.self)).description,
                to: Timestamp(try row.decode(3, as: PostgresTimestamp.self)).description, reason: try row.decode(4),
                lower: try row.decode(5), upper: try row.decode(6))
            return (try row.decode(0), gap)
        }
        readings = try await UsageStore(pool: store.pool, logger: store.logger)
            .meterReadings(of: key.gateway, from: key.start, to: key.end, on: connection)
    }
}

/// The versions that rate periods, read once each.
struct PriceTable {
    private struct Key: Hashable {
        var book: String
        var effective: String
    }

    private var books: [String: StoredPriceBook] = [:]
    private var frozen: [Key: FrozenPrice] = [:]

    mutating func price(
        of due: DuePeriod, _ store: BillingStore, _ connection: PostgresConnection
    ) async throws -> FrozenPrice {
        let name = due.terms.priceBook
        let book: StoredPriceBook
        if let known = books[name] {
            book = known
        } else {
            book = try await store.priceBook(id: name, on: connection)
            books[name] = book
        }
        let version = try due.terms.version(of: book, for: due.period.startDate)
        let key = Key(book: name, effective: version.effective.description)
        if let known = frozen[key] { return known }
        let price = FrozenPrice(version)
        frozen[key] = price
        return price
    }
}
