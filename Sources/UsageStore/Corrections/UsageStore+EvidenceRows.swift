package import Metering
import PostgreSQL

extension UsageStore {
    /// What access logs show inside the gaps of `[start, end)` and no batch bills yet, as the rows of a batch: per tenant,
    /// service and quarter hour. Nothing is billed by it alone: an operator proposes, looks and applies.
    ///
    /// - Parameter gateway: nil for all.
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func unbilledEvidence(
        gateway: String?, from start: Timestamp, to end: Timestamp
    ) async throws -> [BackfillRow] {
        try await pool.withConnection { connection in
            var number: Int64?
            if let gateway { number = try await Self.gatewayNumber(gateway, on: connection) }
            let rows = try await connection.execute(
                """
                SELECT tenant.name, gateway.name, service.name, quarter_hour, sum(requests - billed)::bigint
                FROM gap_evidence JOIN gateway USING (gateway_id) JOIN tenant USING (tenant_id)
                JOIN service USING (tenant_id, service_id)
                WHERE quarter_hour >= $1 AND quarter_hour < $2 AND ($3::bigint IS NULL OR gateway_id = $3)
                GROUP BY 1, 2, 3, 4 HAVING sum(requests - billed) > 0 ORDER BY 4, 2, 1, 3
                """,
                [start.postgres, end.postgres, number])
            return try rows.map { row in
                BackfillRow(
                    tenant: try row.decode(0), gateway: try row.decode(1), service: try row.decode(2),
                    quarterHour: try row.quarterHour(3), dimension: .requests, quantity: try row.decode(4))
            }
        }
    }
}
