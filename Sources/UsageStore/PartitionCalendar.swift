import Metering
import PostgreSQL
import Synchronization

/// Which months' partitions are known to exist, so that a commit asks the database only at the turn of a month.
final class PartitionCalendar: Sendable {
    /// Stretches from the start of a month to the end of one.
    private let made = Mutex<[Range<Timestamp>]>([])

    /// Makes the partitions for some quarter hours and for the month after them, if they are not known to be there.
    func prepare(_ quarterHours: ClosedRange<QuarterHour>, on connection: PostgresConnection) async throws {
        let from = quarterHours.lowerBound.start
        let to = quarterHours.upperBound.start
        if made.withLock({ $0.contains { $0.contains(from) && $0.contains(to) } }) { return }
        let rows = try await connection.execute(
            """
            SELECT first AT TIME ZONE 'UTC', (last + interval '1 month') AT TIME ZONE 'UTC',
                make_partitions(first::date, last::date)
            FROM (
                SELECT date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC'),
                    date_trunc('month', $2::timestamptz AT TIME ZONE 'UTC') + interval '1 month'
            ) AS month (first, last)
            """,
            [from.postgres, to.postgres]
        )
        guard let row = rows.first else { return }
        let months = try row.timestamp(0)..<row.timestamp(1)
        made.withLock { $0.append(months) }
    }
}
