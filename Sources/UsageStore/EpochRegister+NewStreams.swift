import Metering
import PostgreSQL

/// Streams that belong to no epoch yet: many are decided together, for a worker that starts meets its whole fleet in one
/// commit.
extension EpochRegister {
    /// Parts of some streams, in their order, that can be decided together: no instance comes twice, and of a gateway's
    /// sources only one, for what one stream decides says something of the next of its instance, and of the other sources
    /// of its gateway.
    static func rounds(of streams: [Int], _ commits: [StreamCommit]) -> [[Int]] {
        var rounds: [[Int]] = []
        var instances: Set<Int64?> = []
        var sources: [Int64?: SourceKind] = [:]
        for index in streams {
            let stored = commits[index].stored
            let source = commits[index].tape.source
            let isApart = instances.contains(stored.instance) || sources[stored.gateway].map { $0 != source } ?? false
            if rounds.isEmpty || isApart {
                rounds.append([])
                instances = []
                sources = [:]
            }
            rounds[rounds.count - 1].append(index)
            instances.insert(stored.instance)
            sources[stored.gateway] = source
        }
        return rounds
    }

    /// Decides the streams of a round.
    func decide(
        _ round: [Int], of commits: inout [StreamCommit], _ known: inout [Int64: [EpochRecord]]
    ) async throws {
        var joining: [Int] = []
        var beginning: [NewEpoch] = []
        for index in round {
            guard let sign = commits[index].tape.firstSign, let instance = commits[index].stored.instance else {
                continue
            }
            let records = (known[instance] ?? []).filter { $0.source == commits[index].tape.source }
            switch decision(commits[index], sign, records) {
            case .known(let epoch, let undecided):
                commits[index].stored.epoch = epoch
                joining.append(index)
                if undecided { try await remarkUndecided(commits[index], epoch) }
                let last = commits[index].tape.lastSign
                if let place = known[instance]?.firstIndex(where: { $0.id == epoch }),
                    let stored = known[instance]?[place].last, stored.receivedAt <= last.receivedAt
                {
                    known[instance]?[place].last = last
                }
            case .new:
                beginning.append(
                    NewEpoch(index: index, commit: commits[index], sign: sign, instanceIsMetered: !records.isEmpty))
            }
        }
        try await join(joining.map { commits[$0] })
        for (new, epoch) in zip(beginning, try await insert(beginning)) {
            commits[new.index].stored.epoch = epoch
            known[new.instance, default: []].append(
                EpochRecord(
                    id: epoch, bootID: new.commit.identity.bootID, source: new.commit.tape.source, first: new.sign,
                    last: new.commit.tape.lastSign))
        }
        let decided = round.filter { commits[$0].stored.epoch != nil }
        try await storeLastSigns(of: decided.map { commits[$0] })
        try await storePeers(of: decided.map { commits[$0] })
        try await readCollectVersions(of: decided, &commits)
    }

    private func decision(_ commit: StreamCommit, _ sign: LifeSign, _ records: [EpochRecord]) -> EpochRules.Decision {
        // A commit of unknown outcome is made again: the epoch is the one that this very flush began.
        let own = records.first {
            $0.bootID == commit.identity.bootID && $0.first.sentAt == sign.sentAt
                && $0.first.receivedAt == sign.receivedAt
        }
        if let own { return .known(own.id, undecided: false) }
        return EpochRules.decide(bootID: commit.identity.bootID, sign: sign, epochs: records)
    }

    // MARK: New epochs

    private struct NewEpoch {
        var index: Int
        var commit: StreamCommit
        var sign: LifeSign
        var instanceIsMetered: Bool

        var instance: Int64 { commit.stored.instance ?? 0 }
        var firstRead: Timestamp { commit.tape.firstFlush.values.map(\.time).min() ?? sign.receivedAt }
    }

    /// - Returns: the epochs' numbers, in the order of the streams.
    private func insert(_ new: [NewEpoch]) async throws -> [Int64] {
        guard !new.isEmpty else { return [] }
        let opensAtZero = try await self.opensAtZero(new)
        let firstReads = new.map(\.firstRead)
        let displacement = SourceDisplacement(connection: connection)
        let fromZero = new.indices.filter { opensAtZero[$0] && new[$0].sign.startedAt != nil }
        try await displacement.enqueue(
            fromZero.map { new[$0].commit.stored.gateway }, fromZero.compactMap { new[$0].sign.startedAt },
            fromZero.map { firstReads[$0] })
        let commits = new.map(\.commit)
        let signs = new.map(\.sign)
        let rows = try await connection.execute(
            """
            INSERT INTO epoch (
                instance_id, gateway_id, boot_id, collect_version_id, started_at, baseline_at,
                first_uptime, first_hot_restart_epoch, first_sent_at, first_received_at,
                last_uptime, last_hot_restart_epoch, last_sent_at, last_received_at, last_reading_at, source_kind
            )
            SELECT instance_id, gateway_id, boot_id, collect_version_id, started_at, baseline_at, uptime,
                hot_restart_epoch, sent_at, received_at, uptime, hot_restart_epoch, sent_at, received_at, read_at,
                source_kind
            FROM unnest(
                $1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
                $7::bigint[], $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::smallint[]
            ) AS new (
                instance_id, gateway_id, boot_id, collect_version_id, started_at, baseline_at, uptime,
                hot_restart_epoch, sent_at, received_at, read_at, source_kind
            )
            RETURNING instance_id, epoch_id
            """,
            [
                new.map(\.instance), commits.map(\.stored.gateway), commits.map(\.identity.bootID),
                commits.map(\.stored.collectVersion), signs.map { $0.startedAt?.postgres },
                new.indices.map { opensAtZero[$0] ? nil : firstReads[$0].postgres }, signs.map(\.uptime),
                signs.map(\.hotRestartEpoch), signs.map(\.sentAt.postgres), signs.map(\.receivedAt.postgres),
                firstReads.map(\.postgres), commits.map(\.tape.source.rawValue),
            ]
        )
        var numbers: [Int64: Int64] = [:]
        for row in rows { numbers[try row.decode(0)] = try row.decode(1, as: Int64.self) }
        let epochs = try new.map { begun in
            guard let epoch = numbers[begun.instance] else {
                throw UsageStoreError(.corrupt, "an epoch was inserted without an answer")
            }
            return epoch
        }
        try await storeBaselines(
            new.indices.filter { !opensAtZero[$0] }.map { index in
                var commit = commits[index]
                commit.stored.epoch = epochs[index]
                return (commit, commit.tape.firstFlush)
            })
        // The life before this one has ended: whether its tail was lost is to be said in its last quarter hour.
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT ended.gateway_id, date_bin('15 minutes', ended.last_reading_at, '2000-01-01 00:00:00+00')
            FROM unnest($1::bigint[], $2::bigint[]) AS new (instance_id, epoch_id)
            JOIN epoch AS begun USING (instance_id, epoch_id)
            CROSS JOIN LATERAL (
                SELECT gateway_id, last_reading_at FROM epoch
                WHERE epoch.instance_id = begun.instance_id AND epoch.epoch_id <> begun.epoch_id
                    AND epoch.last_received_at < begun.first_received_at AND epoch.source_kind = begun.source_kind
                ORDER BY last_received_at DESC LIMIT 1
            ) AS ended
            """,
            [new.map(\.instance), epochs])
        return epochs
    }

    /// Which of the new epochs are billed from 0 (rules 6 and 8).
    private func opensAtZero(_ new: [NewEpoch]) async throws -> [Bool] {
        let rows = try await connection.execute(
            "SELECT gateway_id, metering_since FROM gateway WHERE gateway_id = ANY($1::bigint[])",
            [Set(new.compactMap(\.commit.stored.gateway)).sorted()])
        var since: [Int64: Timestamp] = [:]
        for row in rows { since[try row.decode(0)] = try row.timestamp(1) }
        var byRule = new.map { begun in
            begun.commit.tape.isOdometer
                || EpochRules.opensAtZero(
                    source: begun.commit.tape.source, sign: begun.sign, instanceIsMetered: begun.instanceIsMetered,
                    meteringSince: begun.commit.stored.gateway.flatMap { since[$0] })
        }
        let asked = new.indices.filter { byRule[$0] && !new[$0].commit.tape.isOdometer && !new[$0].instanceIsMetered }
        let elsewhere = try await SourceDisplacement(connection: connection).areCountedElsewhere(
            asked.map { index in
                SourceDisplacement.Showing(
                    gateway: new[index].commit.stored.gateway ?? 0, source: new[index].commit.tape.source,
                    started: new[index].sign.startedAt, firstRead: new[index].firstRead)
            })
        for (index, isCounted) in zip(asked, elsewhere) where isCounted { byRule[index] = false }
        return byRule
    }

    // MARK: Known epochs

    /// Another worker stored these epochs before. Their first complete flush may still be one of these streams'.
    private func join(_ commits: [StreamCommit]) async throws {
        guard !commits.isEmpty else { return }
        let signs = commits.compactMap(\.tape.firstSign)
        _ = try await connection.execute(
            """
            UPDATE epoch SET first_uptime = sign.uptime, first_hot_restart_epoch = sign.hot_restart_epoch,
                first_sent_at = sign.sent_at, first_received_at = sign.received_at
            FROM unnest(
                $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[]
            ) AS sign (instance_id, epoch_id, uptime, hot_restart_epoch, sent_at, received_at)
            WHERE epoch.instance_id = sign.instance_id AND epoch.epoch_id = sign.epoch_id
                AND epoch.first_received_at > sign.received_at
            """,
            [
                commits.map(\.stored.instance), commits.map(\.stored.epoch), signs.map(\.uptime),
                signs.map(\.hotRestartEpoch), signs.map(\.sentAt.postgres), signs.map(\.receivedAt.postgres),
            ]
        )
        let reads = commits.map { $0.tape.firstFlush.values.map(\.time).min() }
        let moved = try await connection.execute(
            """
            UPDATE epoch SET baseline_at = read.read_at
            FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS read (instance_id, epoch_id, read_at)
            WHERE epoch.instance_id = read.instance_id AND epoch.epoch_id = read.epoch_id
                AND epoch.baseline_at > read.read_at
            RETURNING epoch.instance_id, epoch.epoch_id
            """,
            [commits.map(\.stored.instance), commits.map(\.stored.epoch), reads.map { $0?.postgres }]
        )
        guard !moved.isEmpty else { return }
        let instances = try moved.map { try $0.decode(0, as: Int64.self) }
        let epochs = try moved.map { try $0.decode(1, as: Int64.self) }
        _ = try await connection.execute(
            """
            DELETE FROM epoch_baseline USING unnest($1::bigint[], $2::bigint[]) AS moved (instance_id, epoch_id)
            WHERE epoch_baseline.instance_id = moved.instance_id AND epoch_baseline.epoch_id = moved.epoch_id
            """,
            [instances, epochs])
        let movedEpochs = Set(epochs)
        try await storeBaselines(
            commits.filter { movedEpochs.contains($0.stored.epoch ?? 0) }.map { ($0, $0.tape.firstFlush) })
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT gateway_id, quarter_hour
            FROM unnest($1::bigint[], $2::bigint[]) AS moved (instance_id, epoch_id)
            JOIN tapes AS tape USING (instance_id, epoch_id)
            """,
            [instances, epochs]
        )
    }

    // MARK: Beside the epochs

    /// Baseline readings of one statement.
    private static let readings = 60_000

    /// Stores the readings from which counters of epochs count, by slot; the earlier of two counts.
    func storeBaselines(_ baselines: [(commit: StreamCommit, readings: [Int: Reading])]) async throws {
        var rows = BaselineRows()
        for (commit, readings) in baselines {
            for slot in readings.keys.sorted() {
                guard let reading = readings[slot] else { continue }
                rows.append(reading, commit.stored, slot)
            }
            if rows.values.count >= Self.readings {
                try await store(rows)
                rows = BaselineRows()
            }
        }
        if !rows.values.isEmpty { try await store(rows) }
    }

    private struct BaselineRows {
        private(set) var instances: [Int64?] = []
        private(set) var epochs: [Int64?] = []
        private(set) var counters: [Int64] = []
        private(set) var values: [Int64] = []
        private(set) var times: [PostgresTimestamp] = []

        mutating func append(_ reading: Reading, _ stored: StoredStream, _ slot: Int) {
            instances.append(stored.instance)
            epochs.append(stored.epoch)
            counters.append(stored.counters[slot].rawValue)
            values.append(reading.value)
            times.append(reading.time.postgres)
        }
    }

    private func store(_ rows: BaselineRows) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO epoch_baseline (instance_id, epoch_id, counter_id, value, read_at)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
            ON CONFLICT (instance_id, epoch_id, counter_id) DO UPDATE
            SET value = excluded.value, read_at = excluded.read_at WHERE epoch_baseline.read_at > excluded.read_at
            """,
            [rows.instances, rows.epochs, rows.counters, rows.values, rows.times]
        )
    }

    /// Kept for 40 days, in which a conflict is looked into.
    private func storePeers(of commits: [StreamCommit]) async throws {
        let known = commits.filter { commit in
            commit.peer.map { (1...256).contains($0.utf8.count) && !$0.utf8.contains(0) } ?? false
        }
        guard !known.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO stream_peer (instance_id, stream_id, peer)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]) ON CONFLICT DO NOTHING
            """,
            [known.map(\.stored.instance), known.map(\.tape.stream.rawValue), known.map(\.peer)]
        )
        _ = try await connection.execute(
            """
            DELETE FROM stream_peer WHERE instance_id = ANY($1::bigint[]) AND begun_at < now() - interval '40 days'
            """,
            [known.map(\.stored.instance)])
    }

    /// The patterns that an epoch was first collected with, where a stream collects with others (rule 6).
    private func readCollectVersions(of streams: [Int], _ commits: inout [StreamCommit]) async throws {
        guard !streams.isEmpty else { return }
        let rows = try await connection.execute(
            """
            SELECT number, epoch.collect_version_id
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
                AS stream (instance_id, epoch_id, collect_version_id, number)
            JOIN epoch USING (instance_id, epoch_id)
            WHERE epoch.collect_version_id <> stream.collect_version_id
            """,
            [
                streams.map { commits[$0].stored.instance }, streams.map { commits[$0].stored.epoch },
                streams.map { commits[$0].stored.collectVersion },
            ]
        )
        var patterns: [Int64: CollectPatterns] = [:]
        for row in rows {
            let version: Int64 = try row.decode(1)
            if patterns[version] == nil {
                let texts = try await connection.execute(
                    "SELECT patterns FROM collect_version WHERE collect_version_id = $1", [version])
                guard let text = texts.first else {
                    throw UsageStoreError(.corrupt, "collect version \(version) of an epoch does not exist")
                }
                patterns[version] = try CollectPatterns(canonicalText: text.decode(0))
            }
            commits[streams[Int(try row.decode(0, as: Int64.self)) - 1]].stored.collectOfEpoch = patterns[version]
        }
    }
}
