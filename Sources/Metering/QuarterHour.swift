/// A quarter hour in UTC, the grain of tapes and consumption records: [start, start + 15 min).
///
/// Every zone's offset is a multiple of fifteen minutes, so quarter hours regroup into any zone's days and months.
package struct QuarterHour: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let microseconds: Int64 = 900_000_000

    package let start: Timestamp

    /// The quarter hour that an instant falls into.
    package init(containing instant: Timestamp) {
        let index = instant.microseconds.flooredDivision(by: Self.microseconds)
        start = Timestamp(microseconds: index * Self.microseconds)
    }

    /// Nil when `start` is not on a quarter of an hour.
    package init?(start: Timestamp) {
        guard start.microseconds % Self.microseconds == 0 else { return nil }
        self.start = start
    }

    package var end: Timestamp { start.advanced(byMicroseconds: Self.microseconds) }
    package var next: QuarterHour { QuarterHour(containing: end) }

    package static func < (left: QuarterHour, right: QuarterHour) -> Bool { left.start < right.start }
    package var description: String { start.description }
}
