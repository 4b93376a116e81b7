import Metering
import PostgreSQL

/// Tapes of a unit with what their usage is derived from: of all its instances, or of some.
struct UnitTapes {
    /// Per instance its epochs' tapes.
    var instances: [Int64: [EpochTape]] = [:]
    var names: [CounterID: String] = [:]
    /// Gaps that receivers remarked, and epochs that ended here without an orderly last reading.
    var remarks: [(instance: Int64, gap: Gap)] = []
    /// Nil where one source reports alone.
    var election: UnitElection?

    /// The remarks on the sources that count.
    var countedRemarks: [(instance: Int64, gap: Gap)] {
        guard let election else { return remarks }
        return remarks.filter { election.counts($0.gap, instance: $0.instance) }
    }

    func isConnectionManagers(_ counter: CounterID) -> Bool {
        names[counter]?.utf8.starts(with: "http.".utf8) ?? false
    }

    /// What an instance was used, by the sources that count: the one function for records, checks and readings.
    func usage(of instance: Int64, _ epochs: [EpochTape], in quarterHour: QuarterHour) throws -> InstanceUsage {
        try InstanceUsage(
            quarterHour: quarterHour, epochs: epochs, isConnectionManagers: isConnectionManagers,
            higher: election?.above(instance: instance))
    }
}

/// Reads the tapes of a quarter hour, of the one before it in each epoch, and what opens the epochs.
///
/// A unit is read in parts of some instances, each in a few statements, so that memory does not grow with the gateway.
struct TapeReader {
    let connection: PostgresConnection
    let dictionary: CounterDictionary

    /// Instances in a part.
    private static let part = 1000

    init(connection: PostgresConnection, dictionary: CounterDictionary = CounterDictionary()) {
        self.connection = connection
        self.dictionary = dictionary
    }

    /// One life of an instance.
    struct EpochKey: Hashable {
        var instance: Int64
        var epoch: Int64
    }

    func gatewayName(_ unit: AggregationUnit) async throws -> String {
        let gateways = try await connection.execute("SELECT name FROM gateway WHERE gateway_id = $1", [unit.gateway])
        guard let gateway = gateways.first else {
            throw UsageStoreError(.unknownGateway, "there is no gateway number \(unit.gateway)")
        }
        return try gateway.decode(0)
    }

    /// The epochs that have a tape in the unit, in parts; those of one instance are in one part.
    func parts(of unit: AggregationUnit) async throws -> [[EpochKey]] {
        let rows = try await connection.execute(
            """
            SELECT DISTINCT instance_id, epoch_id FROM tapes AS tape WHERE gateway_id = $1 AND quarter_hour = $2 ORDER BY 1, 2
            """,
            [unit.gateway, unit.quarterHour.start.postgres]
        )
        var parts: [[EpochKey]] = []
        var part: [EpochKey] = []
        for row in rows {
            let key = EpochKey(instance: try row.decode(0), epoch: try row.decode(1))
            if part.count >= Self.part, part.last?.instance != key.instance {
                parts.append(part)
                part = []
            }
            part.append(key)
        }
        if !part.isEmpty { parts.append(part) }
        return parts
    }

    /// Some epochs of a unit.
    func read(_ unit: AggregationUnit, _ epochs: [EpochKey]) async throws -> UnitTapes {
        var tapes = UnitTapes()
        let current = try await segments(of: epochs, at: unit.quarterHour)
        let before = QuarterHour(
            containing: unit.quarterHour.start.advanced(byMicroseconds: -QuarterHour.microseconds))
        var previous = try await segments(of: epochs, at: before)
        let seen = Set(previous.map(\.epoch))
        previous += try await latestSegments(of: epochs.filter { !seen.contains($0) }, before: before)
        let wanted = Set((current + previous).flatMap { [$0.counterSet, $0.gaugeSet] })
        let sets = try await dictionary.sets(wanted, of: unit.gateway, on: connection)
        let openings = try await self.openings(epochs)
        let previousByEpoch = Dictionary(grouping: previous, by: \.epoch)
        for (key, rows) in Dictionary(grouping: current, by: \.epoch) {
            guard let opening = openings[key] else { continue }
            var tape = EpochTape(
                epoch: key.epoch, bootID: opening.bootID, source: opening.source, opening: opening.opening,
                previous: try (previousByEpoch[key] ?? []).map { try $0.segment(sets) },
                current: try rows.map { try $0.segment(sets) }
            )
            tape.older = try await olderClosings(of: tape, key, unit)
            tapes.instances[key.instance, default: []].append(tape)
        }
        // In one order each time: where two lives of an instance differ, it is by their numbers.
        for instance in tapes.instances.keys { tapes.instances[instance]?.sort { $0.epoch < $1.epoch } }
        tapes.names = try await dictionary.names(Set(sets.values.joined()), of: unit.gateway, on: connection)
        tapes.remarks = try await tailsLost(unit, epochs).map { lost in
            // Nobody knows when one ended that only fell silent: no rate bounds a day.
            guard lost.hasSuccessor else { return (lost.instance, lost.gap) }
            let ended = tapes.instances[lost.instance]?.first { $0.epoch == lost.gap.epoch }
            return (lost.instance, ended.map { lost.gap.bounded(by: $0.rate) } ?? lost.gap)
        }
        return tapes
    }

    /// What receivers remarked in a unit, whether or not its instance has a tape there.
    func remarks(_ unit: AggregationUnit) async throws -> UnitTapes {
        UnitTapes(remarks: try await remarks(unit))
    }

    // MARK: Segments

    private struct SegmentRow {
        var epoch: EpochKey
        var counterSet: Int64
        var gaugeSet: Int64
        var bare: Segment

        struct Key: Hashable {
            var epoch: EpochKey
            var stream: StreamID
            var quarterHour: QuarterHour
        }

        var key: Key { Key(epoch: epoch, stream: bare.stream, quarterHour: bare.quarterHour) }

        func segment(_ sets: [Int64: [CounterID]]) throws -> Segment {
            guard let counters = sets[counterSet], let gauges = sets[gaugeSet] else {
                throw UsageStoreError(.corrupt, "counter set \(counterSet) or \(gaugeSet) of a tape does not exist")
            }
            var segment = bare
            segment.counters = counters
            segment.gauges = gauges
            return segment
        }
    }

    /// Of rows that lie in both places where tapes lie the latest revision.
    private func segments(_ rows: PostgresRows) throws -> [SegmentRow] {
        var segments: [SegmentRow] = []
        var places: [SegmentRow.Key: Int] = [:]
        segments.reserveCapacity(rows.count)
        places.reserveCapacity(rows.count)
        for row in rows {
            let segment = try self.segment(row)
            if let place = places[segment.key] {
                if segments[place].bare.revision < segment.bare.revision { segments[place] = segment }
            } else {
                places[segment.key] = segments.count
                segments.append(segment)
            }
        }
        return segments
    }

    private func segment(_ row: PostgresRow) throws -> SegmentRow {
        let lastFlush = try row.timestamp(6)
        return SegmentRow(
            epoch: EpochKey(instance: try row.decode(0), epoch: try row.decode(1)),
            counterSet: try row.decode(8), gaugeSet: try row.decode(9),
            bare: Segment(
                stream: StreamID(rawValue: try row.decode(2)), quarterHour: try row.quarterHour(3),
                revision: try row.decode(4), firstFlush: try row.timestamp(5), lastFlush: lastFlush,
                flushes: try row.decode(7), busiestFlush: try row.decode(14),
                recentFlushes: try Segment.recentFlushes(try row.decode(11), lastFlush: lastFlush),
                counters: [], gauges: [], body: try row.decode(12), gaugeBody: try row.decode(13),
                temporality: try row.decode(10, as: Bool.self) ? .delta : .cumulative
            )
        )
    }

    private func segments(of epochs: [EpochKey], at quarterHour: QuarterHour) async throws -> [SegmentRow] {
        try await segments(
            connection.execute(
                """
                SELECT instance_id, epoch_id, stream_id, quarter_hour, revision, first_flush_at, last_flush_at,
                    flushes, counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges,
                    busiest_flush
                FROM unnest($1::bigint[], $2::bigint[]) AS wanted (instance_id, epoch_id)
                JOIN tapes AS tape USING (instance_id, epoch_id)
                WHERE quarter_hour = $3
                """,
                [epochs.map(\.instance), epochs.map(\.epoch), quarterHour.start.postgres]
            )
        )
    }

    /// The segments of the latest quarter hour with any, before one without.
    private func latestSegments(of epochs: [EpochKey], before quarterHour: QuarterHour) async throws -> [SegmentRow] {
        guard !epochs.isEmpty else { return [] }
        return try await segments(
            connection.execute(
                """
                SELECT instance_id, epoch_id, stream_id, quarter_hour, revision, first_flush_at, last_flush_at,
                    flushes, counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges,
                    busiest_flush
                FROM unnest($1::bigint[], $2::bigint[]) AS wanted (instance_id, epoch_id)
                JOIN epoch USING (instance_id, epoch_id)
                CROSS JOIN LATERAL (
                    SELECT earlier.quarter_hour FROM tapes AS earlier
                    WHERE earlier.instance_id = epoch.instance_id AND earlier.epoch_id = epoch.epoch_id
                        AND earlier.quarter_hour < $3
                    ORDER BY earlier.quarter_hour DESC LIMIT 1
                ) AS latest
                JOIN tapes AS tape USING (instance_id, epoch_id, quarter_hour)
                """,
                [epochs.map(\.instance), epochs.map(\.epoch), quarterHour.start.postgres]
            )
        )
    }

    // MARK: Openings

    private func openings(
        _ keys: [EpochKey]
    ) async throws -> [EpochKey: (bootID: String?, source: SourceKind, opening: EpochOpening)] {
        let instances = keys.map(\.instance)
        let epochs = keys.map(\.epoch)
        let found = try await connection.execute(
            """
            SELECT instance_id, epoch_id, boot_id, started_at, source_kind
            FROM unnest($1::bigint[], $2::bigint[]) AS wanted (instance_id, epoch_id)
            JOIN epoch USING (instance_id, epoch_id)
            """,
            [instances, epochs]
        )
        var openings: [EpochKey: (bootID: String?, source: SourceKind, opening: EpochOpening)] = [:]
        for row in found {
            let key = EpochKey(instance: try row.decode(0), epoch: try row.decode(1))
            openings[key] = (
                try row.decode(2), try row.sourceKind(4), EpochOpening(started: try row.optionalTimestamp(3))
            )
        }
        let baselines = try await connection.execute(
            """
            SELECT instance_id, epoch_id, counter_id, value, read_at
            FROM unnest($1::bigint[], $2::bigint[]) AS wanted (instance_id, epoch_id)
            JOIN epoch_baseline USING (instance_id, epoch_id)
            """,
            [instances, epochs]
        )
        for row in baselines {
            let key = EpochKey(instance: try row.decode(0), epoch: try row.decode(1))
            let reading = Reading(time: try row.timestamp(4), value: try row.decode(3))
            openings[key]?.opening.baseline[CounterID(rawValue: try row.decode(2))] = reading
        }
        return openings
    }

    /// The closings of counters that the previous tape of the epoch does not hold: a listener that was away, a flush
    /// that broke off. Most counters that are looked for here are new, and no older tape has a set with them; others
    /// are looked for back in time until each is found.
    private func olderClosings(
        of tape: EpochTape, _ key: EpochKey, _ unit: AggregationUnit
    ) async throws -> [CounterID: Reading] {
        guard let before = tape.previous.first?.quarterHour else { return [:] }
        return try await closings(
            of: try tape.countersWithoutOpening(), key, gateway: unit.gateway, before: before.start)
    }

    /// The last reading of each of some counters of an epoch before an instant; none of those that have none.
    func closings(
        of counters: Set<CounterID>, _ key: EpochKey, gateway: Int64, before instant: Timestamp
    ) async throws -> [CounterID: Reading] {
        var before = instant
        var missing = counters
        var closings: [CounterID: Reading] = [:]
        while !missing.isEmpty {
            let rows = try await segments(
                connection.execute(
                    """
                    WITH older AS (
                        SELECT tape.* FROM counter_set JOIN tapes AS tape USING (gateway_id, counter_set_id)
                        WHERE gateway_id = $1 AND counters && $5::bigint[]
                            AND instance_id = $2 AND epoch_id = $3 AND quarter_hour < $4 AND NOT is_delta
                    )
                    SELECT instance_id, epoch_id, stream_id, quarter_hour, revision, first_flush_at, last_flush_at,
                        flushes, counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges,
                        busiest_flush
                    FROM older
                    WHERE quarter_hour IN (SELECT DISTINCT quarter_hour FROM older ORDER BY quarter_hour DESC LIMIT 16)
                    ORDER BY quarter_hour DESC
                    """,
                    [gateway, key.instance, key.epoch, before.postgres, missing.map(\.rawValue)]
                )
            )
            let wanted = Set(rows.flatMap { [$0.counterSet, $0.gaugeSet] })
            let sets = try await dictionary.sets(wanted, of: gateway, on: connection)
            for row in rows {
                try row.segment(sets).forEachRun { counter, run in
                    guard missing.contains(counter) else { return }
                    let known = closings[counter] ?? run.peak
                    if (known.time, known.value) <= (run.peak.time, run.peak.value) { closings[counter] = run.peak }
                }
            }
            guard let earliest = rows.last?.bare.quarterHour else { break }
            before = earliest.start
            missing.subtract(closings.keys)
        }
        return closings
    }

    // MARK: Gaps beside the tapes

    private func remarks(_ unit: AggregationUnit) async throws -> [(instance: Int64, gap: Gap)] {
        let rows = try await connection.execute(
            """
            SELECT instance_id, epoch_id, reason, from_at, to_at, upper_bound FROM stream_remark
            WHERE gateway_id = $1 AND quarter_hour = $2
            """,
            [unit.gateway, unit.quarterHour.start.postgres]
        )
        return try rows.compactMap { row in
            guard let reason = Gap.Reason(rawValue: try row.decode(2)) else { return nil }
            let gap = Gap(
                reason: reason, epoch: try row.decode(1), counter: nil, from: try row.timestamp(3),
                to: try row.timestamp(4), lower: 0, upper: try row.decode(5)
            )
            return (try row.decode(0), gap)
        }
    }

    /// Epochs whose last reading lies in this quarter hour, which were not drained, and which another life of the
    /// instance followed that did not inherit what was pending, or which were given up: what they counted after that
    /// reading is lost.
    private func tailsLost(
        _ unit: AggregationUnit, _ epochs: [EpochKey]
    ) async throws -> [(instance: Int64, gap: Gap, hasSuccessor: Bool)] {
        let rows = try await connection.execute(
            """
            SELECT ended.instance_id, ended.epoch_id, ended.last_reading_at,
                GREATEST(ended.last_reading_at, COALESCE(successor.started_at, successor.first_received_at,
                    ended.presumed_ended_at)), successor.first_received_at IS NOT NULL,
                successor.first_received_at IS NULL OR successor.started_at IS NOT NULL
            FROM unnest($1::bigint[], $2::bigint[]) AS wanted (instance_id, epoch_id)
            JOIN epoch AS ended USING (instance_id, epoch_id)
            LEFT JOIN LATERAL (
                SELECT started_at, first_received_at, first_hot_restart_epoch FROM epoch AS later
                WHERE later.instance_id = ended.instance_id AND later.source_kind = ended.source_kind
                    AND later.first_received_at > ended.last_received_at
                ORDER BY later.first_received_at LIMIT 1
            ) AS successor ON true
            WHERE (successor.first_hot_restart_epoch <= ended.last_hot_restart_epoch
                    OR successor.first_received_at IS NULL AND ended.presumed_ended_at >= ended.last_received_at)
                AND NOT ended.drained AND ended.last_reading_at >= $3 AND ended.last_reading_at < $4
                -- An odometer is a worker's: where a sender moves to another worker, nothing of it is lost.
                AND COALESCE(ended.boot_id, '') NOT LIKE 'odometer:%'
            """,
            [
                epochs.map(\.instance), epochs.map(\.epoch), unit.quarterHour.start.postgres,
                unit.quarterHour.end.postgres,
            ]
        )
        return try rows.map { row in
            // What a successor counted is billed; its start is known to a second.
            let blind =
                try row.decode(5, as: Bool.self)
                ? Gap.Blind(to: try row.timestamp(3).advanced(byMicroseconds: -1_000_000)) : nil
            let gap = Gap(
                reason: .tailLost, epoch: try row.decode(1), counter: nil, from: try row.timestamp(2),
                to: try row.timestamp(3), lower: 0, upper: nil, blind: blind
            )
            return (try row.decode(0), gap, try row.decode(4))
        }
    }
}
