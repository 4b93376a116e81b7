/// What a spike of traffic would add to a period's bill, before and after the ceiling of the price book.
package struct SpikeSimulation: Sendable {
    /// A bill with and without the spike.
    package struct Case: Hashable, Sendable {
        /// Units by dimension in the whole period.
        package let quantities: [String: Int64]
        /// The total if the price book had no ceiling.
        package let beforeCeiling: Money
        /// The total.
        package let afterCeiling: Money
        /// Requests in the whole period.
        package var requests: Int64 { quantities["requests"] ?? 0 }
    }

    /// When the spike is supposed to be, in words of the tenant's week: its first hour, 0 to 167 from Monday 00:00.
    package let firstHourOfWeek: Int
    /// Hours that it lasts.
    package let hours: Int
    /// How many times the usual traffic.
    package let factor: ExactAmount
    /// Requests that are usual in those hours.
    package let usualRequests: Int64
    /// The period as it is expected: P50 of the forecast, or what was counted of a period that is over.
    package let without: Case
    package let with: Case
    package let hasCeiling: Bool
    package let period: BillingPeriod
    package let version: PriceBook.Version
    package let notes: [String]

    /// What the spike adds.
    package func added() throws(PricingError) -> (requests: Int64, beforeCeiling: Money, afterCeiling: Money) {
        func difference(_ lhs: Money, _ rhs: Money) throws(PricingError) -> Money {
            try lhs.adding(Money(minorUnits: 0 - rhs.minorUnits, currency: rhs.currency))
        }
        return (
            with.requests - without.requests, try difference(with.beforeCeiling, without.beforeCeiling),
            try difference(with.afterCeiling, without.afterCeiling)
        )
    }

    /// Supposes `factor` times the usual traffic for some hours: the busiest of the week unless told from when on.
    ///
    /// - Parameters:
    ///   - factor: 1 or more, with up to six decimals.
    ///   - hours: 1 to 168.
    ///   - from: an instant in microseconds since 1970, whose hour of the week counts.
    /// - Throws: `tooLittleHistory` where less than two weeks are known.
    package init(
        _ history: UsageHistory, period: BillingPeriod, version: PriceBook.Version, rated: RatedPeriod,
        factor: ExactAmount, hours: Int, from: Int64? = nil
    ) throws(PricingError) {
        guard factor.millionths >= ExactAmount.scale else {
            throw PricingError(
                .invalidQuantity, "a spike is 1 or more times the usual traffic, as 10x; found \(factor.text)x")
        }
        guard (1...168).contains(hours) else {
            throw PricingError(.invalidQuantity, "a spike lasts from 1 to 168 hours, as 6h; found \(hours)")
        }
        let forecast = try Forecast(history, period: period, version: version, rated: rated)
        let dimensions = Set(history.dimensions).union(["requests"]).sorted()
        let clock = Horizon(history, period: period, dimensions: dimensions).clock
        var profiles: [String: WeekProfile] = [:]
        for dimension in dimensions {
            guard let profile = WeekProfile(history, dimension, before: history.length, clock: clock) else {
                throw PricingError(
                    .tooLittleHistory,
                    "\(history.days) days of history do not say what is usual: a spike needs at least "
                        + "\(WeekProfile.weeks.lowerBound * 7) days")
            }
            profiles[dimension] = profile
        }
        func usual(_ dimension: String, _ first: Int) -> Int64 {
            var quarterHours = [Int64](repeating: 0, count: 168)
            for hour in first..<first + hours { quarterHours[hour % 168] += 4 }
            return profiles[dimension]?.expected(quarterHours) ?? 0
        }
        let first =
            from.map { period.zone.hourOfWeek(at: $0) }
            ?? (0..<168).max { usual("requests", $0) < usual("requests", $1) } ?? 0
        let base = (forecast.p50 ?? forecast.counted).quantities
        var spiked = base
        for dimension in dimensions {
            let added = try RoundingMode.halfUp.rounded(
                Int128(usual(dimension, first)), times: factor.millionths - ExactAmount.scale, over: ExactAmount.scale)
            spiked[dimension] = (base[dimension] ?? 0).addingClamped(Int64(clamping: added))
        }
        let open = version.withoutMaximum
        func bill(_ quantities: [String: Int64]) throws(PricingError) -> Case {
            Case(
                quantities: quantities, beforeCeiling: try open.rate(quantities, over: rated).total,
                afterCeiling: try version.rate(quantities, over: rated).total)
        }
        without = try bill(base)
        with = try bill(spiked)
        firstHourOfWeek = first
        self.hours = hours
        self.factor = factor
        usualRequests = usual("requests", first)
        hasCeiling = version.maximum != nil
        self.period = period
        self.version = version
        notes = forecast.notes
    }
}

extension PriceBook.Version {
    /// The same prices without a ceiling.
    package var withoutMaximum: PriceBook.Version {
        PriceBook.Version(
            bookID: bookID, currency: currency, rounding: rounding, effective: effective, baseFee: baseFee,
            minimum: minimum, maximum: nil, charges: charges, discounts: discounts, taxes: taxes)
    }
}

/// ```json
/// {"month":"2026-11","price_book":"standard","currency":"USD","factor":"10","hours":6,"first_hour_of_week":38,
///  "usual_requests":100,"without":{"requests":1,"before_ceiling_minor":1,"after_ceiling_minor":1},"with":{…},
///  "added":{…},"notes":[]}
/// ```
extension SpikeSimulation: Encodable {
    private enum Key: String, CodingKey {
        case month, currency, factor, hours, without, with, added, notes
        case priceBook = "price_book"
        case firstHourOfWeek = "first_hour_of_week"
        case usualRequests = "usual_requests"
    }

    private struct Amounts: Encodable {
        let requests: Int64
        let beforeCeiling: Money
        let afterCeiling: Money

        private enum Key: String, CodingKey {
            case requests
            case beforeCeiling = "before_ceiling_minor"
            case afterCeiling = "after_ceiling_minor"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(requests, forKey: .requests)
            try container.encode(beforeCeiling.minorUnits, forKey: .beforeCeiling)
            try container.encode(afterCeiling.minorUnits, forKey: .afterCeiling)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        func amounts(_ bill: Case) -> Amounts {
            Amounts(requests: bill.requests, beforeCeiling: bill.beforeCeiling, afterCeiling: bill.afterCeiling)
        }
        let added = try added()
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(String(period.startDate.description.prefix(7)), forKey: .month)
        try container.encode(version.bookID, forKey: .priceBook)
        try container.encode(version.currency.code, forKey: .currency)
        try container.encode(factor.text, forKey: .factor)
        try container.encode(hours, forKey: .hours)
        try container.encode(firstHourOfWeek, forKey: .firstHourOfWeek)
        try container.encode(usualRequests, forKey: .usualRequests)
        try container.encode(amounts(without), forKey: .without)
        try container.encode(amounts(with), forKey: .with)
        try container.encode(
            Amounts(
                requests: added.requests, beforeCeiling: added.beforeCeiling, afterCeiling: added.afterCeiling),
            forKey: .added)
        try container.encode(notes, forKey: .notes)
    }
}
