import Logging
import Metering
import PostgreSQL

/// Which epochs the streams of a commit belong to.
///
/// Commits of one instance happen one after another, by a lock on the instance that is taken first and in one order
/// everywhere. So two workers that see one process first make one epoch of it, none waits for another in a circle, and
/// whichever commits later sees the other's tapes and enqueues what opens anew.
struct EpochRegister {
    let connection: PostgresConnection
    let logger: Logger

    func resolve(_ commits: inout [StreamCommit]) async throws {
        _ = try await connection.execute(
            "SELECT FROM instance WHERE instance_id = ANY($1::bigint[]) ORDER BY instance_id FOR NO KEY UPDATE",
            [Set(commits.compactMap(\.stored.instance)).sorted()]
        )
        // What known streams read last comes first: new streams are held against it.
        try await storeLastSigns(of: commits.filter { $0.stored.epoch != nil })
        let unresolved = commits.indices.filter { commits[$0].stored.epoch == nil }
        if !unresolved.isEmpty {
            let instances = Set(unresolved.compactMap { commits[$0].stored.instance }).sorted()
            var known = try await epochs(of: instances, bootIDs: unresolved.compactMap { commits[$0].identity.bootID })
            let inOrder = unresolved.sorted {
                (commits[$0].tape.firstSign?.receivedAt ?? .distantPast, $0)
                    < (commits[$1].tape.firstSign?.receivedAt ?? .distantPast, $1)
            }
            for round in Self.rounds(of: inOrder, commits) {
                try await decide(round, of: &commits, &known)
            }
        }
        for index in commits.indices { try await judgeLateCounters(of: &commits[index]) }
        try await storeRefusals(of: &commits)
        for commit in commits {
            guard let epoch = commit.stored.epoch else { continue }
            for said in commit.remarks {
                try await remark(
                    commit, epoch, reason: said.reason, from: said.from, to: said.to, upper: said.upper,
                    occurrences: said.occurrences)
            }
        }
    }

    /// Rule 6: a counter that the epoch's first worker would not have collected opens at its first value.
    private func judgeLateCounters(of commit: inout StreamCommit) async throws {
        let slots = commit.tape.counterNames.count
        guard let collect = commit.stored.collectOfEpoch, commit.stored.epoch != nil else { return }
        guard commit.stored.slotsJudged < slots else { return }
        var readings: [Int: Reading] = [:]
        for slot in commit.stored.slotsJudged..<slots where !collect.selects(commit.tape.counterNames[slot]) {
            readings[slot] = commit.tape.firstReading(slot)
        }
        if !readings.isEmpty {
            logger.notice(
                "counters that were not collected before open at their first value",
                metadata: ["instance": "\(commit.identity.instance)", "counters": "\(readings.count)"])
            try await storeBaselines([(commit, readings)])
        }
        commit.stored.slotsJudged = slots
    }

    func storeLastSigns(of commits: [StreamCommit]) async throws {
        guard !commits.isEmpty else { return }
        let signs = commits.map(\.tape.lastSign)
        let readings = commits.map { $0.tape.lastFlushTime.postgres }
        try await SourceDisplacement(connection: connection).enqueue(commits)
        // Whether an epoch lost its tail is said in the quarter hour of its last reading, which moves here.
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT gateway_id, date_bin('15 minutes', last_reading_at, '2000-01-01 00:00:00+00')
            FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS sign (instance_id, epoch_id, reading_at)
            JOIN epoch USING (instance_id, epoch_id)
            WHERE date_bin('15 minutes', last_reading_at, '2000-01-01 00:00:00+00')
                < date_bin('15 minutes', reading_at, '2000-01-01 00:00:00+00')
            """,
            [commits.map { $0.stored.instance }, commits.map { $0.stored.epoch }, readings]
        )
        _ = try await connection.execute(
            """
            UPDATE epoch SET last_uptime = sign.uptime, last_hot_restart_epoch = sign.hot_restart_epoch,
                last_sent_at = sign.sent_at, last_received_at = sign.received_at, drained = sign.drained,
                last_reading_at = GREATEST(epoch.last_reading_at, sign.reading_at)
            FROM (
                SELECT DISTINCT ON (instance_id, epoch_id) * FROM unnest(
                    $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
                    $7::boolean[], $8::timestamptz[]
                ) AS sign (instance_id, epoch_id, uptime, hot_restart_epoch, sent_at, received_at, drained, reading_at)
                ORDER BY instance_id, epoch_id, received_at DESC
            ) AS sign
            WHERE epoch.instance_id = sign.instance_id AND epoch.epoch_id = sign.epoch_id
                AND epoch.last_received_at <= sign.received_at
            """,
            [
                commits.map { $0.stored.instance }, commits.map { $0.stored.epoch }, signs.map(\.uptime),
                signs.map(\.hotRestartEpoch), signs.map(\.sentAt.postgres), signs.map(\.receivedAt.postgres),
                signs.map(\.isDrained), readings,
            ]
        )
    }

    /// Rule 4: where it can not be told, the stream goes on with the last epoch, and all it showed may be new.
    func remarkUndecided(_ commit: StreamCommit, _ epoch: Int64) async throws {
        logger.warning(
            "no uptime to tell epochs apart: taken for the same process; let the bootstrap give node.metadata.boot_id",
            metadata: ["gateway": "\(commit.identity.gateway)", "instance": "\(commit.identity.instance)"])
        let shown = commit.tape.firstFlush.filter { slot, _ in
            let name = commit.tape.counterNames[slot]
            return name.hasPrefix("http.") && name.hasSuffix(".downstream_rq_completed")
        }
        let time = commit.tape.firstFlush.values.map(\.time).min() ?? commit.tape.lastFlushTime
        try await remark(
            commit, epoch, reason: Gap.Reason.undecidedEpoch.rawValue, from: time, to: time,
            upper: shown.values.reduce(0) { $0 + $1.value }, occurrences: 1
        )
    }

    private func storeRefusals(of commits: inout [StreamCommit]) async throws {
        for index in commits.indices {
            let refused = commits[index].tape.refusals.values.reduce(0, +)
            guard refused > commits[index].stored.refusalsStored, let epoch = commits[index].stored.epoch else {
                continue
            }
            let reasons = commits[index].tape.refusals.map { "\($0.key.rawValue): \($0.value)" }.sorted()
            logger.warning(
                "values were refused",
                metadata: [
                    "gateway": "\(commits[index].identity.gateway)", "instance": "\(commits[index].identity.instance)",
                    "reasons": "\(reasons.joined(separator: ", "))",
                ])
            let last = commits[index].tape.lastFlushTime
            for tally in commits[index].tape.refused {
                try await remark(
                    commits[index], epoch, reason: Gap.Reason.refused.rawValue, from: tally.quarterHour.start,
                    to: min(last, tally.quarterHour.end), upper: tally.requests, occurrences: tally.values)
            }
            commits[index].stored.refusalsStored = refused
        }
    }

    private func remark(
        _ commit: StreamCommit, _ epoch: Int64, reason: String, from: Timestamp, to: Timestamp, upper: Int64?,
        occurrences: Int64
    ) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO stream_remark (
                instance_id, epoch_id, stream_id, reason, gateway_id, quarter_hour, from_at, to_at, upper_bound,
                occurrences
            )
            VALUES ($1, $2, $3, $4, $5, $6, LEAST($7, $8), GREATEST($7, $8), $9, $10)
            ON CONFLICT (instance_id, epoch_id, stream_id, reason, quarter_hour) DO UPDATE
            SET to_at = GREATEST(stream_remark.to_at, excluded.to_at), occurrences = excluded.occurrences,
                upper_bound = excluded.upper_bound
            """,
            [
                commit.stored.instance, epoch, commit.tape.stream.rawValue, reason, commit.stored.gateway,
                QuarterHour(containing: from).start.postgres, from.postgres, to.postgres, upper, occurrences,
            ]
        )
    }

    private func epochs(of instances: [Int64], bootIDs: [String]) async throws -> [Int64: [EpochRecord]] {
        let rows = try await connection.execute(
            """
            SELECT instance_id, epoch_id, boot_id, first_uptime, first_hot_restart_epoch, first_sent_at,
                first_received_at, last_uptime, last_hot_restart_epoch, last_sent_at, last_received_at, source_kind
            FROM (
                SELECT *, row_number() OVER (PARTITION BY instance_id, source_kind ORDER BY last_received_at DESC) AS recency
                FROM epoch WHERE instance_id = ANY($1::bigint[])
            ) AS epoch
            WHERE recency <= 32 OR boot_id = ANY($2::text[])
            """,
            [instances, bootIDs]
        )
        var known: [Int64: [EpochRecord]] = [:]
        for row in rows {
            let record = EpochRecord(
                id: try row.decode(1), bootID: try row.decode(2), source: try row.sourceKind(11),
                first: LifeSign(
                    uptime: try row.decode(3), hotRestartEpoch: try row.decode(4), sentAt: try row.timestamp(5),
                    receivedAt: try row.timestamp(6)),
                last: LifeSign(
                    uptime: try row.decode(7), hotRestartEpoch: try row.decode(8), sentAt: try row.timestamp(9),
                    receivedAt: try row.timestamp(10))
            )
            known[try row.decode(0), default: []].append(record)
        }
        return known
    }
}

extension Timestamp {
    fileprivate static var distantPast: Timestamp { Timestamp(microseconds: .min) }
}
