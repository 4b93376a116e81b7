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
        let states = try await connection.execute(
            """
            SELECT
                (SELECT min(last_reading_at) FROM epoch
                    WHERE gateway_id = (SELECT gateway_id FROM gateway WHERE name = $1) AND NOT drained
                        AND last_reading_at > $3::timestamptz - interval '24 hours'
                        AND NOT EXISTS (
                            SELECT FROM epoch AS later
                            WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                                AND later.first_received_at > epoch.last_received_at
                        )),
                (SELECT min(quarter_hour) FROM tape_change
                    WHERE tape_change.gateway_id = gateway.gateway_id AND quarter_hour < $2)
            FROM gateway WHERE gateway.name = $1
            """, [key.gateway, key.end.postgres, now.postgres])
        watermark = try states.first?.decode(0, as: PostgresTimestamp?.self).map { Timestamp($0) }
        waitsForAggregation = try states.first?.decode(1, as: PostgresTimestamp?.self).map { Timestamp($0) }
        let lives = try await connection.execute(
            """
            SELECT COALESCE(epoch.started_at, epoch.first_received_at),
                COALESCE(epoch.baseline_at, epoch.started_at, epoch.first_received_at), epoch.last_reading_at,
                epoch.drained, COALESCE(successor.started_at, successor.first_received_at),
                COALESCE(successor.first_hot_restart_epoch > epoch.last_hot_restart_epoch, false)
            FROM epoch JOIN gateway USING (gateway_id)
            LEFT JOIN LATERAL (
                SELECT started_at, first_received_at, first_hot_restart_epoch FROM epoch AS later
                WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                    AND later.first_received_at > epoch.last_received_at
                ORDER BY later.first_received_at LIMIT 1
            ) AS successor ON true
            WHERE gateway.name = $1 AND epoch.last_reading_at >= $2::timestamptz - interval '24 hours'
                AND COALESCE(epoch.started_at, epoch.first_received_at) < $3
                AND epoch.source_kind <= COALESCE((
                    SELECT min(source_kind) FROM epoch
                    WHERE gateway_id = (SELECT gateway_id FROM gateway WHERE name = $1)
                        AND last_reading_at >= $2 AND first_received_at < $3
                ), epoch.source_kind)
            """, range)
        self.lives = try lives.map { row in
            func time(_ column: Int) throws -> Timestamp {
                Timestamp(try row.decode(column, as: PostgresTimestamp.self))
            }
            return Coverage.Life(
                started: try time(0), observedFrom: try time(1), lastReading: try time(2), isDrained: try row.decode(3),
                successorStarted: try row.decode(4, as: PostgresTimestamp?.self).map { Timestamp($0) },
                isInherited: try row.decode(5))
        }
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
