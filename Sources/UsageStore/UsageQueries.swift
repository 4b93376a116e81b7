package import Metering
package import PostgreSQL
import Pricing

extension UsageStore {
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
                tenant: tenant, zones: known.zones, zone: zone, start: start, end: end, windows: windows.starts)
            let sums = source.quantities(
                byService: groupBy.contains(.service), byGateway: groupBy.contains(.gateway), windows: windows.starts)
            return try await connection.execute(sums).map { row in
                let group = try UsageSource.Sum(row)
                return WindowedUsage(
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
            return try await Self.carried(over: [(known.number, instant)], on: connection)[0]
        }
    }

    /// The same of many tenants, by the places of their instants.
    package static func carried(
        over edges: [(tenant: Int64, instant: Timestamp)], on connection: PostgresConnection
    ) async throws -> [[CarriedSpan]] {
        let rows = try await connection.execute(
            """
            WITH edge AS (
                SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) WITH ORDINALITY AS edge (tenant_id, at, place)
            )
            SELECT place, gateway.name, service.name, carried.quarter_hour, since, until, requests FROM (
                SELECT place, tenant_id, gateway_id, service_id, quarter_hour, carried_since AS since,
                    carried_until AS until, carried_in AS requests
                FROM edge JOIN consumption USING (tenant_id)
                WHERE quarter_hour = edge.at AND quarter_hour = ANY($2::timestamptz[]) AND carried_in > 0
                UNION ALL
                -- What began before the quarter hour before its own may have begun before an instant further back.
                SELECT place, tenant_id, gateway_id, service_id, quarter_hour, since, until, requests
                FROM edge JOIN carried_over USING (tenant_id) WHERE quarter_hour > edge.at AND since < edge.at
            ) AS carried
            JOIN gateway USING (gateway_id) JOIN service USING (tenant_id, service_id)
            ORDER BY place, gateway.name COLLATE "C", service.name COLLATE "C", since, until
            """,
            [edges.map(\.tenant), edges.map(\.instant.postgres)])
        var spans = [[CarriedSpan]](repeating: [], count: edges.count)
        for row in rows {
            spans[Int(try row.decode(0, as: Int64.self)) - 1].append(
                CarriedSpan(
                    gateway: try row.decode(1), service: try row.decode(2), quarterHour: try row.timestamp(3),
                    since: try row.timestamp(4), until: try row.timestamp(5), requests: try row.decode(6)))
        }
        return spans
    }

    package static func gatewayNumber(_ name: String, on connection: PostgresConnection) async throws -> Int64 {
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

    static func statement(_ name: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT tenant_id, now(), ARRAY(
                SELECT zone FROM rollup_zone WHERE rollup_zone.tenant_id = tenant.tenant_id
            )
            FROM tenant WHERE name = $1
            """, [name])
    }

    init(_ row: PostgresRow) throws {
        number = try row.decode(0)
        now = try row.timestamp(1)
        zones = Set(try row.decode(2, as: [String].self)).union([RollUpCalendar.utc])
    }

    init(_ name: String, on connection: PostgresConnection) async throws {
        guard let row = try await connection.execute(Self.statement(name)).first else {
            throw try await Self.unknown(name, on: connection)
        }
        try self.init(row)
    }

    /// The error that names the tenants there are.
    static func unknown(_ name: String, on connection: PostgresConnection) async throws -> UsageStoreError {
        let known = try await connection.execute("SELECT name FROM tenant ORDER BY name LIMIT 20")
        let names = try known.map { try $0.decode(0, as: String.self) }
        return UsageStoreError(
            .unknownTenant,
            "there is no tenant \(name); "
                + (names.isEmpty ? "nothing is metered yet" : "known are \(names.joined(separator: ", "))"))
    }
}
