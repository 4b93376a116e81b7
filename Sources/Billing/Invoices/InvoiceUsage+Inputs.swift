import Metering
package import Pricing
import Synchronization

extension InvoiceUsage {
    init(_ inputs: InvoiceInputs, _ quantities: [String: Int64]) throws(BillingError) {
        requests = quantities["requests"] ?? 0
        let gaps = inputs.coverage.gaps
        lower = gaps.reduce(requests) { $0.addingSaturated($1.lower) }
        let uppers = gaps.map(\.upper)
        upper = uppers.contains(nil) ? nil : uppers.reduce(requests) { $0.addingSaturated($1 ?? 0) }
        self.quantities = quantities
        let calendar: LocalDays
        do {
            calendar = try LocalDays.of(inputs.period)
        } catch {
            throw BillingError(.invalid, "contract \(inputs.terms.id): \(error.message)")
        }
        var sums = [Int64](repeating: 0, count: calendar.dates.count)
        for block in inputs.usage {
            for (quarterHour, amount) in zip(block.quarterHours, block.quantities["requests"] ?? []) {
                guard let day = calendar.index(of: quarterHour) else {
                    throw BillingError(
                        .invalid,
                        "the usage of \(block.service) at \(block.gateway) has the quarter hour "
                            + "\(QuarterHour(number: quarterHour)), outside of the period")
                }
                sums[day] = try UsageBlock.add(sums[day], amount, "requests")
            }
        }
        days = zip(calendar.dates, sums).map { Day(date: $0, requests: $1) }
    }
}

extension Int64 {
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

/// The local days of a period as stretches of quarter hours. Every zone's midnights lie on quarter hours.
struct LocalDays: Sendable {
    /// The local dates, ascending.
    let dates: [String]
    /// The number of each day's first quarter hour, and that of the first after the period.
    let bounds: [Int64]

    /// The day that a quarter hour belongs to; nil outside of the period.
    func index(of quarterHour: Int64) -> Int? {
        guard let first = bounds.first, let last = bounds.last, quarterHour >= first, quarterHour < last else {
            return nil
        }
        var low = 0
        var high = bounds.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if bounds[middle] <= quarterHour { low = middle } else { high = middle }
        }
        return low
    }

    /// Asking a zone for thirty midnights costs more than rating an invoice; most contracts share a few periods.
    private static let known = Mutex<[InvoicePeriod: LocalDays]>([:])

    static func of(_ period: InvoicePeriod) throws(PricingError) -> LocalDays {
        if let days = known.withLock({ $0[period] }) { return days }
        let zone = try BillingZone(period.zone)
        let first = try LocalDate(period.localStart)
        let end = try LocalDate(period.localEnd)
        guard first < end, end.dayNumber - first.dayNumber < 100 else {
            throw PricingError(.invalidDate, "the period from \(first) to \(end) is none")
        }
        let dates = (first.dayNumber..<end.dayNumber).compactMap(LocalDate.init(dayNumber:))
        // A wall clock that moves within a quarter hour (Monrovia until 1972) ends a day at the next one.
        let bounds =
            [try RFC3339.microseconds(period.start)] + dates.dropFirst().map(zone.start(of:))
            + [try RFC3339.microseconds(period.end)]
        let days = LocalDays(
            dates: dates.map(\.description),
            bounds: bounds.map { ($0 + QuarterHour.microseconds - 1) / QuarterHour.microseconds })
        known.withLock { known in
            if known.count > 1000 { known.removeAll() }
            known[period] = days
        }
        return days
    }
}

extension InvoicePeriod {
    /// A period as an invoice keeps it, for a contract's terms.
    package init(_ period: BillingPeriod, _ terms: ContractTerms) throws(PricingError) {
        let rated = try terms.rated(period)
        month = String(period.startDate.description.prefix(7))
        zone = period.zone.identifier
        zoneRules = BillingZone.rulesVersion
        anchorDay = period.anchorDay
        start = period.start
        end = period.end
        localStart = period.startDate.description
        localEnd = period.endDate.description
        hours = period.hours
        days = period.days
        billedDays = Int(rated.billedDays)
    }
}
