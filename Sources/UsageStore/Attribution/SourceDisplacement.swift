import Metering
import PostgreSQL

/// What a source changes of the quarter hours in which another one stood in for it (rule 8).
struct SourceDisplacement {
    let connection: PostgresConnection

    /// Whether another source has counted what a new epoch shows: its process began in an earlier quarter hour, and the
    /// gateway was metered by another source then. Such an epoch is not billed from 0.
    func isCountedElsewhere(
        _ commit: StreamCommit, _ sign: LifeSign, _ firstRead: Timestamp, instanceIsMetered: Bool
    ) async throws -> Bool {
        guard !instanceIsMetered, let started = sign.startedAt else { return false }
        guard QuarterHour(containing: started) < QuarterHour(containing: firstRead) else { return false }
        let others = try await connection.execute(
            """
            SELECT EXISTS (
                SELECT FROM epoch WHERE gateway_id = $1 AND source_kind <> $2 AND last_reading_at > $3
                    AND first_received_at < $4
            )
            """,
            [commit.stored.gateway, commit.tape.source.rawValue, started.postgres, firstRead.postgres]
        )
        return try others.first?.decode(0, as: Bool.self) == true
    }

    /// A process that began in an earlier quarter hour is billed from 0 here: what stood in there is displaced.
    func enqueue(_ commit: StreamCommit, since started: Timestamp?, until firstRead: Timestamp) async throws {
        guard let started else { return }
        try await enqueue([commit.stored.gateway], [started], [firstRead])
    }

    /// Epochs that are read again after more than a quarter hour: what stood in between is displaced.
    func enqueue(_ commits: [StreamCommit]) async throws {
        let totals = commits.filter { $0.tape.temporality == .cumulative }
        guard !totals.isEmpty else { return }
        let rows = try await connection.execute(
            """
            SELECT gateway_id, last_reading_at, reading_at
            FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS sign (instance_id, epoch_id, reading_at)
            JOIN epoch USING (instance_id, epoch_id)
            WHERE reading_at >= last_reading_at + interval '15 minutes'
            """,
            [
                totals.map { $0.stored.instance }, totals.map { $0.stored.epoch },
                totals.map { $0.tape.lastFlushTime.postgres },
            ]
        )
        guard !rows.isEmpty else { return }
        try await enqueue(
            try rows.map { try $0.decode(0, as: Int64?.self) }, try rows.map { try $0.timestamp(1) },
            try rows.map { try $0.timestamp(2) })
    }

    private func enqueue(_ gateways: [Int64?], _ from: [Timestamp], _ to: [Timestamp]) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT tape.gateway_id, tape.quarter_hour
            FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS away (gateway_id, since, until)
            JOIN tape ON tape.gateway_id = away.gateway_id
                AND tape.quarter_hour >= date_bin('15 minutes', since, '2000-01-01 00:00:00+00')
                AND tape.quarter_hour < until
            WHERE EXISTS (SELECT FROM epoch WHERE epoch.gateway_id = away.gateway_id AND source_kind > 1)
            """,
            [gateways, from.map(\.postgres), to.map(\.postgres)]
        )
    }
}
