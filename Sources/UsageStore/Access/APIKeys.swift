package import Metering
import PostgreSQL

/// API keys as they are stored: never the key itself.
package struct StoredAPIKey: Sendable {
    /// What a person sees of the key.
    package let prefix: String
    package let name: String
    /// Nil for the operator's.
    package let tenant: String?
    package let scopes: [String]
    package let createdAt: Timestamp
    package let expiresAt: Timestamp?
    package let revokedAt: Timestamp?
    /// To the minute.
    package let lastUsedAt: Timestamp?
}

extension StoredAPIKey {
    fileprivate init(_ row: PostgresRow) throws {
        prefix = try row.decode(0)
        name = try row.decode(1)
        tenant = try row.decode(2)
        scopes = try row.decode(3)
        createdAt = try row.timestamp(4)
        expiresAt = try row.optionalTimestamp(5)
        revokedAt = try row.optionalTimestamp(6)
        lastUsedAt = try row.optionalTimestamp(7)
    }
}

/// A key that holds now, with whose it is.
package struct UsedAPIKey: Sendable {
    package let prefix: String
    package let scopes: [String]
    /// Nil for the operator.
    package let tenant: (id: Int64, name: String)?
}

extension UsageStore {
    /// The key of a digest, if it holds now; notes its use.
    ///
    /// - Parameter digest: the SHA-256 of the key.
    package func useAPIKey(digest: [UInt8]) async throws -> UsedAPIKey? {
        let rows = try await pool.execute(
            "SELECT key_prefix, key_scopes, key_tenant_id, key_tenant FROM use_api_key($1)", [digest])
        guard let row = rows.first else { return nil }
        let id: Int64? = try row.decode(2)
        let name: String? = try row.decode(3)
        return UsedAPIKey(
            prefix: try row.decode(0), scopes: try row.decode(1),
            tenant: id.flatMap { id in name.map { (id: id, name: $0) } })
    }

    /// Stores a new key.
    ///
    /// - Throws: `UsageStoreError` with `unknownTenant`; `conflict` where the prefix is taken (make another key).
    package func addAPIKey(
        prefix: String, digest: [UInt8], name: String, tenant: String?, scopes: [String], expiresAt: Timestamp?
    ) async throws -> StoredAPIKey {
        try await pool.transaction { connection in
            var number: Int64?
            if let tenant { number = try await self.number(ofTenant: tenant, on: connection) }
            let made = try await connection.execute(
                """
                INSERT INTO api_key (prefix, digest, name, tenant_id, scopes, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING created_at
                """,
                [prefix, digest, name, number, scopes, expiresAt?.postgres])
            guard let row = made.first else {
                throw UsageStoreError(.conflict, "there is a key \(prefix) already; make another")
            }
            return StoredAPIKey(
                prefix: prefix, name: name, tenant: tenant, scopes: scopes, createdAt: try row.timestamp(0),
                expiresAt: expiresAt, revokedAt: nil, lastUsedAt: nil)
        }
    }

    /// All keys by prefix after one, with those that hold no more.
    ///
    /// - Parameter tenant: only this one's; nil for all.
    package func apiKeys(tenant: String? = nil, after prefix: String = "", limit: Int) async throws -> [StoredAPIKey] {
        let rows = try await pool.execute(
            """
            SELECT prefix, api_key.name, tenant.name, scopes, created_at, expires_at, revoked_at, last_used_at
            FROM api_key LEFT JOIN tenant USING (tenant_id)
            WHERE prefix COLLATE "C" > $1 AND ($2::text IS NULL OR tenant.name = $2) ORDER BY prefix COLLATE "C" LIMIT $3
            """,
            [prefix, tenant, Int64(limit)])
        return try rows.map { try StoredAPIKey($0) }
    }

    /// A key by its prefix, whether it holds or not.
    package func apiKey(_ prefix: String) async throws -> StoredAPIKey? {
        let rows = try await pool.execute(
            """
            SELECT prefix, api_key.name, tenant.name, scopes, created_at, expires_at, revoked_at, last_used_at
            FROM api_key LEFT JOIN tenant USING (tenant_id) WHERE prefix = $1
            """,
            [prefix])
        return try rows.first.map { try StoredAPIKey($0) }
    }

    /// Ends a key at once. Ending it again changes nothing.
    ///
    /// - Returns: false when there is no such key.
    package func revokeAPIKey(_ prefix: String) async throws -> Bool {
        let rows = try await pool.execute(
            "UPDATE api_key SET revoked_at = COALESCE(revoked_at, now()) WHERE prefix = $1 RETURNING 1", [prefix])
        return rows.first != nil
    }

    /// Lets a key end at a time, never later than it would have.
    ///
    /// - Returns: false when there is no such key, or it holds no more.
    package func endAPIKey(_ prefix: String, at end: Timestamp) async throws -> Bool {
        let rows = try await pool.execute(
            """
            UPDATE api_key SET expires_at = LEAST(expires_at, $2)
            WHERE prefix = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) RETURNING 1
            """,
            [prefix, end.postgres])
        return rows.first != nil
    }

    /// A tenant's number; nil where there is none of that name.
    package func tenantNumber(_ name: String) async throws -> Int64? {
        let rows = try await pool.execute("SELECT tenant_id FROM tenant WHERE name = $1", [name])
        return try rows.first?.decode(0, as: Int64.self)
    }

    private func number(ofTenant name: String, on connection: PostgresConnection) async throws -> Int64 {
        let rows = try await connection.execute("SELECT tenant_id FROM tenant WHERE name = $1", [name])
        guard let row = rows.first else {
            throw UsageStoreError(.unknownTenant, "there is no tenant \(name)")
        }
        return try row.decode(0)
    }
}
