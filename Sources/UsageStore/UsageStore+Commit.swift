package import Metering
import PostgreSQL

extension UsageStore {
    /// Stores what changed on the given streams, in one transaction: epochs, tapes, and the quarter hours to derive
    /// anew.
    ///
    /// A commit that failed, or whose outcome is unknown, is made again with the same or later snapshots: a segment
    /// replaces an earlier revision of itself and nothing else.
    ///
    /// - Returns: per stream what is stored now. Streams before their first complete flush are left out.
    package func commit(_ commits: [StreamCommit]) async throws -> [StreamID: StoredStream] {
        try await commit(commits) { _, _ in }
    }

    /// As `commit`, with `andStore` last in the same transaction: given the streams with their numbers.
    func commit(
        _ commits: [StreamCommit], andStore: (PostgresConnection, [StreamCommit]) async throws -> Void
    ) async throws -> [StreamID: StoredStream] {
        var commits = commits.filter { $0.tape.isDecidable && $0.tape.latestRevision > $0.stored.revision }
        guard !commits.isEmpty else { return [:] }
        commits.sort { $0.tape.stream < $1.tape.stream }
        let numbered = try await pool.withConnection { [commits] connection in
            var numbered = commits
            try await Dictionaries(connection: connection).number(&numbered)
            let quarterHours = numbered.flatMap { $0.tape.quarterHours }
            if let first = quarterHours.min(), let last = quarterHours.max() {
                try await partitions.prepare(first...last, on: connection)
            }
            return numbered
        }
        return try await pool.transaction(.readCommitted) { connection in
            var numbered = numbered
            try await EpochRegister(connection: connection, logger: logger).resolve(&numbered)
            try await TapeWriter(connection: connection).write(numbered)
            try await andStore(connection, numbered)
            return Dictionary(
                uniqueKeysWithValues: numbered.map { commit in
                    var stored = commit.stored
                    stored.revision = commit.tape.latestRevision
                    return (commit.tape.stream, stored)
                }
            )
        }
    }
}

/// Writes segments and enqueues what they change.
private struct TapeWriter {
    let connection: PostgresConnection

    func write(_ commits: [StreamCommit]) async throws {
        var rows = TapeRows()
        for commit in commits {
            let segments = commit.tape.segments(
                after: commit.stored.revision, counters: commit.stored.counters, gauges: commit.stored.gauges
            )
            for segment in segments { rows.append(segment, commit.stored) }
        }
        guard !rows.streams.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO tape (
                instance_id, epoch_id, quarter_hour, stream_id, gateway_id, revision, first_flush_at, last_flush_at,
                flushes, counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges, busiest_flush
            )
            SELECT * FROM unnest(
                $1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::boolean[],
                $13::bytea[], $14::bytea[], $15::bytea[], $16::bigint[]
            )
            ON CONFLICT (instance_id, epoch_id, quarter_hour, stream_id) DO UPDATE SET
                revision = excluded.revision, first_flush_at = excluded.first_flush_at,
                last_flush_at = excluded.last_flush_at, flushes = excluded.flushes,
                counter_set_id = excluded.counter_set_id, gauge_set_id = excluded.gauge_set_id,
                recent_flushes = excluded.recent_flushes, readings = excluded.readings, gauges = excluded.gauges,
                busiest_flush = excluded.busiest_flush
            WHERE tape.revision < excluded.revision
            """,
            [
                rows.instances, rows.epochs, rows.quarterHours, rows.streams, rows.gateways, rows.revisions,
                rows.firstFlushes, rows.lastFlushes, rows.flushes, rows.counterSets, rows.gaugeSets, rows.areDelta,
                rows.recentFlushes, rows.readings, rows.gauges, rows.busiestFlushes,
            ]
        )
        // A later quarter hour opens where this one closes: it changes too. There is none of the current one, but
        // clocks differ by some minutes.
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT gateway_id, quarter_hour
            FROM unnest($1::bigint[], $2::timestamptz[]) AS changed (gateway_id, quarter_hour)
            UNION
            SELECT tape.gateway_id, tape.quarter_hour
            FROM (
                SELECT instance_id, epoch_id, min(quarter_hour) AS quarter_hour
                FROM unnest($3::bigint[], $4::bigint[], $2::timestamptz[])
                    AS changed (instance_id, epoch_id, quarter_hour)
                WHERE quarter_hour < date_bin('15 minutes', now() + interval '5 minutes', '2000-01-01 00:00:00+00')
                GROUP BY instance_id, epoch_id
            ) AS changed
            JOIN tape USING (instance_id, epoch_id)
            WHERE tape.quarter_hour > changed.quarter_hour
            """,
            [rows.gateways, rows.quarterHours, rows.instances, rows.epochs]
        )
    }
}

/// The columns of a batch of tape rows.
private struct TapeRows {
    var instances: [Int64] = []
    var epochs: [Int64] = []
    var quarterHours: [PostgresTimestamp] = []
    var streams: [Int64] = []
    var gateways: [Int64] = []
    var revisions: [Int64] = []
    var firstFlushes: [PostgresTimestamp] = []
    var lastFlushes: [PostgresTimestamp] = []
    var flushes: [Int64] = []
    var counterSets: [Int64] = []
    var gaugeSets: [Int64] = []
    var areDelta: [Bool] = []
    var recentFlushes: [[UInt8]] = []
    var readings: [[UInt8]] = []
    var gauges: [[UInt8]] = []
    var busiestFlushes: [Int64] = []

    mutating func append(_ segment: Segment, _ stored: StoredStream) {
        guard let instance = stored.instance, let epoch = stored.epoch, let gateway = stored.gateway else { return }
        instances.append(instance)
        epochs.append(epoch)
        quarterHours.append(segment.quarterHour.start.postgres)
        streams.append(segment.stream.rawValue)
        gateways.append(gateway)
        revisions.append(segment.revision)
        firstFlushes.append(segment.firstFlush.postgres)
        lastFlushes.append(segment.lastFlush.postgres)
        flushes.append(segment.flushes)
        counterSets.append(stored.counterSet)
        gaugeSets.append(stored.gaugeSet)
        areDelta.append(segment.temporality == .delta)
        recentFlushes.append(segment.recentFlushBody)
        readings.append(segment.body)
        gauges.append(segment.gaugeBody)
        busiestFlushes.append(segment.busiestFlush)
    }
}
