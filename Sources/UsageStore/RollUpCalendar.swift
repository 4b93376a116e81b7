import Metering
import Pricing

/// The hour, days and months that a quarter hour belongs to. Periods are the billing periods of Pricing, whose
/// arithmetic is the only one.
struct RollUpCalendar {
    enum Grain: String, CaseIterable {
        case hour, day, month
    }

    struct Bucket: Hashable {
        var grain: Grain
        var zone: String
        var start: Timestamp
        var end: Timestamp
    }

    static let utc = "UTC"

    private var zones: [String: BillingZone] = [:]
    private var days: [String: Bucket] = [:]
    private var months: [String: Bucket] = [:]

    /// The hour in UTC that an instant lies in.
    static func hour(of instant: Timestamp) -> Bucket {
        let length: Int64 = 3_600_000_000
        let index = instant.microseconds >= 0 ? instant.microseconds / length : (instant.microseconds + 1) / length - 1
        let start = Timestamp(microseconds: index * length)
        return Bucket(grain: .hour, zone: utc, start: start, end: start.advanced(byMicroseconds: length))
    }

    /// The day and the month of a zone that an instant lies in.
    mutating func buckets(of instant: Timestamp, zone name: String) throws -> [Bucket] {
        if let day = days[name], let month = months[name], day.contains(instant), month.contains(instant) {
            return [day, month]
        }
        let zone = try zones[name] ?? BillingZone(name)
        zones[name] = zone
        let day = try Self.day(of: instant, zone)
        let period = try BillingPeriod(containing: instant.microseconds, zone: zone)
        let month = Bucket(
            grain: .month, zone: name, start: Timestamp(microseconds: period.startMicroseconds),
            end: Timestamp(microseconds: period.endMicroseconds))
        days[name] = day
        months[name] = month
        return [day, month]
    }

    private static func day(of instant: Timestamp, _ zone: BillingZone) throws -> Bucket {
        let date = try zone.date(at: instant.microseconds)
        let start = Timestamp(microseconds: zone.start(of: date))
        var next = date.dayNumber + 1
        while let following = LocalDate(dayNumber: next) {
            // A date that a zone skipped begins and ends at one instant.
            let end = Timestamp(microseconds: zone.start(of: following))
            if end > instant { return Bucket(grain: .day, zone: zone.identifier, start: start, end: end) }
            next += 1
        }
        throw UsageStoreError(.invalidRange, "the day after \(date) lies outside the years 1 to 9999")
    }

    /// All buckets of a grain that overlap `[from, to)`, ascending.
    static func buckets(_ grain: Grain, zone name: String, from: Timestamp, to: Timestamp) throws -> [Bucket] {
        var found: [Bucket] = []
        var calendar = RollUpCalendar()
        var instant = from
        while instant < to {
            let bucket =
                switch grain {
                case .hour: hour(of: instant)
                case .day: try calendar.buckets(of: instant, zone: name)[0]
                case .month: try calendar.buckets(of: instant, zone: name)[1]
                }
            found.append(bucket)
            instant = bucket.end
        }
        return found
    }
}

extension RollUpCalendar.Bucket {
    func contains(_ instant: Timestamp) -> Bool { start <= instant && instant < end }
}
