package import Metering
import PostgreSQL

/// A tenant's consumption over all gateways and services, by quarter hour.
package struct TenantHistory: Sendable {
    package struct Record: Sendable {
        package var quarterHour: Timestamp
        package var counts: [Dimension: Int64]
    }

    /// Ascending; quarter hours without a record are left out.
    package var records: [Record]
    /// The tenant's first record of all; nil without any.
    package var firstRecord: Timestamp?
    /// The database's clock at the reading.
    package var now: Timestamp
}

extension UsageStore {
    /// A tenant's consumption in `[start, end)`, from one snapshot.
    ///
    /// - Throws: `UsageStoreError` with `unknownTenant`.
    package func history(of tenant: String, from start: Timestamp, to end: Timestamp) async throws -> TenantHistory {
        try await pool.transaction(.repeatableRead) { connection in
            let known = try await connection.execute(
                """
                SELECT tenant_id, now(),
                    (
                        SELECT min(quarter_hour) FROM consumption
                        WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $1)
                    )
                FROM tenant WHERE name = $1
                """, [tenant])
            guard let row = known.first else {
                let names = try await connection.execute("SELECT name FROM tenant ORDER BY name LIMIT 20")
                    .map { try $0.decode(0, as: String.self) }
                throw UsageStoreError(
                    .unknownTenant,
                    "there is no tenant \(tenant); "
                        + (names.isEmpty ? "nothing is metered yet" : "known are \(names.joined(separator: ", "))"))
            }
            let dimensions: [Dimension] = [
                .requests, .newConnections, .receivedBytes, .sentBytes, .responses1xx, .responses2xx, .responses3xx,
                .responses4xx, .responses5xx,
            ]
            let rows = try await connection.execute(
                """
                SELECT quarter_hour, sum(requests)::bigint, sum(new_connections)::bigint, sum(received_bytes)::bigint,
                    sum(sent_bytes)::bigint, sum(responses_1xx)::bigint, sum(responses_2xx)::bigint,
                    sum(responses_3xx)::bigint, sum(responses_4xx)::bigint, sum(responses_5xx)::bigint
                FROM consumption WHERE tenant_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3
                GROUP BY 1 ORDER BY 1
                """,
                [try row.decode(0, as: Int64.self), start.postgres, end.postgres])
            return TenantHistory(
                records: try rows.map { row in
                    var counts: [Dimension: Int64] = [:]
                    for (index, dimension) in dimensions.enumerated() {
                        let count: Int64 = try row.decode(1 + index)
                        if count > 0 { counts[dimension] = count }
                    }
                    return TenantHistory.Record(quarterHour: try row.timestamp(0), counts: counts)
                },
                firstRecord: try row.optionalTimestamp(2), now: try row.timestamp(1))
        }
    }
}
