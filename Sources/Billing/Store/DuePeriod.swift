import FoundationEssentials
import Metering
import Pricing

/// A contract's period that is to be invoiced, or previewed.
struct DuePeriod: Sendable {
    var tenant: Int64
    var terms: ContractTerms
    var period: BillingPeriod
    /// The draft's id, or a new one.
    var invoiceID: UUID
    var revision: Int

    var contractID: UUID? { UUID(uuidString: terms.id) }
    var start: Timestamp { Timestamp(microseconds: period.startMicroseconds) }
    var end: Timestamp { Timestamp(microseconds: period.endMicroseconds) }
    /// From then on the policy decides about a count that is not complete.
    var graceEnd: Timestamp { end.advanced(byMicroseconds: Int64(terms.graceHours) * 3_600_000_000) }
}

/// Billing periods by zone, anchor and month: to make one asks the zone's rules, and most contracts share a few.
struct PeriodTable {
    private struct Key: Hashable {
        var zone: String
        var anchorDay: Int
        var month: Int
    }

    private var known: [Key: BillingPeriod] = [:]

    /// The periods of a contract that are over at an instant, oldest first, each beginning in `months` or later.
    mutating func periods(of terms: ContractTerms, endedBy now: Timestamp) throws(PricingError) -> [BillingPeriod] {
        let start = try LocalDate(terms.startsOn)
        var month = start.year * 12 + start.month - 2
        var periods: [BillingPeriod] = []
        while true {
            let period = try self.period(month: month, terms)
            month += 1
            if period.endMicroseconds > now.microseconds { return periods }
            if period.endDate <= start { continue }
            guard try terms.covers(period) else { return periods }
            periods.append(period)
        }
    }

    private mutating func period(month: Int, _ terms: ContractTerms) throws(PricingError) -> BillingPeriod {
        let key = Key(zone: terms.zone, anchorDay: terms.anchorDay, month: month)
        if let period = known[key] { return period }
        let text = LocalDate(year: month / 12, month: month % 12 + 1, day: 1)?.description ?? ""
        let period = try terms.period(month: String(text.prefix(7)))
        known[key] = period
        return period
    }
}
