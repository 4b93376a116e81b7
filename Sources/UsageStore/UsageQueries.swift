package import Metering
import PostgreSQL
import Pricing

extension UsageStore {
    /// A tenant's usage of a period, with its coverage. Read from roll-ups, where the period's bounds are those of hours,
    /// or of days or months of a zone that is kept for the tenant.
    ///
    /// - Parameters:
    ///   - month: how the period is called, `2026-11`; `zone`: the IANA zone it was made in, which days are made in too.
    ///   - asOf: the instant up to which usage is expected; nil for now, by the database's clock.
    /// - Throws: `UsageStoreError` with `unknownTenant` or `unknownZone`.
    package func monthlyUsage(
        tenant: String, month: String, zone: String, from start: Timestamp, to end: Timestamp, asOf: Timestamp? = nil,
        groupBy: Set<UsageGrouping> = []
    ) async throws -> MonthlyUsage {
        _ = try Self.checkedZone(zone)
        let windows = try UsageWindows(grouping: groupBy, zone: zone, from: start, to: end)
        return try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            let known = try await KnownTenant(tenant, on: connection)
            let whole = try UsageSource(
                connection, tenant: known.number, zones: known.zones, zone: zone, start: start, end: end,
                windows: [start])
            let total = try await whole.quantities(byService: false, byGateway: false, windows: [start])
            let gateways = try await whole.gateways()
            let asOf = asOf ?? known.now
            let observed = CoverageReader(connection: connection, start: start, end: end)
            let coverage = Coverage(
                lives: try await observed.lives(of: gateways), from: start, to: end, asOf: asOf)
            var groups: [MonthlyUsage.Group] = []
            if !groupBy.isEmpty {
                let parts = try UsageSource(
                    connection, tenant: known.number, zones: known.zones, zone: zone, start: start, end: end,
                    windows: windows.starts)
                groups = try await parts.quantities(
                    byService: groupBy.contains(.service), byGateway: groupBy.contains(.gateway),
                    windows: windows.starts
                ).map { group in
                    MonthlyUsage.Group(
                        service: group.service, gateway: group.gateway, day: windows.day(group.window),
                        hour: windows.hour(group.window), dimensions: group.quantities)
                }
            }
            return MonthlyUsage(
                tenant: tenant,
                period: MonthlyUsage.Period(
                    month: month, zone: zone, start: start.description, end: end.description, asOf: asOf.description),
                dimensions: total.first?.quantities ?? Quantities(),
                coverage: MonthlyUsage.CoverageReport(
                    coverage, gaps: try await observed.gaps(of: known.number, gateways)),
                groups: groups
            )
        }
    }

    /// A tenant's usage over any `[from, to)` on quarter hours, in windows of a quarter hour, an hour or a day.
    ///
    /// - Parameter zone: whose days are meant; hours are UTC's.
    /// - Throws: `UsageStoreError` with `unknownTenant`, `unknownZone` or `invalidRange`.
    package func usage(
        tenant: String, from start: Timestamp, to end: Timestamp, window: UsageWindow, zone: String = "UTC",
        groupBy: Set<UsageGrouping> = []
    ) async throws -> [WindowedUsage] {
        _ = try Self.checkedZone(zone)
        let windows = try UsageWindows(window, zone: zone, from: start, to: end)
        return try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            let known = try await KnownTenant(tenant, on: connection)
            let source = try UsageSource(
                connection, tenant: known.number, zones: known.zones, zone: zone, start: start, end: end,
                windows: windows.starts)
            return try await source.quantities(
                byService: groupBy.contains(.service), byGateway: groupBy.contains(.gateway), windows: windows.starts
            ).map { group in
                WindowedUsage(
                    start: windows.starts[group.window], end: windows.end(group.window), service: group.service,
                    gateway: group.gateway, dimensions: group.quantities)
            }
        }
    }

    /// A gateway's usage by hours in UTC, over all its tenants; hours without a record are left out.
    ///
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func hourlySeries(
        ofGateway gateway: String, from start: Timestamp, to end: Timestamp
    ) async throws -> [WindowedUsage] {
        try await pool.withConnection { connection in
            let number = try await Self.gatewayNumber(gateway, on: connection)
            let rows = try await connection.execute(
                """
                SELECT starts_at, ends_at, sum(requests)::bigint, sum(new_connections)::bigint,
                    sum(received_bytes)::bigint, sum(sent_bytes)::bigint, sum(responses_1xx)::bigint,
                    sum(responses_2xx)::bigint, sum(responses_3xx)::bigint, sum(responses_4xx)::bigint,
                    sum(responses_5xx)::bigint, sum(active_connections_sum)::bigint, max(active_connections_count),
                    sum(active_connections_maximum)::bigint
                FROM consumption_rollup
                WHERE gateway_id = $1 AND grain = 'hour' AND zone = 'UTC' AND starts_at >= $2 AND starts_at < $3
                GROUP BY starts_at, ends_at ORDER BY starts_at
                """,
                [number, start.postgres, end.postgres])
            return try rows.map { row in
                WindowedUsage(
                    start: try row.timestamp(0), end: try row.timestamp(1), service: nil, gateway: gateway,
                    dimensions: try Quantities(row, from: 2))
            }
        }
    }

    /// Requests that span an instant: their interval began before it and was read after it. What an invoice prints for
    /// its period's end, and for its start.
    ///
    /// - Throws: `UsageStoreError` with `unknownTenant`.
    package func carried(over instant: Timestamp, ofTenant tenant: String) async throws -> [CarriedSpan] {
        try await pool.withConnection { connection in
            let known = try await KnownTenant(tenant, on: connection)
            let rows = try await connection.execute(
                """
                SELECT gateway.name, service.name, quarter_hour, since, until, requests FROM (
                    SELECT gateway_id, service_id, quarter_hour, carried_since AS since, carried_until AS until,
                        carried_in AS requests
                    FROM consumption WHERE tenant_id = $1 AND quarter_hour = $2 AND carried_in > 0
                    UNION ALL
                    SELECT gateway_id, service_id, quarter_hour, since, until, requests
                    FROM carried_over WHERE tenant_id = $1 AND quarter_hour > $2 AND since < $2
                ) AS carried
                JOIN gateway USING (gateway_id) JOIN service ON service.tenant_id = $1 AND service.service_id = carried.service_id
                ORDER BY gateway.name, service.name, since, until
                """,
                [known.number, instant.postgres])
            return try rows.map { row in
                CarriedSpan(
                    gateway: try row.decode(0), service: try row.decode(1), quarterHour: try row.timestamp(2),
                    since: try row.timestamp(3), until: try row.timestamp(4), requests: try row.decode(5))
            }
        }
    }

    static func gatewayNumber(_ name: String, on connection: PostgresConnection) async throws -> Int64 {
        let known = try await connection.execute("SELECT gateway_id FROM gateway WHERE name = $1", [name])
        if let row = known.first { return try row.decode(0) }
        let names = try await connection.execute("SELECT name FROM gateway ORDER BY name LIMIT 20")
            .map { try $0.decode(0, as: String.self) }
        throw UsageStoreError(
            .unknownGateway,
            "there is no gateway \(name); "
                + (names.isEmpty ? "nothing is metered yet" : "known are \(names.joined(separator: ", "))"))
    }
}

/// A tenant's number, the zones it is rolled up in, and the database's clock.
struct KnownTenant {
    let number: Int64
    let zones: Set<String>
    let now: Timestamp

    init(_ name: String, on connection: PostgresConnection) async throws {
        let tenants = try await connection.execute(
            """
            SELECT tenant_id, now(), ARRAY(
                SELECT zone FROM rollup_zone WHERE rollup_zone.tenant_id = tenant.tenant_id
            )
            FROM tenant WHERE name = $1
            """, [name])
        guard let row = tenants.first else {
            let known = try await connection.execute("SELECT name FROM tenant ORDER BY name LIMIT 20")
            let names = try known.map { try $0.decode(0, as: String.self) }
            throw UsageStoreError(
                .unknownTenant,
                "there is no tenant \(name); "
                    + (names.isEmpty ? "nothing is metered yet" : "known are \(names.joined(separator: ", "))"))
        }
        number = try row.decode(0)
        now = try row.timestamp(1)
        zones = Set(try row.decode(2, as: [String].self)).union([RollUpCalendar.utc])
    }
}

/// What was observed of gateways in a period.
struct CoverageReader {
    let connection: PostgresConnection
    let start: Timestamp
    let end: Timestamp

    /// The gaps of a tenant, and those of its gateways that concern all tenants.
    func gaps(of tenant: Int64, _ gateways: [Int64]) async throws -> [MonthlyUsage.GapReport] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, gap.from_at, gap.to_at, gap.reason, lower_bound, upper_bound, upper_basis,
                COALESCE(log.requests, 0)::bigint, COALESCE(log.billed, 0)::bigint
            FROM gap JOIN gateway USING (gateway_id) JOIN instance ON instance.instance_id = gap.instance_id
            LEFT JOIN LATERAL (
                SELECT sum(requests) AS requests, sum(billed) AS billed FROM gap_evidence AS shown
                WHERE shown.gateway_id = gap.gateway_id AND shown.quarter_hour = gap.quarter_hour
                    AND shown.instance_id = gap.instance_id AND shown.epoch_id = gap.epoch_id
                    AND shown.reason = gap.reason AND shown.from_at = gap.from_at AND shown.to_at = gap.to_at
                    AND shown.counter_id = COALESCE(gap.counter_id, 0) AND shown.tenant_id = $1
            ) AS log ON true
            WHERE gap.quarter_hour >= $2 AND quarter_hour < $3 AND gap.gateway_id = ANY($4::bigint[])
                AND (gap.tenant_id = $1 OR gap.tenant_id IS NULL)
            ORDER BY gap.from_at, instance.name, gap.reason, gap_id
            """,
            [tenant, start.postgres, end.postgres, gateways]
        )
        return try rows.map { row in
            MonthlyUsage.GapReport(
                gateway: try row.decode(0), instance: try row.decode(1), from: try row.timestamp(2).description,
                to: try row.timestamp(3).description, reason: try row.decode(4), lower: try row.decode(5),
                upper: try row.decode(6), basis: try row.decode(7), evidence: try row.decode(8),
                billed: try row.decode(9))
        }
    }

    /// The epochs of gateways, of the highest source that reported from each in the period.
    func lives(of gateways: [Int64]) async throws -> [Coverage.Life] {
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
            WHERE epoch.gateway_id = ANY($1::bigint[])
                AND epoch.last_reading_at >= $2::timestamptz - interval '24 hours'
                AND COALESCE(epoch.started_at, epoch.first_received_at) < $3
                AND NOT (epoch.source_kind > 1 AND EXISTS (
                    SELECT FROM epoch AS higher
                    WHERE higher.gateway_id = epoch.gateway_id AND higher.source_kind < epoch.source_kind
                        AND higher.last_reading_at >= $2 AND higher.first_received_at < $3
                ))
            """,
            [gateways, start.postgres, end.postgres]
        )
        return try rows.map { row in
            Coverage.Life(
                started: try row.timestamp(0), observedFrom: try row.timestamp(1), lastReading: try row.timestamp(2),
                isDrained: try row.decode(3), successorStarted: try row.optionalTimestamp(4),
                isInherited: try row.decode(5))
        }
    }
}
