/// What rating has to know of a period: when it starts, and how much of it is billed.
package struct RatedPeriod: Hashable, Sendable {
    /// The local date on which the period starts; it chooses discounts (and, by the caller, the version).
    package let start: LocalDate
    /// Local days in the whole period.
    package let days: Int64
    /// Local days of it that the contract covers; fewer in the first or last period of a contract.
    package let billedDays: Int64

    /// A period of so many days, all or some of them billed.
    package init(start: LocalDate, days: Int64, billedDays: Int64? = nil) throws(PricingError) {
        let billed = billedDays ?? days
        guard days > 0, billed >= 0, billed <= days else {
            throw PricingError(
                .invalidQuantity,
                "\(billed) of \(days) days can not be billed; a period has days, and no more are billed")
        }
        self.start = start
        self.days = days
        self.billedDays = billed
    }

    /// A whole period that starts on the date; for amounts that no proration touches.
    package static func whole(from start: LocalDate) -> RatedPeriod { RatedPeriod(whole: start) }

    private init(whole start: LocalDate) {
        (self.start, days, billedDays) = (start, 1, 1)
    }
}
