import Logging
package import Metering
import PostgreSQL

/// The scheduled job: derives the consumption records of the quarter hours whose tapes changed, and keeps their
/// roll-ups.
///
/// The unit of recomputation is a gateway's quarter hour. A unit is locked before the queue and the tapes are read, all
/// its rows are replaced, and exactly the queue rows that were read before the tapes are deleted. (Without the lock, at
/// READ COMMITTED, a first job reads 100, a commit follows, a second job writes 150, the first writes 100, the queue is
/// empty and the record wrong for ever.)
package struct AggregationRun: Hashable, Sendable {
    /// Quarter hours of gateways that were derived.
    package var quarterHours: Int64 = 0
    /// Rows of the queue that were taken.
    package var changes: Int64 = 0
    /// Consumption records that were written or removed.
    package var records: Int64 = 0
    /// What could not be derived, and why; it stays in the queue.
    package var failures: [String] = []
    /// What was taken from the queue and left as it is, and why.
    package var notes: [String] = []
    /// When the oldest change that was taken had been committed.
    package var lagSince: Timestamp?
    /// What was derived, for the check at the end; the first of them where there were very many.
    var units: [AggregationUnit] = []

    package init() {}
}

extension UsageStore {
    private static let unitsPerLook: Int64 = 256
    /// Units that a run checks at its end.
    private static let unitsChecked = 4096

    /// Derives all that is in the queue as it begins. Safe to run twice at once and after any pause: it works from what
    /// changed. At the end the roll-ups of what it touched are held against their quarter hours.
    ///
    /// - Parameter progress: called after each unit with how many are done and how many were waiting.
    /// - Throws: `UsageStoreError` with `conservation` where sums differ.
    @discardableResult
    package func aggregate(
        progress: @Sendable (_ done: Int64, _ waiting: Int64) -> Void = { _, _ in }
    ) async throws -> AggregationRun {
        try await presumeEnds()
        let job = try await beginJob(reason: "changes")
        return try await run(job, progress: progress)
    }

    /// Takes the queue under a job that has begun.
    func run(
        _ job: Int64, progress: @Sendable (_ done: Int64, _ waiting: Int64) -> Void
    ) async throws -> AggregationRun {
        var run = AggregationRun()
        do {
            let horizon = try await lastChange()
            var failed: Set<AggregationUnit> = []
            while !Task.isCancelled {
                let units = try await waitingUnits(through: horizon, limit: Self.unitsPerLook + Int64(failed.count))
                    .filter { !failed.contains($0) }
                if units.isEmpty { break }
                for unit in units {
                    try Task.checkCancellation()
                    do {
                        guard try await derive(unit, &run) else { continue }
                        run.quarterHours += 1
                        if run.units.count < Self.unitsChecked { run.units.append(unit) }
                    } catch let error where !(error is CancellationError) && !Self.isOutage(error) {
                        failed.insert(unit)
                        let name = (try? await gatewayName(unit.gateway)) ?? "number \(unit.gateway)"
                        run.failures.append("gateway \(name), quarter hour \(unit.quarterHour): \(error)")
                    }
                    progress(run.quarterHours, Int64(units.count))
                }
            }
            try await checkRollUps(of: run.units)
        } catch {
            // Whatever ended it, what it had done is done.
            run.failures.append("\(error)")
            try? await finish(job, run)
            throw error
        }
        try await finish(job, run)
        return run
    }

    /// Commits never stop: a run ends with what was there when it began.
    private func lastChange() async throws -> Int64 {
        let rows = try await pool.execute("SELECT COALESCE(max(tape_change_id), 0) FROM tape_change")
        return try rows.first?.decode(0) ?? 0
    }

    private func waitingUnits(through horizon: Int64, limit: Int64) async throws -> [AggregationUnit] {
        let rows = try await pool.execute(
            """
            SELECT gateway_id, quarter_hour FROM tape_change WHERE tape_change_id <= $1
            GROUP BY gateway_id, quarter_hour ORDER BY quarter_hour, gateway_id LIMIT $2
            """,
            [horizon, limit]
        )
        return try rows.map { AggregationUnit(gateway: try $0.decode(0), quarterHour: try $0.quarterHour(1)) }
    }

    private func gatewayName(_ number: Int64) async throws -> String? {
        try await pool.execute("SELECT name FROM gateway WHERE gateway_id = $1", [number]).first?.decode(0)
    }

    /// Derives one unit, unless another job had taken all of it.
    private func derive(_ unit: AggregationUnit, _ run: inout AggregationRun) async throws -> Bool {
        try await pool.withConnection { connection in
            try await partitions.prepare(unit.quarterHour...unit.quarterHour, on: connection)
            let derived = try await connection.transaction(.readCommitted) { connection -> AggregationRun in
                var done = AggregationRun()
                _ = try await connection.execute(
                    "SELECT pg_advisory_xact_lock_shared(hashtextextended('waybill.rollups', 0))")
                _ = try await connection.execute(
                    """
                    SELECT pg_advisory_xact_lock(
                        hashtextextended('waybill.aggregate.' || $1::text || '.' || $2::text, 0))
                    """,
                    [unit.gateway, unit.quarterHour.start.microseconds]
                )
                let changes = try await connection.execute(
                    "SELECT tape_change_id, changed_at FROM tape_change WHERE gateway_id = $1 AND quarter_hour = $2",
                    [unit.gateway, unit.quarterHour.start.postgres]
                )
                guard !changes.isEmpty else { return done }
                if let floor = try await tapesDropped(with: unit, on: connection) {
                    done.notes.append(
                        "quarter hour \(unit.quarterHour): its tapes were dropped with all before \(floor), so its "
                            + "records stay as they are; retention of tapes says how far back a change can reach")
                } else {
                    let derived = try await derivation(of: unit, on: connection)
                    done.records = try await ConsumptionWriter(connection: connection, names: tenantNames)
                        .replace(unit, with: derived)
                }
                let taken = try changes.map { try $0.decode(0, as: Int64.self) }
                _ = try await connection.execute(
                    "DELETE FROM tape_change WHERE tape_change_id = ANY($1::bigint[])", [taken])
                done.changes = Int64(taken.count)
                done.lagSince = try changes.map { try $0.timestamp(1) }.min()
                return done
            }
            run.changes += derived.changes
            run.records += derived.records
            run.notes += derived.notes
            run.lagSince = [run.lagSince, derived.lagSince].compactMap(\.self).min()
            return derived.changes > 0
        }
    }

    /// A unit's consumption from its tapes, under the meters in force, as it is to be stored.
    func derivation(of unit: AggregationUnit, on connection: PostgresConnection) async throws -> DerivedConsumption {
        let meters = try await meterVersions(on: connection).inForce(at: unit.quarterHour)
        let reader = TapeReader(connection: connection, dictionary: counterDictionary)
        let gateway = try await reader.gatewayName(unit)
        let election = try await UnitElection.read(
            unit, identities: meters?.meters.identities ?? [], on: connection)
        var derived = DerivedConsumption(unit: unit)
        for part in try await reader.parts(of: unit) {
            var tapes = try await reader.read(unit, part)
            tapes.election = election
            try derived.add(tapes, meters?.attributions(of: tapes.names, gateway: gateway) ?? [:])
        }
        var remarks = try await reader.remarks(unit)
        remarks.election = election
        try derived.add(remarks, [:])
        derived.lay(
            try await GapEvidenceReader(connection: connection, dictionary: counterDictionary)
                .read(derived, meters?.meters, gateway: gateway))
        try await CorrectionOverlay(connection: connection).lay(over: &derived, unit)
        return derived
    }

    /// Before when tapes were dropped, if the unit lies there: without them its records would be lost.
    private func tapesDropped(with unit: AggregationUnit, on connection: PostgresConnection) async throws -> Timestamp?
    {
        let floors = try await connection.execute(
            "SELECT dropped_before FROM retention_floor WHERE subject = 'tape' AND dropped_before > $1",
            [unit.quarterHour.start.postgres])
        return try floors.first?.timestamp(0)
    }

    // MARK: Runs

    /// Notes that a run begins, and returns its number.
    func beginJob(reason: String, from: Timestamp? = nil, to: Timestamp? = nil) async throws -> Int64 {
        let rows = try await pool.execute(
            "INSERT INTO job_run (reason, from_at, to_at) VALUES ($1, $2, $3) RETURNING job_run_id",
            [reason, from?.postgres, to?.postgres])
        return try rows.first?.decode(0) ?? 0
    }

    private func finish(_ job: Int64, _ run: AggregationRun) async throws {
        _ = try await pool.execute(
            """
            UPDATE job_run SET finished_at = clock_timestamp(), quarter_hours = $2, lag_since = $3, failure = $4,
                changes = $5, records = $6
            WHERE job_run_id = $1
            """,
            [
                job, run.quarterHours, run.lagSince?.postgres,
                run.failures.isEmpty && run.notes.isEmpty ? nil : (run.failures + run.notes).joined(separator: "\n"),
                run.changes, run.records,
            ]
        )
    }

    private static func isOutage(_ error: any Error) -> Bool {
        (error as? PostgresError)?.isOutage ?? false
    }
}

/// A gateway's quarter hour: what is recomputed as a whole.
struct AggregationUnit: Hashable, Sendable {
    var gateway: Int64
    var quarterHour: QuarterHour
}
