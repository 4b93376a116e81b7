/// On which local day of a period its amount passes a budget.
package struct BudgetForecast: Hashable, Sendable {
    package let amount: Money
    /// The day by what was counted alone; nil while it is not passed.
    package let passed: LocalDate?
    /// The days by forecast; nil where the period ends below the budget, or nothing can be forecast.
    package let p10: LocalDate?
    package let p50: LocalDate?
    package let p90: LocalDate?
    /// Whether there is a forecast, and one with a range: what tells nil "not in this period" from "not known".
    package let hasForecast: Bool
    package let hasRange: Bool

    init(
        _ budget: Money, _ horizon: Horizon, version: PriceBook.Version, rated: RatedPeriod
    ) throws(PricingError) {
        let days = horizon.period.localDays
        func isPassed(_ quantities: [String: Int64]) throws(PricingError) -> Bool {
            try version.rate(quantities, over: rated).total.minorUnits > budget.minorUnits
        }
        var passed: LocalDate?
        for day in days where day.startMicroseconds < horizon.history.end {
            let end = min(day.endMicroseconds, horizon.history.end)
            var quantities: [String: Int64] = [:]
            for dimension in horizon.dimensions {
                quantities[dimension] = horizon.history.total(
                    dimension, from: horizon.period.startMicroseconds, to: end)
            }
            if try isPassed(quantities) {
                passed = day.date
                break
            }
        }
        let outlooks = passed == nil && !horizon.isOver ? horizon.outlooks : nil
        let coming = days.filter { $0.endMicroseconds > horizon.history.end }
        let ends = coming.map { horizon.history.slot(of: $0.endMicroseconds) }
        func day(_ rank: Outlook.Rank) throws(PricingError) -> LocalDate? {
            if let passed { return passed }
            guard let outlooks else { return nil }
            for (day, quantities) in zip(coming, horizon.path(rank, outlooks, ends: ends)) {
                if try isPassed(quantities) { return day.date }
            }
            return nil
        }
        let hasRange = passed != nil || horizon.isOver || outlooks?.values.allSatisfy(\.hasRange) ?? false
        amount = budget
        self.passed = passed
        self.hasRange = hasRange
        hasForecast = passed != nil || horizon.isOver || outlooks != nil
        p10 = hasRange ? try day(.p10) : nil
        p50 = try day(.p50)
        p90 = hasRange ? try day(.p90) : nil
    }
}
