package import Metering
import PostgreSQL

extension UsageStore {
    /// Derives a range of quarter hours anew from their tapes, and makes their roll-ups anew from their records: what
    /// mends whatever a change of the tables by hand has spoilt.
    ///
    /// - Parameters:
    ///   - start, end: on quarter hours, not in the future.
    ///   - reason: kept with the run.
    /// - Throws: `UsageStoreError` with `invalidRange` or `dropped`; nothing is done then.
    @discardableResult
    package func aggregate(
        from start: Timestamp, to end: Timestamp, reason: String = "range",
        progress: @Sendable (_ done: Int64, _ waiting: Int64) -> Void = { _, _ in }
    ) async throws -> AggregationRun {
        try await checkRange(start, end)
        let job = try await beginJob(reason: reason, from: start, to: end)
        _ = try await pool.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT gateway_id, quarter_hour FROM tapes AS tape WHERE quarter_hour >= $1 AND quarter_hour < $2
            UNION SELECT gateway_id, quarter_hour FROM consumption WHERE quarter_hour >= $1 AND quarter_hour < $2
            UNION SELECT gateway_id, quarter_hour FROM gap WHERE quarter_hour >= $1 AND quarter_hour < $2
            """,
            [start.postgres, end.postgres])
        try await rebuildRollUps(from: start, to: end)
        return try await run(job, progress: progress)
    }

    private func checkRange(_ start: Timestamp, _ end: Timestamp) async throws {
        for (name, instant) in [("start", start), ("end", end)] where QuarterHour(start: instant) == nil {
            throw UsageStoreError(
                .invalidRange,
                "the range's \(name) \(instant) is not on a quarter hour; the one that holds it starts at "
                    + "\(QuarterHour(containing: instant).start)")
        }
        guard start < end else {
            throw UsageStoreError(.invalidRange, "the range is empty: it ends at \(end) and starts at \(start)")
        }
        let rows = try await pool.execute(
            """
            SELECT now(), (SELECT dropped_before FROM retention_floor WHERE subject = 'tape' AND dropped_before > $1)
            """, [start.postgres])
        guard let row = rows.first else { return }
        // The current quarter hour may be named; what comes after it has not been.
        let latest = QuarterHour(containing: try row.timestamp(0)).end
        guard end <= latest else {
            throw UsageStoreError(
                .invalidRange, "the range ends at \(end), in the future: end it at \(latest) or before")
        }
        if let floor = try row.optionalTimestamp(1) {
            throw UsageStoreError(
                .dropped,
                "tapes before \(floor) were dropped: records from before it stay as they are; start the range there")
        }
    }

    /// Makes all roll-ups that overlap a range anew from the consumption records.
    func rebuildRollUps(from start: Timestamp, to end: Timestamp) async throws {
        try await pool.transaction(.readCommitted) { connection in
            try await RollUpBuilder.lock(connection)
            let builder = RollUpBuilder(connection: connection)
            let tenants = try await connection.execute("SELECT tenant_id FROM tenant ORDER BY tenant_id")
                .map { try $0.decode(0, as: Int64.self) }
            for grain in RollUpCalendar.Grain.allCases {
                try await builder.build(tenants, grain, zone: RollUpCalendar.utc, from: start, to: end)
            }
            let zones = try await connection.execute(
                "SELECT zone, array_agg(tenant_id ORDER BY tenant_id) FROM rollup_zone GROUP BY zone ORDER BY zone")
            for row in zones {
                for grain in [RollUpCalendar.Grain.day, .month] {
                    try await builder.build(
                        try row.decode(1, as: [Int64].self), grain, zone: try row.decode(0), from: start, to: end)
                }
            }
        }
    }
}
