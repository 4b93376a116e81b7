import Metering
import Pricing
import Reports
import UsageStore

/// A tenant's month read for a usage report.
enum MonthOfUsage {
    static func read(
        tenant: String, month: String, period: BillingPeriod, from store: UsageStore
    ) async throws -> UsagePaper {
        let zone = period.zone.identifier
        let usage = try await store.monthlyUsage(
            tenant: tenant, month: month, zone: zone, from: period.startTime, to: period.endTime,
            groupBy: [.service, .day])
        let hours = try await store.monthlyUsage(
            tenant: tenant, month: month, zone: zone, from: period.startTime, to: period.endTime, groupBy: [.hour])
        return try reportFailure {
            try UsagePaper(
                usage, period: period,
                hours: hours.groups.compactMap { group in
                    guard let hour = group.hour, let start = Timestamp(hour) else { return nil }
                    return (start, group.dimensions[.requests])
                })
        }
    }
}
