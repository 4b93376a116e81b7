import Metering
import PostgreSQL
import Pricing

/// Where a tenant's usage of a stretch of time is read: the coarsest records whose bounds fit. Its statements find the
/// tenant by its name, so that they can be sent before its number is known.
struct UsageSource: Equatable {
    enum Records: Hashable {
        case rollUp(RollUpCalendar.Grain, zone: String)
        case quarterHours
    }

    let tenant: String
    let start: Timestamp
    let end: Timestamp
    let records: Records

    /// - Parameters:
    ///   - zones: in whose days and months the tenant is rolled up, UTC included.
    ///   - windows: the starts of the stretches that are told apart, ascending from `start`.
    init(
        tenant: String, zones: Set<String>, zone: String, start: Timestamp, end: Timestamp, windows: [Timestamp]
    ) throws {
        self.tenant = tenant
        self.start = start
        self.end = end
        records = try Self.records(zones, zone, windows + [end])
    }

    private static func records(_ zones: Set<String>, _ zone: String, _ edges: [Timestamp]) throws -> Records {
        for name in zones.contains(zone) ? [zone, RollUpCalendar.utc] : [RollUpCalendar.utc] {
            var calendar = RollUpCalendar()
            var fits: Set<RollUpCalendar.Grain> = [.day, .month]
            for edge in edges where !fits.isEmpty {
                for bucket in try calendar.buckets(of: edge, zone: name) where bucket.start != edge {
                    fits.remove(bucket.grain)
                }
            }
            if fits.contains(.month) { return .rollUp(.month, zone: name) }
            if fits.contains(.day) { return .rollUp(.day, zone: name) }
        }
        let areHours = edges.allSatisfy { RollUpCalendar.hour(of: $0).start == $0 }
        return areHours ? .rollUp(.hour, zone: RollUpCalendar.utc) : .quarterHours
    }

    /// Sums by service, gateway and window; nothing of a window without records.
    ///
    /// The mean of active connections is taken over the quarter hours in which they were sampled; means of several
    /// series add up, and so do their maxima, to an upper bound.
    func quantities(byService: Bool, byGateway: Bool, windows: [Timestamp]) -> PostgresStatement {
        switch records {
        case .rollUp(let grain, let zone):
            PostgresStatement(
                """
                SELECT service, gateway, bucket, sum(requests)::bigint, sum(new_connections)::bigint,
                    sum(received_bytes)::bigint, sum(sent_bytes)::bigint, sum(responses_1xx)::bigint,
                    sum(responses_2xx)::bigint, sum(responses_3xx)::bigint, sum(responses_4xx)::bigint,
                    sum(responses_5xx)::bigint, sum(active_sum)::bigint, max(active_count)::bigint,
                    sum(active_maximum)::bigint
                FROM (
                    SELECT service_id, gateway_id, CASE WHEN $7 THEN service.name END AS service,
                        CASE WHEN $8 THEN gateway.name END AS gateway,
                        width_bucket(starts_at, $6::timestamptz[]) AS bucket,
                        sum(requests) AS requests, sum(new_connections) AS new_connections,
                        sum(received_bytes) AS received_bytes, sum(sent_bytes) AS sent_bytes,
                        sum(responses_1xx) AS responses_1xx, sum(responses_2xx) AS responses_2xx,
                        sum(responses_3xx) AS responses_3xx, sum(responses_4xx) AS responses_4xx,
                        sum(responses_5xx) AS responses_5xx, sum(active_connections_sum) AS active_sum,
                        sum(active_connections_count) AS active_count,
                        max(active_connections_maximum) AS active_maximum
                    FROM consumption_rollup AS rollup JOIN service USING (tenant_id, service_id)
                    JOIN gateway USING (gateway_id)
                    WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                        AND grain = $2 AND zone = $3 AND starts_at >= $4 AND starts_at < $5
                    GROUP BY service_id, gateway_id, service.name, gateway.name, bucket
                ) AS series
                GROUP BY service, gateway, bucket ORDER BY bucket, gateway, service
                """,
                [
                    tenant, grain.rawValue, zone, start.postgres, end.postgres, windows.map(\.postgres), byService,
                    byGateway,
                ])
        case .quarterHours:
            PostgresStatement(
                """
                SELECT service, gateway, bucket, sum(requests)::bigint, sum(new_connections)::bigint,
                    sum(received_bytes)::bigint, sum(sent_bytes)::bigint, sum(responses_1xx)::bigint,
                    sum(responses_2xx)::bigint, sum(responses_3xx)::bigint, sum(responses_4xx)::bigint,
                    sum(responses_5xx)::bigint, sum(active_sum)::bigint, max(active_count)::bigint,
                    sum(active_maximum)::bigint
                FROM (
                    SELECT service_id, gateway_id, CASE WHEN $5 THEN service.name END AS service,
                        CASE WHEN $6 THEN gateway.name END AS gateway, bucket,
                        requests, new_connections, received_bytes, sent_bytes, responses_1xx, responses_2xx,
                        responses_3xx, responses_4xx, responses_5xx, active_sum, active_count, active_maximum
                    FROM (
                        SELECT tenant_id, service_id, gateway_id,
                            width_bucket(quarter_hour, $4::timestamptz[]) AS bucket,
                            sum(requests) AS requests, sum(new_connections) AS new_connections,
                            sum(received_bytes) AS received_bytes, sum(sent_bytes) AS sent_bytes,
                            sum(responses_1xx) AS responses_1xx, sum(responses_2xx) AS responses_2xx,
                            sum(responses_3xx) AS responses_3xx, sum(responses_4xx) AS responses_4xx,
                            sum(responses_5xx) AS responses_5xx, sum(active_connections_sum) AS active_sum,
                            sum(active_connections_count) AS active_count,
                            max(active_connections_maximum) AS active_maximum
                        FROM consumption
                        WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                            AND quarter_hour >= $2 AND quarter_hour < $3
                        GROUP BY tenant_id, service_id, gateway_id, bucket
                    ) AS sums JOIN service USING (tenant_id, service_id) JOIN gateway USING (gateway_id)
                ) AS series
                GROUP BY service, gateway, bucket ORDER BY bucket, gateway, service
                """,
                [tenant, start.postgres, end.postgres, windows.map(\.postgres), byService, byGateway])
        }
    }

    /// What a row of ``quantities(byService:byGateway:windows:)`` says.
    struct Sum {
        let service: String?
        let gateway: String?
        let window: Int
        let quantities: Quantities

        init(_ row: PostgresRow) throws {
            service = try row.decode(0)
            gateway = try row.decode(1)
            window = Int(try row.decode(2, as: Int32.self)) - 1
            quantities = try Quantities(row, from: 3)
        }
    }

    /// The tenant, as ``KnownTenant`` reads it, and its sum over all services and gateways: NULL without a record.
    var total: PostgresStatement {
        switch records {
        case .rollUp(let grain, let zone):
            PostgresStatement(
                """
                SELECT tenant.tenant_id, now(), ARRAY(
                    SELECT zone FROM rollup_zone WHERE rollup_zone.tenant_id = tenant.tenant_id
                ), sums.*
                FROM tenant CROSS JOIN (
                    SELECT sum(requests)::bigint, sum(new_connections)::bigint, sum(received_bytes)::bigint,
                        sum(sent_bytes)::bigint, sum(responses_1xx)::bigint, sum(responses_2xx)::bigint,
                        sum(responses_3xx)::bigint, sum(responses_4xx)::bigint, sum(responses_5xx)::bigint,
                        sum(active_sum)::bigint, max(active_count)::bigint, sum(active_maximum)::bigint
                    FROM (
                        SELECT sum(requests) AS requests, sum(new_connections) AS new_connections,
                            sum(received_bytes) AS received_bytes, sum(sent_bytes) AS sent_bytes,
                            sum(responses_1xx) AS responses_1xx, sum(responses_2xx) AS responses_2xx,
                            sum(responses_3xx) AS responses_3xx, sum(responses_4xx) AS responses_4xx,
                            sum(responses_5xx) AS responses_5xx, sum(active_connections_sum) AS active_sum,
                            sum(active_connections_count) AS active_count,
                            max(active_connections_maximum) AS active_maximum
                        FROM consumption_rollup
                        WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                            AND grain = $2 AND zone = $3 AND starts_at >= $4 AND starts_at < $5
                        GROUP BY service_id, gateway_id
                    ) AS series
                ) AS sums
                WHERE tenant.name = $1
                """,
                [tenant, grain.rawValue, zone, start.postgres, end.postgres])
        case .quarterHours:
            PostgresStatement(
                """
                SELECT tenant.tenant_id, now(), ARRAY(
                    SELECT zone FROM rollup_zone WHERE rollup_zone.tenant_id = tenant.tenant_id
                ), sums.*
                FROM tenant CROSS JOIN (
                    SELECT sum(requests)::bigint, sum(new_connections)::bigint, sum(received_bytes)::bigint,
                        sum(sent_bytes)::bigint, sum(responses_1xx)::bigint, sum(responses_2xx)::bigint,
                        sum(responses_3xx)::bigint, sum(responses_4xx)::bigint, sum(responses_5xx)::bigint,
                        sum(active_sum)::bigint, max(active_count)::bigint, sum(active_maximum)::bigint
                    FROM (
                        SELECT sum(requests) AS requests, sum(new_connections) AS new_connections,
                            sum(received_bytes) AS received_bytes, sum(sent_bytes) AS sent_bytes,
                            sum(responses_1xx) AS responses_1xx, sum(responses_2xx) AS responses_2xx,
                            sum(responses_3xx) AS responses_3xx, sum(responses_4xx) AS responses_4xx,
                            sum(responses_5xx) AS responses_5xx, sum(active_connections_sum) AS active_sum,
                            sum(active_connections_count) AS active_count,
                            max(active_connections_maximum) AS active_maximum
                        FROM consumption
                        WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                            AND quarter_hour >= $2 AND quarter_hour < $3
                        GROUP BY service_id, gateway_id
                    ) AS series
                ) AS sums
                WHERE tenant.name = $1
                """,
                [tenant, start.postgres, end.postgres])
        }
    }

    /// The gateways that the tenant's traffic came through.
    var gateways: PostgresStatement {
        switch records {
        case .rollUp(let grain, let zone):
            PostgresStatement(
                """
                SELECT DISTINCT gateway_id FROM consumption_rollup
                WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                    AND grain = $2 AND zone = $3 AND starts_at >= $4 AND starts_at < $5 ORDER BY 1
                """,
                [tenant, grain.rawValue, zone, start.postgres, end.postgres])
        case .quarterHours:
            PostgresStatement(
                """
                SELECT DISTINCT gateway_id FROM consumption
                WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                    AND quarter_hour >= $2 AND quarter_hour < $3 ORDER BY 1
                """,
                [tenant, start.postgres, end.postgres])
        }
    }
}

extension Quantities {
    /// Reads requests … responses_5xx, the active sum, its count of quarter hours, and the maximum, from a place on.
    init(_ row: PostgresRow, from column: Int) throws {
        self.init()
        for (index, dimension) in Dimension.counted.enumerated() {
            counts[dimension] = try row.decode(column + index, as: Int64.self)
        }
        let after = column + Dimension.counted.count
        let sum: Int64 = try row.decode(after)
        let count: Int64 = try row.decode(after + 1)
        if count > 0 {
            activeConnectionsMicros = Int64(
                clamping: Int128(sum) * 1_000_000 / (Int128(GaugeUsage.meanParts) * Int128(count)))
        }
        activeConnectionsMaximum = try row.decode(after + 2)
    }
}
