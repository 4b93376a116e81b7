import Metering
import PostgreSQL
import Synchronization

/// Which months' partitions are known to exist, so that a commit asks the database only at the turn of a month.
final class PartitionCalendar: Sendable {
    private let made = Mutex<ClosedRange<Int64>?>(nil)

    /// Makes the partitions for a quarter hour and for the month after it, if they are not known to be there.
    func prepare(_ quarterHours: ClosedRange<QuarterHour>, on connection: PostgresConnection) async throws {
        let month: Int64 = 31 * 86_400 * 1_000_000
        let from = quarterHours.lowerBound.start
        let to = quarterHours.upperBound.start
        let known = made.withLock { $0 }
        if let known, known.contains(from.microseconds), known.contains(to.microseconds) { return }
        _ = try await connection.execute(
            """
            SELECT make_partitions(
                ($1::timestamptz AT TIME ZONE 'UTC')::date,
                (($2::timestamptz AT TIME ZONE 'UTC')::date + interval '1 month')::date
            )
            """,
            [from.postgres, to.postgres]
        )
        made.withLock { range in
            let lower = min(range?.lowerBound ?? from.microseconds, from.microseconds)
            // The following month is there too; a day is left so that it is asked for well before it is over.
            range = lower...max(range?.upperBound ?? 0, to.microseconds, to.microseconds + month - month / 31)
        }
    }
}
