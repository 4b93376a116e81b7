/// What a tenant's period will have used and cost at its end, as a range that is held against the tenant's own past.
///
/// Pure: history, period, instant and prices give the same forecast each time.
package struct Forecast: Sendable {
    /// What is known of a period at some likelihood: in one case of ten it is below P10, in one of ten above P90.
    package struct Estimate: Hashable, Sendable {
        /// Units by dimension at the period's end.
        package let quantities: [String: Int64]
        /// What they cost with fees, discounts and taxes, before credits.
        package let amount: Money
        /// Requests at the period's end.
        package var requests: Int64 { quantities["requests"] ?? 0 }
    }

    /// What was counted up to `asOf`, and what it costs by itself.
    package let counted: Estimate
    /// Nil with too little history; `notes` say so.
    package let p50: Estimate?
    /// Nil where too few earlier forecasts show how far one misses.
    package let p10: Estimate?
    package let p90: Estimate?
    /// How the same forecast did in past periods.
    package let record: BackTest
    /// When the budget is passed; nil without one.
    package let budget: BudgetForecast?
    /// What the reader has to know: too little history, a period that is over, a price book with cliffs.
    package let notes: [String]

    /// Whether nothing of the period is to come.
    package let isOver: Bool
    package let period: BillingPeriod
    /// The instant up to which usage is known, in microseconds since 1970.
    package let asOf: Int64
    /// Whole days of history.
    package let daysOfHistory: Int
    package let version: PriceBook.Version

    /// Forecasts a period from what is known up to `history.end`.
    ///
    /// - Parameters:
    ///   - rated: what rating has to know of the period; fewer billed days where a contract covers a part.
    ///   - budget: an amount in the currency of the price book.
    package init(
        _ history: UsageHistory, period: BillingPeriod, version: PriceBook.Version, rated: RatedPeriod,
        budget: Money? = nil
    ) throws(PricingError) {
        if let budget, budget.currency != version.currency {
            throw PricingError(
                .currencyMismatch,
                "the budget is in \(budget.currency) and the price book \(version.bookID) in \(version.currency); give "
                    + "the budget in \(version.currency)")
        }
        let dimensions = Set(history.dimensions).union(["requests"]).union(version.charges.map(\.dimension)).sorted()
        let horizon = Horizon(history, period: period, dimensions: dimensions)
        func estimate(_ quantities: [String: Int64]) throws(PricingError) -> Estimate {
            Estimate(quantities: quantities, amount: try version.rate(quantities, over: rated).total)
        }
        var notes: [String] = []
        counted = try estimate(horizon.counted)
        if horizon.isOver {
            (p10, p50, p90) = (counted, counted, counted)
            notes.append("the period is over: this is what was counted, not a forecast")
        } else if let outlooks = horizon.outlooks {
            p50 = try estimate(horizon.atEnd(.p50, outlooks))
            if outlooks.values.allSatisfy(\.hasRange) {
                p10 = try estimate(horizon.atEnd(.p10, outlooks))
                p90 = try estimate(horizon.atEnd(.p90, outlooks))
            } else {
                (p10, p90) = (nil, nil)
                notes.append(
                    "\(history.days) days of history are too few to say how far a forecast this far ahead misses: no P10 "
                        + "and P90")
            }
        } else {
            (p10, p50, p90) = (nil, nil, nil)
            notes.append(
                "too little history for a forecast: \(history.days) of at least "
                    + "\(WeekProfile.weeks.lowerBound * 7) days are known")
        }
        if let p10, let p50, let p90,
            p10.amount.minorUnits > p50.amount.minorUnits
                || p50.amount.minorUnits > p90.amount.minorUnits
        {
            notes.append(
                "more requests cost less in this price book, so the amounts of P10 and P90 do not bound it: see "
                    + "waybill price lint")
        }
        record = horizon.isOver ? .none : BackTest(history, period: period, clock: horizon.clock)
        if let budget {
            self.budget = try BudgetForecast(budget, horizon, version: version, rated: rated)
        } else {
            self.budget = nil
        }
        self.notes = notes
        isOver = horizon.isOver
        self.period = period
        self.version = version
        asOf = history.end
        daysOfHistory = history.days
    }
}

/// A period as it lies around what is known: counted up to now, expected from there to its end.
struct Horizon: Sendable {
    let history: UsageHistory
    let period: BillingPeriod
    let dimensions: [String]
    let clock: WeekClock
    /// The slots to come.
    let window: Range<Int>
    /// Units up to now.
    let counted: [String: Int64]

    init(_ history: UsageHistory, period: BillingPeriod, dimensions: [String], clock: WeekClock? = nil) {
        let end = history.slot(of: period.endMicroseconds)
        let start = history.slot(of: period.startMicroseconds)
        self.history = history
        self.period = period
        self.dimensions = dimensions
        self.clock =
            clock ?? WeekClock(zone: period.zone, start: history.start, count: max(end, history.length))
        let now = min(max(start, history.length), end)
        window = max(now, 0)..<max(end, now, 0)
        counted = Dictionary(
            uniqueKeysWithValues: dimensions.map { dimension in
                (dimension, start < now ? history.total(dimension, start..<now) : 0)
            })
    }

    var isOver: Bool { window.isEmpty }

    /// One for each dimension; nil where too little is known.
    var outlooks: [String: Outlook]? {
        var outlooks: [String: Outlook] = [:]
        for dimension in dimensions where dimension == "requests" || history.total(dimension, 0..<history.length) > 0 {
            let outlook = Outlook(history, dimension, at: history.length, window: window, clock: clock)
            guard let outlook else { return nil }
            outlooks[dimension] = outlook
        }
        return outlooks
    }

    /// Units at the period's end.
    func atEnd(_ rank: Outlook.Rank, _ outlooks: [String: Outlook]) -> [String: Int64] {
        path(rank, outlooks, ends: [window.upperBound])[0]
    }

    /// Units at each of some slots of the window, ascending.
    func path(_ rank: Outlook.Rank, _ outlooks: [String: Outlook], ends: [Int]) -> [[String: Int64]] {
        var quarterHours = [Int64](repeating: 0, count: 168)
        var slot = window.lowerBound
        return ends.map { end in
            while slot < min(end, window.upperBound) {
                quarterHours[Int(clock.hours[slot])] += 1
                slot += 1
            }
            var quantities = counted
            for (dimension, outlook) in outlooks {
                let expected = outlook.profile.expected(quarterHours)
                quantities[dimension] = (counted[dimension] ?? 0).addingClamped(outlook.quantity(expected, at: rank))
            }
            return quantities
        }
    }
}
