import Metering
import PostgreSQL
import Pricing

extension UsageStore {
    /// Has a tenant's usage rolled up by days and months of an IANA zone, beside UTC's, the past included. To be called
    /// when a contract is made; does nothing when it is so already.
    ///
    /// - Throws: `UsageStoreError` with `unknownTenant` or `unknownZone`.
    package func keepRollUps(ofTenant tenant: String, zone: String) async throws {
        let rules = try Self.checkedZone(zone)
        try await pool.transaction(.readCommitted) { connection in
            let known = try await connection.execute("SELECT tenant_id FROM tenant WHERE name = $1", [tenant])
            guard let row = known.first else {
                throw UsageStoreError(.unknownTenant, "there is no tenant \(tenant) whose usage could be rolled up")
            }
            guard zone != RollUpCalendar.utc else { return }
            let number: Int64 = try row.decode(0)
            // No unit is written meanwhile: each knows the zones that it writes for.
            try await RollUpBuilder.lock(connection)
            let kept = try await connection.execute(
                """
                INSERT INTO rollup_zone (tenant_id, zone, rules) VALUES ($1, $2, $3)
                ON CONFLICT (tenant_id, zone) DO UPDATE SET rules = excluded.rules
                WHERE rollup_zone.rules < excluded.rules
                """,
                [number, zone, rules])
            guard kept.affected > 0 else { return }
            try await RollUpBuilder(connection: connection).build([number], zone: zone)
        }
    }

    /// Builds the roll-ups of zones anew whose rules have changed since they were made.
    package func renewZones() async throws {
        let rows = try await pool.execute(
            """
            SELECT tenant.name, zone FROM rollup_zone JOIN tenant USING (tenant_id) WHERE rules < $1 ORDER BY 1, 2
            """,
            [BillingZone.rulesVersion])
        for row in rows { try await keepRollUps(ofTenant: try row.decode(0), zone: try row.decode(1)) }
    }

    /// The version of the zone rules in use, for a zone that exists.
    static func checkedZone(_ zone: String) throws -> String {
        do {
            _ = try BillingZone(zone)
        } catch {
            throw UsageStoreError(.unknownZone, error.message)
        }
        return BillingZone.rulesVersion
    }
}

/// Makes roll-ups from consumption records: for a zone that is new, and where a range is recomputed.
struct RollUpBuilder {
    let connection: PostgresConnection

    /// Tenants of one statement.
    private static let batch = 100

    /// Until the transaction ends no unit is written.
    static func lock(_ connection: PostgresConnection) async throws {
        _ = try await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('waybill.rollups', 0))")
    }

    /// Replaces the days and months of a zone for some tenants, as far back as there are records.
    func build(_ tenants: [Int64], zone: String) async throws {
        guard let range = try await recorded(tenants) else { return }
        for grain in [RollUpCalendar.Grain.day, .month] {
            try await build(tenants, grain, zone: zone, from: range.lowerBound, to: range.upperBound)
        }
    }

    /// Replaces the roll-ups of a grain that overlap a range. One that reaches back to where records were dropped stays
    /// as it is.
    func build(
        _ tenants: [Int64], _ grain: RollUpCalendar.Grain, zone: String, from: Timestamp, to: Timestamp
    ) async throws {
        let floors = try await connection.execute(
            "SELECT dropped_before FROM retention_floor WHERE subject = 'consumption'")
        let floor = try floors.first?.timestamp(0) ?? .earliest
        let buckets = try RollUpCalendar.buckets(grain, zone: zone, from: from, to: to).filter { $0.start >= floor }
        guard let first = buckets.first, let last = buckets.last else { return }
        for start in stride(from: 0, to: tenants.count, by: Self.batch) {
            let batch = Array(tenants[start..<min(start + Self.batch, tenants.count)])
            _ = try await connection.execute(
                """
                DELETE FROM consumption_rollup
                WHERE tenant_id = ANY($1::bigint[]) AND grain = $2 AND zone = $3 AND starts_at < $5 AND ends_at > $4
                """,
                [batch, grain.rawValue, zone, first.start.postgres, last.end.postgres])
            _ = try await connection.execute(
                """
                INSERT INTO consumption_rollup (
                    tenant_id, grain, zone, starts_at, gateway_id, service_id, ends_at, records, requests,
                    new_connections, active_connections_sum, active_connections_count, active_connections_maximum,
                    received_bytes, sent_bytes, responses_1xx, responses_2xx, responses_3xx, responses_4xx,
                    responses_5xx, carried_in
                )
                SELECT tenant_id, $2, $3, ($4::timestamptz[])[bucket], gateway_id, service_id,
                    ($5::timestamptz[])[bucket], count(*), sum(requests), sum(new_connections),
                    sum(active_connections_sum), sum(active_connections_count), max(active_connections_maximum),
                    sum(received_bytes), sum(sent_bytes), sum(responses_1xx), sum(responses_2xx), sum(responses_3xx),
                    sum(responses_4xx), sum(responses_5xx),
                    COALESCE(sum(carried_in) FILTER (WHERE quarter_hour = ($4::timestamptz[])[bucket]), 0)
                        + COALESCE((
                            SELECT sum(span.requests) FROM carried_over AS span
                            WHERE span.tenant_id = record.tenant_id AND span.gateway_id = record.gateway_id
                                AND span.service_id = record.service_id
                                AND span.quarter_hour > ($4::timestamptz[])[bucket]
                                AND span.quarter_hour < ($5::timestamptz[])[bucket]
                                AND span.since < ($4::timestamptz[])[bucket]
                        ), 0)
                FROM (
                    SELECT *, width_bucket(quarter_hour, $4::timestamptz[]) AS bucket FROM consumption
                    WHERE tenant_id = ANY($1::bigint[]) AND quarter_hour >= $6 AND quarter_hour < $7
                ) AS record
                GROUP BY tenant_id, gateway_id, service_id, bucket
                """,
                [
                    batch, grain.rawValue, zone, buckets.map(\.start.postgres), buckets.map(\.end.postgres),
                    first.start.postgres, last.end.postgres,
                ])
        }
    }

    /// The quarter hours of some tenants' records: from the first to the end of the last.
    private func recorded(_ tenants: [Int64]) async throws -> Range<Timestamp>? {
        let rows = try await connection.execute(
            """
            SELECT min(quarter_hour), max(quarter_hour) + interval '15 minutes' FROM consumption
            WHERE tenant_id = ANY($1::bigint[])
            """, [tenants])
        guard let row = rows.first, let first = try row.optionalTimestamp(0), let end = try row.optionalTimestamp(1)
        else { return nil }
        return first..<end
    }
}
