import Logging
package import Metering
import PostgreSQL

extension UsageStore {
    /// Instances of one statement.
    private static let instancesPerPacking: Int64 = 20_000
    /// How long after its quarter hour began a tape is left where commits write. Unit: microseconds.
    static let packingDelay: Int64 = 7_200_000_000

    /// Moves the tapes of quarter hours that began before an instant to where pages are full. What is written again later
    /// is moved again.
    ///
    /// A tape's row is moved as it is, in one transaction, so that every reader sees it in one place or the other. Both of
    /// its statements see one snapshot: what a commit adds meanwhile stays, and where it writes a row anew the move fails
    /// and is made another time. An instance's rows come together, so that each page of the key is written once.
    ///
    /// - Returns: how many rows were moved.
    @discardableResult
    package func packTapes(before instant: Timestamp) async throws -> Int64 {
        var moved: Int64 = 0
        var after: Int64 = 0
        while let last = try await lastInstance(toPackAfter: after, before: instant) {
            try Task.checkCancellation()
            let start = after
            do {
                moved += try await pool.transaction(.repeatableRead) { connection in
                    // Commits come first: a row that one is writing is moved another time.
                    _ = try await connection.execute("SELECT set_config('lock_timeout', '200ms', true)")
                    return try await Self.pack(start, last, before: instant, on: connection)
                }
            } catch let error as PostgresError where ["55P03", "40001"].contains(error.sqlState) {
                logger.info("tapes that are being written are packed later", metadata: ["after": "\(start)"])
            }
            after = last
        }
        return moved
    }

    private func lastInstance(toPackAfter after: Int64, before instant: Timestamp) async throws -> Int64? {
        try await pool.execute(
            """
            SELECT max(instance_id) FROM (
                SELECT DISTINCT instance_id FROM tape WHERE quarter_hour < $1 AND instance_id > $2
                ORDER BY instance_id LIMIT $3
            ) AS next
            """,
            [instant.postgres, after, Self.instancesPerPacking]
        ).first?.decode(0)
    }

    private static func pack(
        _ after: Int64, _ last: Int64, before instant: Timestamp, on connection: PostgresConnection
    ) async throws -> Int64 {
        let rows = try await connection.execute(
            """
            INSERT INTO packed_tape (
                instance_id, epoch_id, quarter_hour, stream_id, gateway_id, revision, first_flush_at, last_flush_at,
                flushes, counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges, busiest_flush
            )
            SELECT instance_id, epoch_id, quarter_hour, stream_id, gateway_id, revision, first_flush_at, last_flush_at,
                flushes, counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges, busiest_flush
            FROM tape WHERE quarter_hour < $1 AND instance_id > $2 AND instance_id <= $3
            ORDER BY instance_id, epoch_id, quarter_hour, stream_id
            ON CONFLICT (instance_id, epoch_id, quarter_hour, stream_id) DO UPDATE SET
                revision = excluded.revision, first_flush_at = excluded.first_flush_at,
                last_flush_at = excluded.last_flush_at, flushes = excluded.flushes,
                counter_set_id = excluded.counter_set_id, gauge_set_id = excluded.gauge_set_id,
                recent_flushes = excluded.recent_flushes, readings = excluded.readings, gauges = excluded.gauges,
                busiest_flush = excluded.busiest_flush
            WHERE packed_tape.revision < excluded.revision
            """,
            [instant.postgres, after, last])
        _ = try await connection.execute(
            "DELETE FROM tape WHERE quarter_hour < $1 AND instance_id > $2 AND instance_id <= $3",
            [instant.postgres, after, last])
        return Int64(rows.affected)
    }
}
