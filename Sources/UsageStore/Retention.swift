import Logging
package import Metering
import PostgreSQL

/// How long what is kept. Roll-ups are kept for ever.
package struct Retention: Hashable, Sendable {
    package static let standard = Retention(tapeDays: 100, quarterHourMonths: 13)

    package var tapeDays: Int64
    package var quarterHourMonths: Int64

    package init(tapeDays: Int64, quarterHourMonths: Int64) {
        self.tapeDays = tapeDays
        self.quarterHourMonths = quarterHourMonths
    }
}

/// What a look after the partitions did.
package struct RetentionRun: Hashable, Sendable {
    /// Before when tapes and records are dropped now; nil where nothing was dropped.
    package var tapesBefore: Timestamp?
    package var quarterHoursBefore: Timestamp?
    /// Rows of tapes that were moved to where pages are full.
    package var packed: Int64 = 0
    /// Counters whose baseline moved to their last reading in tapes that were dropped.
    package var baselines: Int64 = 0
    /// Why something that is past its retention stays.
    package var notes: [String] = []
}

extension UsageStore {
    /// Makes partitions for this month and the two after it, packs tapes of quarter hours that are over, and drops what is
    /// past retention.
    ///
    /// Each month is dropped in a transaction of its own, in which no unit is derived. Before a month of tapes goes, the
    /// baseline of each epoch that may be read again moves to its last reading there: what it counts later stays exact.
    /// Nothing is dropped that a hold needs, and no month with a quarter hour in the queue.
    ///
    /// - Parameter now: nil for the database's clock.
    @discardableResult
    package func lookAfterPartitions(_ retention: Retention = .standard, now: Timestamp? = nil) async throws
        -> RetentionRun
    {
        var run = RetentionRun()
        let rows = try await pool.execute(
            """
            SELECT make_partitions(clock.now::date, (clock.now + interval '2 months')::date),
                (clock.now - make_interval(days => $2::int)) AT TIME ZONE 'UTC',
                (clock.now - make_interval(months => $3::int)) AT TIME ZONE 'UTC', clock.now AT TIME ZONE 'UTC'
            FROM (SELECT COALESCE($1::timestamptz, now()) AT TIME ZONE 'UTC') AS clock (now)
            """,
            [now?.postgres, retention.tapeDays, retention.quarterHourMonths])
        guard let row = rows.first else { return run }
        run.packed = try await packTapes(before: row.timestamp(3).advanced(byMicroseconds: -Self.packingDelay))
        for (subject, cutoff) in [("tape", try row.timestamp(1)), ("consumption", try row.timestamp(2))] {
            let months = try await pool.execute(
                "SELECT ends_at FROM partitions_before($1, $2)", [subject, cutoff.postgres])
            for month in months {
                let end = try month.timestamp(0)
                let dropped = try await drop(subject, before: end, &run)
                guard dropped else { break }
                if subject == "tape" { run.tapesBefore = end } else { run.quarterHoursBefore = end }
            }
        }
        return run
    }

    /// Holds what lies under an open invoice: nothing from an instant on is dropped until it is released.
    package func hold(_ tenant: String, from start: Timestamp, reason: String) async throws {
        try await pool.withConnection { connection in
            let known = try await KnownTenant(tenant, on: connection)
            _ = try await connection.execute(
                """
                INSERT INTO retention_hold (tenant_id, reason, held_from) VALUES ($1, $2, $3)
                ON CONFLICT (tenant_id, reason) DO UPDATE SET held_from = excluded.held_from
                """,
                [known.number, reason, start.postgres])
        }
    }

    package func release(_ tenant: String, reason: String) async throws {
        _ = try await pool.execute(
            """
            DELETE FROM retention_hold USING tenant
            WHERE retention_hold.tenant_id = tenant.tenant_id AND tenant.name = $1 AND reason = $2
            """, [tenant, reason])
    }

    /// Drops a month, unless something needs it.
    private func drop(_ subject: String, before end: Timestamp, _ run: inout RetentionRun) async throws -> Bool {
        let done = try await pool.transaction(.readCommitted) { connection -> RetentionRun in
            var done = RetentionRun()
            // Whoever waits for a table behind this must not wait long.
            _ = try await connection.execute("SELECT set_config('lock_timeout', '5s', true)")
            try await RollUpBuilder.lock(connection)
            if let reason = try await reasonToKeep(before: end, on: connection) {
                done.notes.append("\(subject == "tape" ? "tapes" : "quarter hours") before \(end) stay: \(reason)")
                return done
            }
            if subject == "tape" { done.baselines = try await moveBaselines(before: end, on: connection) }
            _ = try await connection.execute("SELECT drop_partitions($1, $2)", [subject, end.postgres])
            _ = try await connection.execute(
                """
                INSERT INTO retention_floor (subject, dropped_before) VALUES ($1, $2)
                ON CONFLICT (subject) DO UPDATE
                SET dropped_before = GREATEST(retention_floor.dropped_before, excluded.dropped_before),
                    dropped_at = excluded.dropped_at
                """, [subject, end.postgres])
            if subject == "tape" {
                _ = try await connection.execute("SELECT drop_partitions('packed_tape', $1)", [end.postgres])
                _ = try await connection.execute("DELETE FROM stream_remark WHERE quarter_hour < $1", [end.postgres])
                // What no gap will be derived from any more.
                _ = try await connection.execute(
                    "DELETE FROM access_log_second WHERE quarter_hour < $1", [end.postgres])
            } else {
                _ = try await connection.execute("DELETE FROM carried_over WHERE quarter_hour < $1", [end.postgres])
                _ = try await connection.execute("DELETE FROM unattributed WHERE quarter_hour < $1", [end.postgres])
                _ = try await connection.execute("DELETE FROM gap WHERE quarter_hour < $1", [end.postgres])
                _ = try await connection.execute("DELETE FROM gap_evidence WHERE quarter_hour < $1", [end.postgres])
                _ = try await connection.execute(
                    "DELETE FROM access_log_evidence WHERE quarter_hour < $1", [end.postgres])
            }
            return done
        }
        run.baselines += done.baselines
        run.notes += done.notes
        guard done.notes.isEmpty else { return false }
        logger.notice("dropped what is past retention", metadata: ["table": "\(subject)", "before": "\(end)"])
        return true
    }

    private func reasonToKeep(before end: Timestamp, on connection: PostgresConnection) async throws -> String? {
        let rows = try await connection.execute(
            """
            SELECT (SELECT count(*) FROM tape_change WHERE quarter_hour < $1), (
                SELECT concat(tenant.name, ', ', reason, ' (from ', to_char(
                    held_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ')')
                FROM retention_hold JOIN tenant USING (tenant_id)
                WHERE held_from < $1 ORDER BY held_from, tenant.name LIMIT 1
            )
            """, [end.postgres])
        guard let row = rows.first else { return nil }
        if let hold: String = try row.decode(1) { return "held for \(hold)" }
        let waiting: Int64 = try row.decode(0)
        return waiting > 0 ? "\(waiting) of their changes wait in the queue" : nil
    }

    /// Moves the baselines of the epochs that may be read again to their last readings before an instant.
    private func moveBaselines(before end: Timestamp, on connection: PostgresConnection) async throws -> Int64 {
        let epochs = try await connection.execute(
            """
            SELECT epoch.instance_id, epoch.epoch_id, epoch.gateway_id
            FROM epoch LEFT JOIN LATERAL (
                SELECT epoch_id FROM epoch AS later
                WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                    AND later.first_received_at > epoch.last_received_at
                LIMIT 1
            ) AS successor ON true
            WHERE EXISTS (
                    SELECT FROM tapes AS tape
                    WHERE tape.instance_id = epoch.instance_id AND tape.epoch_id = epoch.epoch_id
                        AND tape.quarter_hour < $1
                )
                AND (epoch.last_reading_at >= $1 OR NOT epoch.drained AND successor.epoch_id IS NULL)
            ORDER BY 1, 2
            """, [end.postgres])
        let reader = TapeReader(connection: connection, dictionary: counterDictionary)
        var moved: Int64 = 0
        for row in epochs {
            let key = TapeReader.EpochKey(instance: try row.decode(0), epoch: try row.decode(1))
            let counters = try await connection.execute(
                """
                SELECT DISTINCT unnest(counters) FROM counter_set WHERE gateway_id = $3 AND counter_set_id IN (
                    SELECT counter_set_id FROM tapes AS tape
                    WHERE instance_id = $1 AND epoch_id = $2 AND quarter_hour < $4 AND NOT is_delta
                )
                """, [key.instance, key.epoch, try row.decode(2, as: Int64.self), end.postgres])
            let closings = try await reader.closings(
                of: Set(try counters.map { CounterID(rawValue: try $0.decode(0)) }), key,
                gateway: try row.decode(2), before: end
            ).sorted { $0.key < $1.key }
            guard !closings.isEmpty else { continue }
            _ = try await connection.execute(
                """
                INSERT INTO epoch_baseline (instance_id, epoch_id, counter_id, value, read_at)
                SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[])
                ON CONFLICT (instance_id, epoch_id, counter_id) DO UPDATE
                SET value = excluded.value, read_at = excluded.read_at
                WHERE epoch_baseline.read_at <= excluded.read_at
                """,
                [
                    key.instance, key.epoch, closings.map(\.key.rawValue), closings.map(\.value.value),
                    closings.map(\.value.time.postgres),
                ])
            moved += Int64(closings.count)
        }
        return moved
    }
}
