package import Metering
import PostgreSQL

/// What the whole content of the database is known by: between two equal ones, nothing was committed to it.
///
/// A state is PostgreSQL's own account of what a snapshot sees: the transactions that were over and those that were under
/// way (`pg_current_snapshot()`). Each that writes has a number of its own, so the account differs as soon as one more was
/// committed, whatever it wrote: a record, an epoch, a correction, a right, a policy. A server that crashed may give a
/// number again whose transaction it lost; but it loses its connections too, and so their count stands beside the account.
package struct DatabaseState: Hashable, Sendable {
    private let snapshot: String
    private let connections: Int

    /// Where the account does not hold all there is, there is none: a standby does not say what is under way, and behind
    /// a coordinator of Citus other servers hold rows and number transactions of their own.
    static let statement = PostgresStatement(
        """
        SELECT CASE WHEN pg_is_in_recovery() OR EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN NULL
            ELSE pg_current_snapshot()::text || ' ' || pg_postmaster_start_time()::text END, now()
        """)

    /// - Parameter connections: how many the pool had made, at an instant when the one that read `row` was there and
    ///   the server behind it was the one that is asked now: before a reading that is remembered, and after one that is
    ///   compared with it.
    init?(_ row: PostgresRow, connections: Int) throws {
        guard let snapshot = try row.decode(0, as: String?.self) else { return nil }
        self.snapshot = snapshot
        self.connections = connections
    }
}

extension UsageStore {
    /// The state that the database is in, to be compared with one of before, and its clock. It is asked for in a
    /// transaction as any other, which names the tenant of the request; no table is read.
    package func state() async throws -> (state: DatabaseState?, now: Timestamp) {
        let rows = try await pool.snapshot([DatabaseState.statement])
        let connections = pool.connectionsMade
        guard let row = rows.first?.first else {
            throw UsageStoreError(.corrupt, "the database does not say its state")
        }
        return (try DatabaseState(row, connections: connections), try row.timestamp(1))
    }
}
