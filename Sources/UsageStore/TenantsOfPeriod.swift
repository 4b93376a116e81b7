package import Metering
import PostgreSQL

extension UsageStore {
    /// The tenants that used something in [start, end), by name.
    package func tenants(from start: Timestamp, to end: Timestamp) async throws -> [String] {
        try await pool.withConnection { connection in
            let rows = try await connection.execute(
                """
                SELECT name FROM tenant WHERE tenant_id IN (
                    SELECT tenant_id FROM consumption WHERE quarter_hour >= $1 AND quarter_hour < $2
                ) ORDER BY name
                """, [start.postgres, end.postgres])
            return try rows.map { try $0.decode(0, as: String.self) }
        }
    }
}
