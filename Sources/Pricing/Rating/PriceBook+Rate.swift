extension PriceBook {
    /// Rates a period under the version in force at its start.
    ///
    /// `quantities` are units by dimension. A dimension that no charge prices costs nothing; one that is missing is 0.
    package func rate(_ quantities: [String: Int64], over period: RatedPeriod) throws(PricingError) -> Rating {
        try version(inForceOn: period.start).rate(quantities, over: period)
    }
}

extension PriceBook.Version {
    /// Rates a period: a pure function of version, quantities and period.
    ///
    /// Order: base fee, charges, minimum, maximum, discounts, tax. The minimum is held against the charges before any
    /// discount; the maximum against charges and true-up; the base fee stands outside both. Discounts apply as written,
    /// each to what the earlier ones have left, and never below zero. Usage is never prorated.
    package func rate(_ quantities: [String: Int64], over period: RatedPeriod) throws(PricingError) -> Rating {
        for (dimension, quantity) in quantities where quantity < 0 {
            throw PricingError(
                .invalidQuantity, "the quantity of \(dimension) is \(quantity); a period's usage is 0 or more")
        }
        var draft = RatingDraft(version: self, period: period)
        try draft.addBaseFee()
        for charge in charges { try draft.add(charge, consumed: quantities[charge.dimension] ?? 0) }
        try draft.addTrueUp()
        try draft.addCap()
        for discount in discounts where discount.applies(toPeriodStarting: period.start) { try draft.add(discount) }
        return try draft.taxed()
    }
}
