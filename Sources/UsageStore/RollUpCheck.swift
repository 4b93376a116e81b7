import Metering
import PostgreSQL

/// Compares roll-ups with the sums of the consumption records in their own [start, end).
struct RollUpCheck {
    let connection: PostgresConnection

    /// What is compared, in the order of the columns.
    static let columns =
        Dimension.counted.map(\.rawValue) + [
            "active_connections_sum", "active_connections_count", "active_connections_maximum", "carried_in", "records",
        ]

    static func values(_ record: ConsumptionRecord?) -> [Int64] {
        guard let record else { return [Int64](repeating: 0, count: columns.count) }
        return record.counts + [record.activeSum, record.activeCount, record.activeMaximum, record.carriedIn, 1]
    }

    struct Difference {
        var grain: RollUpCalendar.Grain
        var zone: String
        var start: Timestamp
        var gateway: Int64
        var key: RecordKey
        var dimension: String
        var expected: Int64
        var stored: Int64

        func told(_ names: ConservationNames) -> ConservationReport.Difference {
            let name = names.name(key)
            return .init(
                level: grain.rawValue, tenant: name.tenant, gateway: names.gateway(gateway), service: name.service,
                zone: zone, start: start.description, dimension: dimension, expected: expected, stored: stored)
        }
    }

    /// - Parameter gateways: nil for all.
    func compare(
        _ grain: RollUpCalendar.Grain, zone: String, from: Timestamp, to: Timestamp, gateways: [Int64]?
    ) async throws -> (compared: Int64, differences: [Difference]) {
        let floors = try await connection.execute(
            "SELECT dropped_before FROM retention_floor WHERE subject = 'consumption'")
        let floor = try floors.first?.timestamp(0) ?? .earliest
        let buckets = try RollUpCalendar.buckets(grain, zone: zone, from: from, to: to).filter { $0.start >= floor }
        guard let first = buckets.first, let last = buckets.last else { return (0, []) }
        let rows = try await connection.execute(
            """
            WITH summed AS (
                SELECT tenant_id, gateway_id, service_id, ($3::timestamptz[])[bucket] AS starts_at,
                    count(*) AS records, sum(requests)::bigint AS requests,
                    sum(new_connections)::bigint AS new_connections, sum(received_bytes)::bigint AS received_bytes,
                    sum(sent_bytes)::bigint AS sent_bytes, sum(responses_1xx)::bigint AS responses_1xx,
                    sum(responses_2xx)::bigint AS responses_2xx, sum(responses_3xx)::bigint AS responses_3xx,
                    sum(responses_4xx)::bigint AS responses_4xx, sum(responses_5xx)::bigint AS responses_5xx,
                    sum(active_connections_sum)::bigint AS active_connections_sum,
                    sum(active_connections_count)::bigint AS active_connections_count,
                    max(active_connections_maximum) AS active_connections_maximum,
                    (COALESCE(sum(carried_in) FILTER (WHERE quarter_hour = ($3::timestamptz[])[bucket]), 0)
                        + COALESCE((
                            SELECT sum(span.requests) FROM carried_over AS span
                            WHERE span.tenant_id = record.tenant_id AND span.gateway_id = record.gateway_id
                                AND span.service_id = record.service_id
                                AND span.quarter_hour > ($3::timestamptz[])[bucket]
                                AND span.quarter_hour < ($4::timestamptz[])[bucket]
                                AND span.since < ($3::timestamptz[])[bucket]
                        ), 0))::bigint AS carried_in
                FROM (
                    SELECT *, width_bucket(quarter_hour, $3::timestamptz[]) AS bucket FROM consumption
                    WHERE quarter_hour >= $5 AND quarter_hour < $6
                        AND ($7::bigint[] IS NULL OR gateway_id = ANY($7::bigint[]))
                        AND ($2 = 'UTC' OR EXISTS (
                            SELECT FROM rollup_zone
                            WHERE rollup_zone.tenant_id = consumption.tenant_id AND rollup_zone.zone = $2
                        ))
                ) AS record
                GROUP BY tenant_id, gateway_id, service_id, bucket
            ),
            stored AS (
                SELECT * FROM consumption_rollup
                WHERE grain = $1 AND zone = $2 AND starts_at >= $5 AND starts_at < $6
                    AND ($7::bigint[] IS NULL OR gateway_id = ANY($7::bigint[]))
            ),
            joined AS (
                SELECT tenant_id, gateway_id, service_id, starts_at,
                    ARRAY[
                        summed.requests, summed.new_connections, summed.received_bytes, summed.sent_bytes,
                        summed.responses_1xx, summed.responses_2xx, summed.responses_3xx, summed.responses_4xx,
                        summed.responses_5xx, summed.active_connections_sum, summed.active_connections_count,
                        summed.active_connections_maximum, summed.carried_in, summed.records
                    ] AS expected,
                    ARRAY[
                        stored.requests, stored.new_connections, stored.received_bytes, stored.sent_bytes,
                        stored.responses_1xx, stored.responses_2xx, stored.responses_3xx, stored.responses_4xx,
                        stored.responses_5xx, stored.active_connections_sum, stored.active_connections_count,
                        stored.active_connections_maximum, stored.carried_in, stored.records
                    ] AS stored
                FROM summed FULL JOIN stored USING (tenant_id, gateway_id, service_id, starts_at)
            )
            SELECT compared.number, tenant_id, gateway_id, service_id, starts_at, expected, stored
            FROM (SELECT count(*) AS number FROM joined) AS compared
            LEFT JOIN joined ON expected <> stored
            ORDER BY starts_at, tenant_id, gateway_id, service_id LIMIT 1000
            """,
            [
                grain.rawValue, zone, buckets.map(\.start.postgres), buckets.map(\.end.postgres), first.start.postgres,
                last.end.postgres, gateways,
            ])
        return (try rows.first?.decode(0) ?? 0, try differences(rows, grain, zone))
    }

    /// Compares the months that a range lies in with the sums of their days: as good as with their quarter hours, where
    /// days are compared with those.
    func compareMonths(
        zone: String, from: Timestamp, to: Timestamp, gateways: [Int64]
    ) async throws -> [Difference] {
        let months = try RollUpCalendar.buckets(.month, zone: zone, from: from, to: to)
        guard let first = months.first, let last = months.last else { return [] }
        let rows = try await connection.execute(
            """
            WITH summed AS (
                SELECT tenant_id, gateway_id, service_id, ($2::timestamptz[])[bucket] AS starts_at,
                    ARRAY[sum(requests), sum(received_bytes), sum(sent_bytes), sum(records)]::bigint[] AS expected
                FROM (
                    SELECT *, width_bucket(starts_at, $2::timestamptz[]) AS bucket FROM consumption_rollup
                    WHERE grain = 'day' AND zone = $1 AND starts_at >= $3 AND starts_at < $4
                        AND gateway_id = ANY($5::bigint[])
                ) AS day
                GROUP BY tenant_id, gateway_id, service_id, bucket
            ),
            stored AS (
                SELECT tenant_id, gateway_id, service_id, starts_at,
                    ARRAY[requests, received_bytes, sent_bytes, records] AS stored
                FROM consumption_rollup
                WHERE grain = 'month' AND zone = $1 AND starts_at >= $3 AND starts_at < $4
                    AND gateway_id = ANY($5::bigint[])
            )
            SELECT 0::bigint, tenant_id, gateway_id, service_id, starts_at, expected, stored
            FROM summed FULL JOIN stored USING (tenant_id, gateway_id, service_id, starts_at)
            WHERE expected IS DISTINCT FROM stored
            ORDER BY starts_at, tenant_id, gateway_id, service_id LIMIT 1000
            """,
            [zone, months.map(\.start.postgres), first.start.postgres, last.end.postgres, gateways])
        return try differences(
            rows, .month, zone, columns: ["requests", "received_bytes", "sent_bytes", "records"])
    }

    private func differences(
        _ rows: PostgresRows, _ grain: RollUpCalendar.Grain, _ zone: String, columns: [String] = columns
    ) throws -> [Difference] {
        var differences: [Difference] = []
        for row in rows where try !row.isNull(1) {
            let none = [Int64?](repeating: 0, count: columns.count)
            let expected = try row.decode(5, as: [Int64?]?.self) ?? none
            let stored = try row.decode(6, as: [Int64?]?.self) ?? none
            let key = RecordKey(tenant: try row.decode(1), service: try row.decode(3))
            for index in columns.indices where (expected[index] ?? 0) != (stored[index] ?? 0) {
                differences.append(
                    Difference(
                        grain: grain, zone: zone, start: try row.timestamp(4), gateway: try row.decode(2), key: key,
                        dimension: columns[index], expected: expected[index] ?? 0, stored: stored[index] ?? 0))
            }
        }
        return differences
    }
}
