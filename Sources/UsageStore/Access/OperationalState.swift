import PostgreSQL

/// How the database and the jobs stand, for probes.
package struct OperationalState: Sendable {
    /// Changes that wait for the aggregation.
    package let waiting: Int64
    /// Age of the oldest of them. Unit: seconds.
    package let lagSeconds: Int64
    /// Age of the newest reading of any instance; nil before the first. Unit: seconds.
    package let readingAgeSeconds: Int64?
}

extension UsageStore {
    /// Whether the database's user may work with the rights of a role.
    package func canAssume(role: String) async throws -> Bool {
        let rows = try await pool.execute(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(oid, 'MEMBER'))", [role])
        return try rows.first?.decode(0) ?? false
    }

    package func operationalState() async throws -> OperationalState {
        let rows = try await pool.execute(
            """
            SELECT count(*), COALESCE(floor(extract(epoch FROM now() - min(changed_at)))::bigint, 0),
                (SELECT floor(extract(epoch FROM now() - max(last_reading_at)))::bigint FROM epoch)
            FROM tape_change
            """)
        guard let row = rows.first else { return OperationalState(waiting: 0, lagSeconds: 0, readingAgeSeconds: nil) }
        return OperationalState(
            waiting: try row.decode(0), lagSeconds: max(0, try row.decode(1)), readingAgeSeconds: try row.decode(2))
    }
}
