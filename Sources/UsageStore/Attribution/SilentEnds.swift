import Metering
import PostgreSQL
import Synchronization

/// When epochs were last looked through for those that fell silent: once an hour is often enough for what takes a day.
final class SilenceWatch: Sendable {
    private static let pause: Duration = .seconds(3600)

    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func isDue() -> Bool {
        let now = ContinuousClock.now
        return last.withLock { last in
            if let last, now - last < Self.pause { return false }
            last = now
            return true
        }
    }
}

extension UsageStore {
    /// Gives up the epochs that have been silent for 24 hours without an orderly end and without a successor (rule 10),
    /// and enqueues the quarter hours in which their tails were lost.
    func presumeEnds() async throws {
        guard silenceWatch.isDue() else { return }
        try await pool.withConnection { connection in
            _ = try await connection.execute(
                """
                WITH ended AS (
                    UPDATE epoch SET presumed_ended_at =
                        (last_received_at AT TIME ZONE 'UTC' + interval '24 hours') AT TIME ZONE 'UTC'
                    WHERE NOT drained AND (presumed_ended_at IS NULL OR presumed_ended_at < last_received_at)
                        AND last_received_at < now() - interval '24 hours'
                        AND last_received_at > now() - interval '31 days'
                        AND NOT EXISTS (
                            SELECT FROM epoch AS later
                            WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                                AND later.first_received_at > epoch.last_received_at
                        )
                    RETURNING gateway_id, last_reading_at
                )
                INSERT INTO tape_change (gateway_id, quarter_hour)
                SELECT DISTINCT gateway_id, date_bin('15 minutes', last_reading_at, '2000-01-01 00:00:00+00') FROM ended
                """)
        }
    }
}
