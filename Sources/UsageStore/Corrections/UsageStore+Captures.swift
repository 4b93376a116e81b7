package import Metering
import PostgreSQL

extension UsageStore {
    /// What captured streams say beyond the tapes, as the rows of a batch: per tenant, service, quarter hour and dimension
    /// the difference between what the tapes would give with the captured readings among them, and what they give.
    ///
    /// It is found by doing just that, in a transaction that is rolled back: by the same rules of epochs, resets, runs and
    /// sources. So a process that the tapes know too gives a difference, never a sum, and one that was read through
    /// gives none. Where a later reading of the tapes brought what an outage hid, the difference moves it to the quarter
    /// hours in which it was counted: its rows there sum to 0.
    ///
    /// - Parameter streams: whole, with random numbers, under the gateway's name.
    /// - Throws: `CorrectionRefusal` where a process may still report and would bring the same by itself; where deltas of
    ///   that time were counted already; where retention has dropped the tapes; where the capture conflicts with them.
    package func difference(ofCaptured streams: [StreamCommit], file: String) async throws -> [BackfillRow] {
        // Numbers that are given here do not stay: nothing of it is to be remembered.
        let trial = UsageStore(pool: pool, logger: logger)
        let streams = streams.filter { $0.tape.isDecidable && $0.tape.latestRevision > 0 }
            .sorted { $0.tape.stream < $1.tape.stream }
        guard !streams.isEmpty else { return [] }
        do {
            return try await pool.transaction(.repeatableRead) { connection in
                try await trial.tryCaptured(streams, file, on: connection)
            }
        } catch let error as PostgresError where error.isRetryable {
            throw CorrectionRefusal(.conflict, "the tapes changed while \(file) was held against them; run it again")
        }
    }

    private func tryCaptured(
        _ streams: [StreamCommit], _ file: String, on connection: PostgresConnection
    ) async throws -> [BackfillRow] {
        _ = try await connection.execute("SAVEPOINT captures")
        let last = try await connection.execute("SELECT COALESCE(max(tape_change_id), 0) FROM tape_change")
        let horizon: Int64 = try last.first?.decode(0) ?? 0
        let check = CaptureCheck(connection: connection, file: file)
        try await check.refuseDropped(streams)
        let stored = try await store(streams, on: connection)
        try await check.refuseLiving(stored)
        try await check.refuseCountedDeltas(stored)
        let units = try await connection.execute(
            """
            SELECT DISTINCT gateway_id, quarter_hour, gateway.name FROM tape_change JOIN gateway USING (gateway_id)
            WHERE tape_change_id > $1 ORDER BY 2, 1
            """, [horizon])
        var after: [AggregationUnit: CaptureTrial] = [:]
        var names: [Int64: String] = [:]
        for row in units {
            let unit = AggregationUnit(gateway: try row.decode(0), quarterHour: try row.quarterHour(1))
            names[unit.gateway] = try row.decode(2)
            after[unit] = CaptureTrial(try await derivation(of: unit, on: connection))
        }
        _ = try await connection.execute("ROLLBACK TO SAVEPOINT captures")
        var rows: [BackfillRow] = []
        for (unit, trial) in after.sorted(by: {
            ($0.key.quarterHour, $0.key.gateway) < ($1.key.quarterHour, $1.key.gateway)
        }) {
            let gateway = names[unit.gateway] ?? ""
            // A gateway that only the capture knows is gone again.
            let isKnown = try await !connection.execute(
                "SELECT FROM gateway WHERE gateway_id = $1", [unit.gateway]
            ).isEmpty
            let before = isKnown ? CaptureTrial(try await derivation(of: unit, on: connection)) : CaptureTrial()
            guard trial.conflicts <= before.conflicts else {
                throw CorrectionRefusal(
                    .rows,
                    "\(file): at \(gateway), \(unit.quarterHour), the capture and the tapes read two Envoys under one name, "
                        + "or one Envoy at times that differ: it can not be told what was counted twice. Nothing was taken"
                )
            }
            rows += trial.rows(beyond: before, gateway: gateway, unit.quarterHour)
        }
        return rows
    }
}

/// What a unit came to, with or without the captures.
private struct CaptureTrial {
    var quantities: [DerivedConsumption.Key: [Dimension: Int64]] = [:]
    /// Stretches in which usage stopped.
    var conflicts = 0

    init() {}

    init(_ derived: DerivedConsumption) {
        quantities = derived.quantities.mapValues(\.counts)
        conflicts = derived.gaps.count { $0.gap.reason == .identityConflict }
    }

    func rows(beyond before: CaptureTrial, gateway: String, _ quarterHour: QuarterHour) -> [BackfillRow] {
        let keys = Set(quantities.keys).union(before.quantities.keys)
        return keys.sorted { ($0.tenant, $0.service) < ($1.tenant, $1.service) }.flatMap { key in
            Dimension.counted.compactMap { dimension in
                let change = (quantities[key]?[dimension] ?? 0) - (before.quantities[key]?[dimension] ?? 0)
                guard change != 0 else { return nil }
                return BackfillRow(
                    tenant: key.tenant, gateway: gateway, service: key.service, quarterHour: quarterHour,
                    dimension: dimension, quantity: change)
            }
        }
    }
}

/// Which captures can not be laid beside the tapes.
private struct CaptureCheck {
    let connection: PostgresConnection
    let file: String

    func refuseDropped(_ streams: [StreamCommit]) async throws {
        guard let first = streams.flatMap({ $0.tape.quarterHours }).min() else { return }
        let rows = try await connection.execute(
            """
            SELECT max(dropped_before) FROM retention_floor
            WHERE subject IN ('tape', 'consumption') AND dropped_before > $1 HAVING count(*) > 0
            """, [first.start.postgres])
        guard let row = rows.first else { return }
        throw CorrectionRefusal(
            .rows,
            "\(file) begins at \(first), and retention has dropped all tapes before \(try row.timestamp(0)): what of it was "
                + "counted then can no longer be told, and those quarter hours are never derived anew. Cut the capture there"
        )
    }

    /// A process that may still report brings its totals by itself: the capture's usage would then be billed twice.
    func refuseLiving(_ streams: [StreamCommit]) async throws {
        let totals = streams.filter { $0.tape.temporality == .cumulative && !$0.tape.isOdometer }
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, epoch.last_received_at
            FROM (
                SELECT instance_id, epoch_id, max(last_flush_at) AS last_flush_at
                FROM unnest($1::bigint[], $2::bigint[], $4::timestamptz[])
                    AS captured (instance_id, epoch_id, last_flush_at)
                GROUP BY instance_id, epoch_id
            ) AS captured
            JOIN epoch USING (instance_id, epoch_id) JOIN instance USING (instance_id)
            JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            WHERE NOT drained AND last_received_at > now() - interval '24 hours'
                AND NOT EXISTS (
                    SELECT FROM epoch AS later
                    WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                        AND later.first_received_at > epoch.last_received_at
                )
                AND NOT EXISTS (
                    SELECT FROM tapes AS tape
                    WHERE tape.instance_id = epoch.instance_id AND tape.epoch_id = epoch.epoch_id
                        AND tape.stream_id <> ALL($3::bigint[]) AND tape.last_flush_at >= captured.last_flush_at
                )
            ORDER BY 1, 2 LIMIT 1
            """,
            [
                totals.map { $0.stored.instance }, totals.map { $0.stored.epoch }, totals.map(\.tape.stream.rawValue),
                totals.map(\.tape.lastFlushTime.postgres),
            ])
        guard let row = rows.first else { return }
        throw CorrectionRefusal(
            .conflict,
            "\(file): the process of \(try row.decode(1, as: String.self)) at \(try row.decode(0, as: String.self)) was read "
                + "at \(try row.timestamp(2)) and may still report: its next reading brings all that it counted by itself, "
                + "and this would be billed twice. Let it report, or wait until it has ended (24 hours of silence)")
    }

    /// Deltas carry no number by which one that was counted is known again.
    func refuseCountedDeltas(_ streams: [StreamCommit]) async throws {
        let deltas = streams.filter { $0.tape.temporality == .delta || $0.tape.isOdometer }
        guard !deltas.isEmpty else { return }
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, tape.first_flush_at, tape.last_flush_at
            FROM tapes AS captured
            JOIN epoch AS own ON own.instance_id = captured.instance_id AND own.epoch_id = captured.epoch_id
            JOIN tapes AS tape ON tape.gateway_id = captured.gateway_id AND tape.quarter_hour = captured.quarter_hour
                AND tape.stream_id <> ALL($1::bigint[])
                AND tape.first_flush_at <= captured.last_flush_at AND tape.last_flush_at >= captured.first_flush_at
            JOIN epoch AS other ON other.instance_id = tape.instance_id AND other.epoch_id = tape.epoch_id
                AND other.source_kind = own.source_kind
            JOIN instance ON instance.instance_id = tape.instance_id
            JOIN gateway ON gateway.gateway_id = tape.gateway_id
            WHERE captured.stream_id = ANY($1::bigint[]) ORDER BY 3 LIMIT 1
            """, [deltas.map(\.tape.stream.rawValue)])
        guard let row = rows.first else { return }
        throw CorrectionRefusal(
            .rows,
            "\(file): deltas of the same kind were counted at \(try row.decode(0, as: String.self)) "
                + "(\(try row.decode(1, as: String.self))) from \(try row.timestamp(2)) to \(try row.timestamp(3)), and a "
                + "delta does not say which it is: those in the capture may be the same. Cut the capture to the time "
                + "in which nothing was received (waybill gaps)")
    }
}
