import PostgreSQL

/// A tenant as it is listed.
package struct ListedTenant: Encodable, Sendable {
    package let name: String
    /// False for a tenant that a bind rule made from a name it met.
    package let confirmed: Bool

    package init(name: String, confirmed: Bool) {
        self.name = name
        self.confirmed = confirmed
    }
}

extension UsageStore {
    /// Tenants by name, after one.
    package func tenants(after name: String = "", limit: Int) async throws -> [ListedTenant] {
        try await pool.transaction(.readCommitted, readOnly: true) { connection in
            let rows = try await connection.execute(
                """
                SELECT name, confirmed FROM tenant WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C" LIMIT $2
                """,
                [name, Int64(limit)])
            return try rows.map { ListedTenant(name: try $0.decode(0), confirmed: try $0.decode(1)) }
        }
    }
}
