package import Metering
package import Pricing

/// A month of usage for people: services and days, the hours as a strip, and how complete the count is.
package struct UsagePaper: Sendable {
    package struct Hour: Sendable {
        /// Nil where the hour has not come yet.
        package var requests: Int64?
        package var hasGap: Bool
    }

    package struct Day: Sendable {
        package var date: LocalDate
        package var requests: Int64
        /// The wall clock's hours, 0 to 23. A day on which clocks go back holds two hours in one; where they go forward,
        /// one is nil.
        package var hours: [Hour?]
    }

    package struct Service: Sendable {
        package var name: String
        package var requests: Int64
        /// As long as the paper's days.
        package var days: [Int64]
    }

    package let usage: MonthlyUsage
    package let period: BillingPeriod
    /// By requests, the largest first.
    package let services: [Service]
    package let days: [Day]

    /// - Parameters:
    ///   - usage: grouped by service and day.
    ///   - hours: requests by the start of an hour in UTC.
    package init(_ usage: MonthlyUsage, period: BillingPeriod, hours: [(start: Timestamp, requests: Int64)])
        throws(PricingError)
    {
        self.usage = usage
        self.period = period
        let localDays = period.localDays
        let place = Dictionary(
            localDays.enumerated().map { ($0.element.date, $0.offset) }, uniquingKeysWith: { first, _ in first })
        var services: [String: Service] = [:]
        var totals = [Int64](repeating: 0, count: localDays.count)
        for group in usage.groups {
            let name = group.service ?? ""
            var service =
                services[name] ?? Service(name: name, requests: 0, days: Array(repeating: 0, count: localDays.count))
            let requests = group.dimensions[.requests]
            service.requests += requests
            if let day = group.day, let date = try? LocalDate(day), let index = place[date] {
                service.days[index] += requests
                totals[index] += requests
            }
            services[name] = service
        }
        self.services = services.values.sorted { ($1.requests, $0.name) < ($0.requests, $1.name) }
        var grid = try Self.empty(period, asOf: Timestamp(usage.period.asOf) ?? Timestamp.latest)
        for hour in hours {
            let date = try period.zone.date(at: hour.start.microseconds)
            guard let day = place[date] else { continue }
            let clock = period.zone.hour(at: hour.start.microseconds)
            let known = grid[day][clock] ?? Hour(requests: 0, hasGap: false)
            grid[day][clock] = Hour(requests: (known.requests ?? 0) + hour.requests, hasGap: known.hasGap)
        }
        for gap in usage.coverage.gaps {
            guard let from = Timestamp(gap.from), let to = Timestamp(gap.to) else { continue }
            var instant = max(from.microseconds, period.startMicroseconds)
            instant -= instant % Self.hour
            while instant < min(max(to.microseconds, from.microseconds + 1), period.endMicroseconds) {
                if let date = try? period.zone.date(at: instant), let day = place[date] {
                    grid[day][period.zone.hour(at: instant)]?.hasGap = true
                }
                instant += Self.hour
            }
        }
        days = localDays.enumerated().map { index, day in
            Day(date: day.date, requests: totals[index], hours: grid[index])
        }
    }

    private static let hour: Int64 = 3_600_000_000

    /// The hours that the period's days have, by the wall clock.
    private static func empty(_ period: BillingPeriod, asOf: Timestamp) throws(PricingError) -> [[Hour?]] {
        period.localDays.map { day in
            var hours = [Hour?](repeating: nil, count: 24)
            // Half an hour is the smallest step by which clocks are set.
            for instant in stride(from: day.startMicroseconds, to: day.endMicroseconds, by: Int(hour / 2)) {
                let isPast = instant <= asOf.microseconds
                hours[period.zone.hour(at: instant)] = Hour(requests: isPast ? 0 : nil, hasGap: false)
            }
            return hours
        }
    }

    /// The hour with the most requests.
    var largest: (date: LocalDate, hour: Int, requests: Int64)? {
        var largest: (date: LocalDate, hour: Int, requests: Int64)?
        for day in days {
            for (hour, cell) in day.hours.enumerated() where (cell?.requests ?? 0) > (largest?.requests ?? 0) {
                largest = (day.date, hour, cell?.requests ?? 0)
            }
        }
        return largest
    }

    var gapHours: Int { days.reduce(0) { $0 + $1.hours.count { $0?.hasGap ?? false } } }
}
