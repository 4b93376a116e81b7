package import Metering
import PostgreSQL

extension UsageStore {
    /// A tenant's usage of a period, with its coverage.
    ///
    /// - Parameters:
    ///   - month: how the period is called, `2026-11`; `zone`: the IANA zone it was made in, which days are made in too.
    ///   - asOf: the instant up to which usage is expected; nil for now, by the database's clock.
    /// - Throws: `UsageStoreError` with `unknownTenant`.
    package func monthlyUsage(
        tenant: String, month: String, zone: String, from start: Timestamp, to end: Timestamp, asOf: Timestamp? = nil,
        groupBy: Set<UsageGrouping> = []
    ) async throws -> MonthlyUsage {
        try await pool.transaction(.repeatableRead) { connection in
            let tenants = try await connection.execute(
                "SELECT tenant_id, now() FROM tenant WHERE name = $1", [tenant])
            guard let row = tenants.first else {
                let known = try await connection.execute("SELECT name FROM tenant ORDER BY name LIMIT 20")
                let names = try known.map { try $0.decode(0, as: String.self) }
                throw UsageStoreError(
                    .unknownTenant,
                    "there is no tenant \(tenant); "
                        + (names.isEmpty ? "nothing is metered yet" : "known are \(names.joined(separator: ", "))"))
            }
            let id: Int64 = try row.decode(0)
            let now = try row.timestamp(1)
            let asOf = asOf ?? now
            let reader = UsageReader(connection: connection, start: start, end: end)
            let total = try await reader.quantities(of: id, by: [], zone: zone).first?.dimensions ?? Quantities()
            let gaps = try await reader.gaps(of: id)
            let coverage = Coverage(lives: try await reader.lives(of: id), from: start, to: end, asOf: asOf)
            return MonthlyUsage(
                tenant: tenant,
                period: MonthlyUsage.Period(
                    month: month, zone: zone, start: start.description, end: end.description, asOf: asOf.description),
                dimensions: total,
                coverage: MonthlyUsage.CoverageReport(coverage, gaps: gaps),
                groups: groupBy.isEmpty ? [] : try await reader.quantities(of: id, by: groupBy, zone: zone)
            )
        }
    }
}

private struct UsageReader {
    let connection: PostgresConnection
    let start: Timestamp
    let end: Timestamp

    func quantities(
        of tenant: Int64, by grouping: Set<UsageGrouping>, zone: String
    ) async throws -> [MonthlyUsage.Group] {
        let rows = try await connection.execute(
            """
            SELECT CASE WHEN $4 THEN service.name END, CASE WHEN $5 THEN gateway.name END,
                CASE WHEN $6 THEN to_char(quarter_hour AT TIME ZONE $7, 'YYYY-MM-DD') END,
                sum(requests)::bigint, sum(new_connections)::bigint, sum(received_bytes)::bigint,
                sum(sent_bytes)::bigint, sum(responses_1xx)::bigint, sum(responses_2xx)::bigint,
                sum(responses_3xx)::bigint, sum(responses_4xx)::bigint, sum(responses_5xx)::bigint,
                (sum(active_connections_micros) / count(DISTINCT quarter_hour))::bigint,
                max(active_connections_maximum)
            FROM consumption JOIN service USING (tenant_id, service_id) JOIN gateway USING (gateway_id)
            WHERE tenant_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """,
            [
                tenant, start.postgres, end.postgres, grouping.contains(.service), grouping.contains(.gateway),
                grouping.contains(.day), zone,
            ]
        )
        let dimensions: [Dimension] = [
            .requests, .newConnections, .receivedBytes, .sentBytes, .responses1xx, .responses2xx, .responses3xx,
            .responses4xx, .responses5xx,
        ]
        return try rows.map { row in
            var quantities = Quantities()
            for (index, dimension) in dimensions.enumerated() {
                quantities.counts[dimension] = try row.decode(3 + index, as: Int64.self)
            }
            quantities.activeConnectionsMicros = try row.decode(12)
            quantities.activeConnectionsMaximum = try row.decode(13)
            return MonthlyUsage.Group(
                service: try row.decode(0), gateway: try row.decode(1), day: try row.decode(2), dimensions: quantities)
        }
    }

    func gaps(of tenant: Int64) async throws -> [MonthlyUsage.GapReport] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, from_at, to_at, reason, lower_bound, upper_bound
            FROM gap JOIN gateway USING (gateway_id) JOIN instance USING (instance_id)
            WHERE quarter_hour >= $2 AND quarter_hour < $3
                AND (tenant_id = $1 OR tenant_id IS NULL AND gap.gateway_id IN (
                    SELECT gateway_id FROM consumption
                    WHERE tenant_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3
                ))
            ORDER BY from_at, instance.name, reason, gap_id
            """,
            [tenant, start.postgres, end.postgres]
        )
        return try rows.map { row in
            MonthlyUsage.GapReport(
                gateway: try row.decode(0), instance: try row.decode(1), from: try row.timestamp(2).description,
                to: try row.timestamp(3).description, reason: try row.decode(4), lower: try row.decode(5),
                upper: try row.decode(6))
        }
    }

    /// The epochs of the gateways that the tenant's traffic came through.
    func lives(of tenant: Int64) async throws -> [Coverage.Life] {
        let rows = try await connection.execute(
            """
            SELECT COALESCE(epoch.started_at, epoch.first_received_at),
                COALESCE(epoch.baseline_at, epoch.started_at, epoch.first_received_at), epoch.last_reading_at,
                epoch.drained, COALESCE(successor.started_at, successor.first_received_at),
                COALESCE(successor.first_hot_restart_epoch > epoch.last_hot_restart_epoch, false)
            FROM epoch
            LEFT JOIN LATERAL (
                SELECT started_at, first_received_at, first_hot_restart_epoch FROM epoch AS later
                WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                    AND later.first_received_at > epoch.last_received_at
                ORDER BY later.first_received_at LIMIT 1
            ) AS successor ON true
            WHERE epoch.gateway_id IN (
                    SELECT gateway_id FROM consumption
                    WHERE tenant_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3
                )
                AND epoch.last_reading_at >= $2::timestamptz - interval '24 hours'
                AND COALESCE(epoch.started_at, epoch.first_received_at) < $3
            """,
            [tenant, start.postgres, end.postgres]
        )
        return try rows.map { row in
            Coverage.Life(
                started: try row.timestamp(0), observedFrom: try row.timestamp(1), lastReading: try row.timestamp(2),
                isDrained: try row.decode(3), successorStarted: try row.optionalTimestamp(4),
                isInherited: try row.decode(5))
        }
    }
}
