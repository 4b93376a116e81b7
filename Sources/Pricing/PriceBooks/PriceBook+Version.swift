extension PriceBook {
    /// One immutable set of prices. It carries its book's id, currency and rounding, so that it can be stored, hashed
    /// and used for rating by itself.
    package struct Version: Hashable, Sendable {
        /// The id of the book.
        package let bookID: String
        /// The currency of every amount.
        package let currency: Currency
        /// How every line is rounded.
        package let rounding: RoundingMode
        /// The first local date on which a period may start under it.
        package let effective: LocalDate
        /// The fixed fee of a period.
        package let baseFee: PeriodAmount?
        /// The commit on usage charges; what is missing becomes a line of its own.
        package let minimum: PeriodAmount?
        /// The ceiling of usage charges and true-up; what is above becomes a negative line.
        package let maximum: PeriodAmount?
        /// What usage costs.
        package let charges: [Charge]
        /// In the order in which they apply.
        package let discounts: [Discount]
        /// Each rounded once on the invoice.
        package let taxes: [TaxRate]
    }

    /// An amount of a whole period.
    package struct PeriodAmount: Hashable, Sendable {
        /// Minor units of a whole period.
        package let amount: ExactAmount
        /// Whether a part of a period pays its share of local days.
        package let isProratedByDays: Bool

        /// An amount of a whole period.
        package init(amount: ExactAmount, isProratedByDays: Bool) {
            self.amount = amount
            self.isProratedByDays = isProratedByDays
        }
    }
}
