package import Metering
import Pricing

/// How long the windows of a free range are, as ISO 8601 durations.
package enum UsageWindow: String, Hashable, Sendable, CaseIterable {
    case quarterHour = "PT15M"
    case hour = "PT1H"
    case day = "P1D"
}

/// A tenant's usage in one window of a range.
package struct WindowedUsage: Hashable, Sendable {
    package var start: Timestamp
    package var end: Timestamp
    package var service: String?
    package var gateway: String?
    package var dimensions: Quantities
}

/// Requests that were read as one difference over an instant: some of them came before it, and some after.
package struct CarriedSpan: Hashable, Sendable {
    package var gateway: String
    package var service: String
    /// Where they are counted.
    package var quarterHour: Timestamp
    /// The readings before and after; of several instances, the first and the last.
    package var since: Timestamp
    package var until: Timestamp
    package var requests: Int64
}

/// The stretches that usage is told apart by: the first begins and the last ends with the range.
struct UsageWindows {
    /// Windows of one answer: a year of hours, a quarter of quarter hours.
    static let largest = 9_000

    let starts: [Timestamp]
    private let rangeEnd: Timestamp
    private let days: [String?]
    private let areHours: Bool

    /// By what a period is grouped: hours, days, or none.
    init(grouping: Set<UsageGrouping>, zone: String, from start: Timestamp, to end: Timestamp) throws {
        let window: UsageWindow? = grouping.contains(.hour) ? .hour : grouping.contains(.day) ? .day : nil
        try self.init(window, zone: zone, from: start, to: end, wantsDays: grouping.contains(.day))
    }

    init(_ window: UsageWindow, zone: String, from start: Timestamp, to end: Timestamp) throws {
        for (name, instant) in [("from", start), ("to", end)] where QuarterHour(start: instant) == nil {
            throw UsageStoreError(
                .invalidRange,
                "\(name) is \(instant), which is not on a quarter hour; the one that holds it starts at "
                    + "\(QuarterHour(containing: instant).start)")
        }
        guard start < end else {
            throw UsageStoreError(.invalidRange, "the range is empty: from \(start) to \(end)")
        }
        try self.init(window, zone: zone, from: start, to: end, wantsDays: false)
    }

    private init(
        _ window: UsageWindow?, zone: String, from start: Timestamp, to end: Timestamp, wantsDays: Bool
    ) throws {
        rangeEnd = end
        areHours = window == .hour
        guard let window else {
            (starts, days) = ([start], [nil])
            return
        }
        var starts: [Timestamp] = []
        var days: [String?] = []
        var calendar = RollUpCalendar()
        let billing = try BillingZone(zone)
        var instant = start
        while instant < end {
            guard starts.count < Self.largest else {
                throw UsageStoreError(
                    .invalidRange,
                    "the range has more than \(Self.largest) windows; ask for a shorter one or longer windows")
            }
            starts.append(instant)
            days.append(wantsDays ? try billing.date(at: instant.microseconds).description : nil)
            let day = try calendar.buckets(of: instant, zone: zone)[0]
            switch window {
            case .quarterHour: instant = QuarterHour(containing: instant).end
            case .hour:
                instant =
                    wantsDays
                    ? min(RollUpCalendar.hour(of: instant).end, day.end) : RollUpCalendar.hour(of: instant).end
            case .day: instant = day.end
            }
        }
        (self.starts, self.days) = (starts, days)
    }

    func end(_ index: Int) -> Timestamp { index + 1 < starts.count ? starts[index + 1] : rangeEnd }
    func day(_ index: Int) -> String? { days[index] }
    func hour(_ index: Int) -> String? { areHours ? starts[index].description : nil }
}
