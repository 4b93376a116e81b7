import Logging
package import Metering
import PostgreSQL

/// The scheduled job: derives the consumption records of the quarter hours whose tapes changed.
///
/// The unit of recomputation is a gateway's quarter hour. A unit is locked before the queue and the tapes are read, all
/// its rows are replaced, and exactly the queue rows that were read before the tapes are deleted. (Without the lock, at
/// READ COMMITTED, a first job reads 100, a commit follows, a second job writes 150, the first writes 100, the queue is
/// empty and the record wrong for ever.)
package struct AggregationRun: Hashable, Sendable {
    /// Quarter hours of gateways that were derived.
    package var quarterHours: Int64 = 0
    /// What could not be derived, and why; it stays in the queue.
    package var failures: [String] = []
    /// When the oldest change that was taken had been committed.
    package var lagSince: Timestamp?
}

extension UsageStore {
    private static let unitsPerLook: Int64 = 256

    /// Derives all that is in the queue as it begins. Safe to run twice at once and after any pause: it works from what changed.
    ///
    /// - Parameter progress: called after each unit with how many are done and how many were waiting.
    @discardableResult
    package func aggregate(
        progress: @Sendable (_ done: Int64, _ waiting: Int64) -> Void = { _, _ in }
    ) async throws -> AggregationRun {
        var run = AggregationRun()
        let job = try await pool.withConnection { connection -> Int64 in
            let rows = try await connection.execute("INSERT INTO job_run DEFAULT VALUES RETURNING job_run_id")
            return try rows.first?.decode(0) ?? 0
        }
        let horizon = try await lastChange()
        var failed: Set<AggregationUnit> = []
        while !Task.isCancelled {
            let units = try await waitingUnits(through: horizon, limit: Self.unitsPerLook + Int64(failed.count))
                .filter { !failed.contains($0) }
            if units.isEmpty { break }
            for unit in units {
                try Task.checkCancellation()
                do {
                    if let since = try await derive(unit) { run.lagSince = min(run.lagSince ?? since, since) }
                    run.quarterHours += 1
                } catch let error where !(error is CancellationError) && !Self.isOutage(error) {
                    failed.insert(unit)
                    run.failures.append("gateway \(unit.gateway), quarter hour \(unit.quarterHour): \(error)")
                }
                progress(run.quarterHours, Int64(units.count))
            }
        }
        try await finish(job, run)
        return run
    }

    /// Commits never stop: a run ends with what was there when it began.
    private func lastChange() async throws -> Int64 {
        try await pool.withConnection { connection in
            let rows = try await connection.execute("SELECT COALESCE(max(tape_change_id), 0) FROM tape_change")
            return try rows.first?.decode(0) ?? 0
        }
    }

    private func waitingUnits(through horizon: Int64, limit: Int64) async throws -> [AggregationUnit] {
        try await pool.withConnection { connection in
            let rows = try await connection.execute(
                """
                SELECT gateway_id, quarter_hour FROM tape_change WHERE tape_change_id <= $1
                GROUP BY gateway_id, quarter_hour ORDER BY quarter_hour, gateway_id LIMIT $2
                """,
                [horizon, limit]
            )
            return try rows.map { AggregationUnit(gateway: try $0.decode(0), quarterHour: try $0.quarterHour(1)) }
        }
    }

    /// Derives one unit. Returns when the oldest change it took was committed; nil when another job had taken all.
    private func derive(_ unit: AggregationUnit) async throws -> Timestamp? {
        try await pool.transaction(.readCommitted) { connection in
            _ = try await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('waybill.aggregate.' || $1::text || '.' || $2::text, 0))",
                [unit.gateway, unit.quarterHour.start.microseconds]
            )
            let changes = try await connection.execute(
                "SELECT tape_change_id, changed_at FROM tape_change WHERE gateway_id = $1 AND quarter_hour = $2",
                [unit.gateway, unit.quarterHour.start.postgres]
            )
            guard !changes.isEmpty else { return nil }
            let meters = try await meterVersions(on: connection).inForce(at: unit.quarterHour)
            let tapes = try await TapeReader(connection: connection).read(unit)
            let attributions = meters?.attributions(of: tapes.names, gateway: tapes.gateway) ?? [:]
            let derived = try DerivedConsumption(unit: unit, tapes: tapes, attributions: attributions)
            try await ConsumptionWriter(connection: connection).replace(unit, with: derived)
            let taken = try changes.map { try $0.decode(0, as: Int64.self) }
            _ = try await connection.execute(
                "DELETE FROM tape_change WHERE tape_change_id = ANY($1::bigint[])", [taken])
            return try changes.map { try $0.timestamp(1) }.min()
        }
    }

    private func finish(_ job: Int64, _ run: AggregationRun) async throws {
        try await pool.withConnection { connection in
            _ = try await connection.execute(
                """
                UPDATE job_run SET finished_at = now(), quarter_hours = $2, lag_since = $3, failure = $4
                WHERE job_run_id = $1
                """,
                [
                    job, run.quarterHours, run.lagSince?.postgres,
                    run.failures.isEmpty ? nil : run.failures.joined(separator: "\n"),
                ]
            )
        }
    }

    private static func isOutage(_ error: any Error) -> Bool {
        (error as? PostgresError)?.isOutage ?? false
    }
}

/// A gateway's quarter hour: what is recomputed as a whole.
struct AggregationUnit: Hashable {
    var gateway: Int64
    var quarterHour: QuarterHour
}
