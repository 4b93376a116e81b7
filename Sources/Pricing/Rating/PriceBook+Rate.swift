// Pricing: from quantities to an invoice's amounts. Pure: no clock, no file, no database; same input, same cents.
//
//   Money/       whole minor units on Int128, ISO 4217 exponents, one rounding function, largest-remainder allocation
//   Periods/     billing periods as half-open intervals of instants, from local midnight to local midnight
//   PriceBooks/  the YAML format, its errors, canonical bytes for a digest, lint
//   Rating/      a version, quantities and a period give lines, taxes and a total; credits pay for it; a quote shows it
//
// Prices are exact: millionths of a minor unit per so many units. A line is amount × quantity ÷ per_units, multiplied
// at 256 bits and rounded once. A line of the largest price (2^63 minor units a unit) and quantity (2^63) is below
// 2^126 and fits; a sum beyond 2^127 − 1 is an error, never a wrap. Nothing is rounded twice: the subtotal is the sum of
// the lines, a discount or ceiling is spread over the lines it lowers so that the parts sum to it, and a tax is rounded
// once for its rate.

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
