import Metering
import PostgreSQL

/// What a source changes of the quarter hours in which another one stood in for it (rule 8).
struct SourceDisplacement {
    let connection: PostgresConnection

    /// What the first flush of a new epoch shows.
    struct Showing {
        var gateway: Int64
        var source: SourceKind
        var started: Timestamp?
        var firstRead: Timestamp
    }

    /// Whether another source has counted what new epochs of instances that were not metered show: their processes began
    /// in an earlier quarter hour, and the gateway was metered by another source then. Such an epoch is not billed from
    /// 0. Of each gateway the epochs have one source.
    func areCountedElsewhere(_ showings: [Showing]) async throws -> [Bool] {
        var isCounted = showings.map { _ in false }
        let asked = showings.indices.filter { index in
            guard let started = showings[index].started else { return false }
            return QuarterHour(containing: started) < QuarterHour(containing: showings[index].firstRead)
        }
        guard !asked.isEmpty else { return isCounted }
        // By gateway, in one look: a fleet that is met at once would look at all of its epochs for each of them.
        let others = try await connection.execute(
            """
            SELECT shown.gateway_id, first_received_at, last_reading_at
            FROM (
                SELECT gateway_id, source_kind, min(started_at) AS started_at, max(read_at) AS read_at
                FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::timestamptz[])
                    AS shown (gateway_id, source_kind, started_at, read_at)
                GROUP BY gateway_id, source_kind
            ) AS shown
            JOIN epoch ON epoch.gateway_id = shown.gateway_id AND epoch.source_kind <> shown.source_kind
                AND last_reading_at > shown.started_at AND first_received_at < shown.read_at
            ORDER BY 1, 2
            """,
            [
                asked.map { showings[$0].gateway }, asked.map { showings[$0].source.rawValue },
                asked.map { showings[$0].started?.postgres }, asked.map { showings[$0].firstRead.postgres },
            ]
        )
        // Per gateway in the order of their beginnings: the latest reading of all that had begun so far.
        var latest: [Int64: [(begun: Timestamp, read: Timestamp)]] = [:]
        for row in others {
            let gateway: Int64 = try row.decode(0)
            let read = max(try row.timestamp(2), latest[gateway]?.last?.read ?? .earliest)
            latest[gateway, default: []].append((try row.timestamp(1), read))
        }
        for index in asked {
            guard let epochs = latest[showings[index].gateway], let started = showings[index].started else { continue }
            let begun = epochs.partitioningIndex { $0.begun >= showings[index].firstRead }
            isCounted[index] = begun > 0 && epochs[begun - 1].read > started
        }
        return isCounted
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

    /// The quarter hours of gateways in some stretches: what stood in there is displaced.
    func enqueue(_ gateways: [Int64?], _ from: [Timestamp], _ to: [Timestamp]) async throws {
        guard !gateways.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT tape.gateway_id, tape.quarter_hour
            FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS away (gateway_id, since, until)
            JOIN tapes AS tape ON tape.gateway_id = away.gateway_id
                AND tape.quarter_hour >= date_bin('15 minutes', since, '2000-01-01 00:00:00+00')
                AND tape.quarter_hour < until
            WHERE away.gateway_id IN (
                SELECT DISTINCT gateway_id FROM epoch WHERE gateway_id = ANY($1::bigint[]) AND source_kind > 1
            )
            """,
            [gateways, from.map(\.postgres), to.map(\.postgres)]
        )
    }
}

extension RandomAccessCollection {
    /// The first place from which on a condition holds, of elements for which it does not hold and then holds.
    fileprivate func partitioningIndex(where holds: (Element) -> Bool) -> Index {
        var low = startIndex
        var size = count
        while size > 0 {
            let middle = index(low, offsetBy: size / 2)
            if holds(self[middle]) {
                size /= 2
            } else {
                low = index(after: middle)
                size -= size / 2 + 1
            }
        }
        return low
    }
}
