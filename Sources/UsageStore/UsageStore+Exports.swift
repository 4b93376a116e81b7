package import Metering
import PostgreSQL

/// An OTLP export's interval of deltas: counted once, however often it is sent.
package struct ExportInterval: Hashable, Sendable {
    package var gateway: String
    package var instance: String
    /// As on the wire.
    package var start: UInt64
    package var time: UInt64

    package init(gateway: String, instance: String, start: UInt64, time: UInt64) {
        self.gateway = gateway
        self.instance = instance
        self.start = start
        self.time = time
    }
}

extension UsageStore {
    /// Which of the intervals were counted before, by any worker.
    package func counted(_ intervals: [ExportInterval]) async throws -> Set<ExportInterval> {
        let rows = try await pool.execute(
            """
            SELECT asked.number
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
                WITH ORDINALITY AS asked (gateway, instance, start_time, export_time, number)
            JOIN gateway ON gateway.name = asked.gateway
            JOIN instance ON instance.gateway_id = gateway.gateway_id AND instance.name = asked.instance
            JOIN otlp_export ON otlp_export.instance_id = instance.instance_id
                AND otlp_export.start_time = asked.start_time AND otlp_export.export_time = asked.export_time
            """,
            [
                intervals.map(\.gateway), intervals.map(\.instance), intervals.map { Int64(bitPattern: $0.start) },
                intervals.map { Int64(bitPattern: $0.time) },
            ])
        var counted: Set<ExportInterval> = []
        for row in rows { counted.insert(intervals[Int(try row.decode(0, as: Int64.self)) - 1]) }
        return counted
    }

    /// Stores readings together with the intervals that brought them: both or neither.
    ///
    /// - Throws: `UsageStoreError.alreadyCounted` where another worker counted one of them meanwhile; any other error
    ///   leaves the outcome unknown, and the streams are not to be gone on with.
    package func commit(
        _ commits: [StreamCommit], counting intervals: [ExportInterval]
    ) async throws -> [StreamID: StoredStream] {
        try await commit(commits) { connection, stored in
            var instances: [[String]: Int64] = [:]
            for commit in stored {
                instances[[commit.identity.gateway, commit.identity.instance]] = commit.stored.instance
            }
            let numbered = try intervals.map { interval in
                guard let instance = instances[[interval.gateway, interval.instance]] else {
                    throw UsageStoreError(.corrupt, "an export of \(interval.instance) has no stream to count it")
                }
                return instance
            }
            let inserted = try await connection.execute(
                """
                INSERT INTO otlp_export (instance_id, start_time, export_time)
                SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new (instance_id, start_time, export_time)
                ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
                """,
                [
                    numbered, intervals.map { Int64(bitPattern: $0.start) },
                    intervals.map { Int64(bitPattern: $0.time) },
                ])
            guard inserted.affected == intervals.count else {
                throw UsageStoreError(.alreadyCounted, "another worker has counted an export meanwhile")
            }
        }
    }

    /// Forgets intervals that no sender sends again.
    package func forgetExports(before time: Timestamp) async throws {
        try await pool.execute("DELETE FROM otlp_export WHERE counted_at < $1", [time.postgres])
    }
}
