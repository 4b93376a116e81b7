/// What past months would have cost by two versions of prices.
package struct PriceDifference: Sendable {
    /// A month by both.
    package struct Month: Sendable {
        package let period: BillingPeriod
        package let quantities: [String: Int64]
        package let before: Rating
        package let after: Rating
        /// after − before.
        package let difference: Money
    }

    package let before: PriceBook.Version
    package let after: PriceBook.Version
    /// In the order that was given.
    package let months: [Month]
    package let totalBefore: Money
    package let totalAfter: Money
    package let difference: Money

    /// Rates whole months by each version, whatever their effective dates; discounts keep their ranges. Throws
    /// `currencyMismatch` where the versions are in two currencies.
    package init(
        _ before: PriceBook.Version, _ after: PriceBook.Version,
        months: [(period: BillingPeriod, quantities: [String: Int64])]
    ) throws(PricingError) {
        guard before.currency == after.currency else {
            throw PricingError(
                .currencyMismatch,
                "price book \(before.bookID) is in \(before.currency) and \(after.bookID) in \(after.currency); only "
                    + "prices in one currency can be compared")
        }
        var rated: [Month] = []
        for (period, quantities) in months {
            let whole = try period.rated()
            let (old, new) = (try before.rate(quantities, over: whole), try after.rate(quantities, over: whole))
            rated.append(
                Month(
                    period: period, quantities: quantities, before: old, after: new,
                    difference: try Self.difference(new.total, old.total)))
        }
        self.before = before
        self.after = after
        self.months = rated
        totalBefore = Money(
            minorUnits: try rated.map(\.before.total.minorUnits).total(), currency: before.currency)
        totalAfter = Money(minorUnits: try rated.map(\.after.total.minorUnits).total(), currency: before.currency)
        difference = try Self.difference(totalAfter, totalBefore)
    }

    private static func difference(_ after: Money, _ before: Money) throws(PricingError) -> Money {
        try after.adding(Money(minorUnits: 0 - before.minorUnits, currency: before.currency))
    }
}

/// ```json
/// {"currency":"USD","a":{"price_book":"standard","effective":"2026-01-01"},"b":{…},
///  "months":[{"month":"2026-10","requests":1,"a_minor":1,"b_minor":2,"difference_minor":1}],
///  "a_minor":1,"b_minor":2,"difference_minor":1}
/// ```
extension PriceDifference: Encodable {
    private enum Key: String, CodingKey {
        case currency, a, b, months, month, requests, effective
        case priceBook = "price_book"
        case before = "a_minor"
        case after = "b_minor"
        case difference = "difference_minor"
    }

    private struct Row: Encodable {
        let month: Month

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(String(month.period.startDate.description.prefix(7)), forKey: .month)
            try container.encode(month.quantities["requests"] ?? 0, forKey: .requests)
            try container.encode(month.before.total.minorUnits, forKey: .before)
            try container.encode(month.after.total.minorUnits, forKey: .after)
            try container.encode(month.difference.minorUnits, forKey: .difference)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(before.currency.code, forKey: .currency)
        for (key, version) in [(Key.a, before), (Key.b, after)] {
            var name = container.nestedContainer(keyedBy: Key.self, forKey: key)
            try name.encode(version.bookID, forKey: .priceBook)
            try name.encode(version.effective.description, forKey: .effective)
        }
        try container.encode(months.map(Row.init), forKey: .months)
        try container.encode(totalBefore.minorUnits, forKey: .before)
        try container.encode(totalAfter.minorUnits, forKey: .after)
        try container.encode(difference.minorUnits, forKey: .difference)
    }
}
