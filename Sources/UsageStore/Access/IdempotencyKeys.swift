package import PostgreSQL

/// What is known of a request that carries an idempotency key.
package enum IdempotentRequest: Sendable {
    /// It is the first, or the one before did nothing: go on.
    case begin
    /// It was answered before.
    case answered(status: Int, headers: [String], body: [UInt8])
    /// Another request with this key and other content came before.
    case other
    /// The one before is under way.
    case running
    /// The one before did its work, and its answer was lost.
    case answerLost
}

extension UsageStore {
    /// Claims a key for a request.
    ///
    /// - Parameter fingerprint: SHA-256 of the method, the path and the body.
    /// - Parameter seconds: how long the request may take; after it, one that did nothing may come again.
    package func claim(
        idempotencyKey key: String, of credential: String, fingerprint: [UInt8], seconds: Int64
    ) async throws -> IdempotentRequest {
        try await pool.transaction { connection in
            let claimed = try await connection.execute(
                """
                INSERT INTO idempotency_key (credential, key, fingerprint, claimed_until)
                VALUES ($1, $2, $3, now() + $4 * interval '1 second')
                ON CONFLICT (credential, key) DO UPDATE SET claimed_until = excluded.claimed_until
                WHERE idempotency_key.fingerprint = excluded.fingerprint AND idempotency_key.status IS NULL
                    AND NOT idempotency_key.took_effect AND idempotency_key.claimed_until < now()
                RETURNING 1
                """,
                [credential, key, fingerprint, seconds])
            if claimed.first != nil { return .begin }
            let rows = try await connection.execute(
                """
                SELECT fingerprint = $3, status, headers, body, took_effect AND claimed_until < now()
                FROM idempotency_key WHERE credential = $1 AND key = $2
                """,
                [credential, key, fingerprint])
            guard let row = rows.first else { return .running }
            guard try row.decode(0, as: Bool.self) else { return .other }
            if let status = try row.decode(1, as: Int32?.self) {
                return .answered(status: Int(status), headers: try row.decode(2), body: try row.decode(3))
            }
            return try row.decode(4, as: Bool.self) ? .answerLost : .running
        }
    }

    /// Keeps what was answered.
    package func keep(
        status: Int, headers: [String], body: [UInt8], forIdempotencyKey key: String, of credential: String
    ) async throws {
        try await pool.execute(
            """
            UPDATE idempotency_key SET status = $3, headers = $4, body = $5 WHERE credential = $1 AND key = $2
            """,
            [credential, key, Int32(status), headers, body])
    }

    /// Lets a key go whose request failed: it may come again, unless some of its work was done.
    package func release(idempotencyKey key: String, of credential: String) async throws {
        try await pool.execute(
            """
            UPDATE idempotency_key SET claimed_until = now() - interval '1 second' WHERE credential = $1 AND key = $2
            """,
            [credential, key])
    }

    /// Notes, in the transaction that does a request's work, that it was done.
    package static func markEffect(
        ofIdempotencyKey key: String, of credential: String, on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            "UPDATE idempotency_key SET took_effect = true WHERE credential = $1 AND key = $2", [credential, key])
    }

    /// Forgets keys older than a number of days.
    package func forgetIdempotencyKeys(olderThanDays days: Int64) async throws {
        try await pool.execute(
            "DELETE FROM idempotency_key WHERE begun_at < now() - $1 * interval '1 day'", [days])
    }
}
