import Metering
import PostgreSQL
import UsageStore

/// A tenant as operators see it.
package struct TenantSummary: Hashable, Sendable, Encodable {
    package var name: String
    /// Someone said that this name is a customer; a name that a bind rule captured is not yet.
    package var confirmed: Bool
    package var contracts: Int64
    package var invoices: Int64
    /// The last quarter hour with usage; nil where there is none.
    package var lastUsage: String?

    private enum CodingKeys: String, CodingKey {
        case name, confirmed, contracts, invoices
        case lastUsage = "last_usage"
    }
}

extension BillingStore {
    /// Runs `body` in a transaction on behalf of someone: the audit log says so.
    nonisolated(nonsending) func transaction<Result>(
        by actor: String, _ isolation: PostgresIsolation = .readCommitted,
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await pool.transaction(isolation) { connection in
            _ = try await connection.execute("SELECT set_config('waybill.actor', $1, true)", [actor])
            return try await body(connection)
        }
    }

    /// All tenants by name, or one of them.
    package func tenants(named name: String? = nil) async throws -> [TenantSummary] {
        try await pool.withConnection { connection in
            let rows = try await connection.execute(
                """
                SELECT name, confirmed, COALESCE(contracts.number, 0), COALESCE(invoices.number, 0), last_quarter_hour
                FROM tenant
                LEFT JOIN (
                    SELECT tenant_id, count(*) AS number FROM contract GROUP BY tenant_id
                ) AS contracts USING (tenant_id)
                LEFT JOIN (
                    SELECT tenant_id, count(*) AS number FROM invoice GROUP BY tenant_id
                ) AS invoices USING (tenant_id)
                LEFT JOIN (
                    SELECT tenant_id, max(quarter_hour) AS last_quarter_hour FROM consumption
                    WHERE tenant_id = ANY(ARRAY(SELECT tenant_id FROM tenant WHERE $1::text IS NULL OR name = $1))
                    GROUP BY tenant_id
                ) AS used USING (tenant_id)
                WHERE $1::text IS NULL OR name = $1 ORDER BY name
                """, [name])
            return try rows.map { row in
                TenantSummary(
                    name: try row.decode(0), confirmed: try row.decode(1), contracts: try row.decode(2),
                    invoices: try row.decode(3),
                    lastUsage: try row.decode(4, as: PostgresTimestamp?.self).map { Timestamp($0).description })
            }
        }
    }

    /// Makes a confirmed tenant. Throws where the name is taken or can not be one.
    package func addTenant(_ name: String, by actor: String) async throws {
        guard (1...512).contains(name.utf8.count), !name.utf8.contains(0) else {
            throw BillingError(.invalid, "a tenant's name has 1 to 512 bytes and no NUL")
        }
        try await transaction(by: actor) { connection in
            let added = try await connection.execute(
                "INSERT INTO tenant (name, confirmed) VALUES ($1, true) ON CONFLICT DO NOTHING", [name])
            guard added.affected == 1 else {
                throw BillingError(
                    .alreadyInvoiced, "there is a tenant \(name) already; waybill tenant confirm \(name) confirms it")
            }
        }
    }

    /// Says that a name which a bind rule captured is a customer. Doing it again changes nothing.
    package func confirmTenant(_ name: String, by actor: String) async throws {
        try await transaction(by: actor) { connection in
            _ = try await tenantNumber(name, on: connection)
            _ = try await connection.execute("UPDATE tenant SET confirmed = true WHERE name = $1", [name])
        }
    }

    /// The key of a tenant. Throws `unknownTenant`, naming those that there are.
    func tenantNumber(_ name: String, on connection: PostgresConnection) async throws -> Int64 {
        let rows = try await connection.execute("SELECT tenant_id FROM tenant WHERE name = $1", [name])
        if let row = rows.first { return try row.decode(0) }
        let known = try await connection.execute("SELECT name FROM tenant ORDER BY name LIMIT 20")
            .map { try $0.decode(0, as: String.self) }
        throw BillingError(
            .unknownTenant,
            "there is no tenant \(name); "
                + (known.isEmpty ? "add one: waybill tenant add NAME" : "known are \(known.joined(separator: ", "))"))
    }
}
