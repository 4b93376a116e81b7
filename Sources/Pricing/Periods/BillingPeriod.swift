/// The time of one invoice: from local midnight to local midnight in an IANA zone, as the half-open interval of
/// instants [start, end).
///
/// Anchored periods begin on the anchor day, or on the month's last day where the month is shorter. The clamp starts
/// from the anchor each time, so Jan 31 is followed by Feb 28 and that by Mar 31.
package struct BillingPeriod: Hashable, Sendable {
    /// The zone whose midnights bound it.
    package let zone: BillingZone
    /// The day of the month on which periods begin, 1 to 31.
    package let anchorDay: Int
    /// The first local date.
    package let startDate: LocalDate
    /// The first local date after it.
    package let endDate: LocalDate
    /// The first instant, in microseconds since 1970.
    package let startMicroseconds: Int64
    /// The first instant after it, in microseconds since 1970.
    package let endMicroseconds: Int64

    /// The period that starts in a month written as `2026-11`: the calendar month, or from the anchor day in it.
    package init(month: String, zone: String, anchorDay: Int = 1) throws(PricingError) {
        guard month.utf8.count == 7, let first = try? LocalDate(month + "-01") else {
            throw PricingError(.invalidDate, "\"\(month)\" is not a month; write year and month as in 2026-11")
        }
        try self.init(year: first.year, month: first.month, zone: try BillingZone(zone), anchorDay: anchorDay)
    }

    /// The period that contains an instant.
    package init(containing microseconds: Int64, zone: BillingZone, anchorDay: Int = 1) throws(PricingError) {
        let date = try zone.date(at: microseconds)
        let inMonth = try BillingPeriod(year: date.year, month: date.month, zone: zone, anchorDay: anchorDay)
        if microseconds < inMonth.startMicroseconds {
            self = try inMonth.previous()
        } else if microseconds >= inMonth.endMicroseconds {
            // Clocks that go back over midnight read the old date again after the new one has begun.
            self = try inMonth.next()
        } else {
            self = inMonth
        }
    }

    /// The period after this one; it starts where this one ends.
    package func next() throws(PricingError) -> BillingPeriod { try shifted(byMonths: 1) }

    /// The period before this one; it ends where this one starts.
    package func previous() throws(PricingError) -> BillingPeriod { try shifted(byMonths: -1) }

    private init(year: Int, month: Int, zone: BillingZone, anchorDay: Int) throws(PricingError) {
        let (nextYear, nextMonth) = month == 12 ? (year + 1, 1) : (year, month + 1)
        startDate = try Self.anchor(anchorDay, year: year, month: month)
        endDate = try Self.anchor(anchorDay, year: nextYear, month: nextMonth)
        startMicroseconds = zone.start(of: startDate)
        endMicroseconds = zone.start(of: endDate)
        self.zone = zone
        self.anchorDay = anchorDay
    }

    private func shifted(byMonths offset: Int) throws(PricingError) -> BillingPeriod {
        let months = startDate.year * 12 + startDate.month - 1 + offset
        return try BillingPeriod(year: months / 12, month: months % 12 + 1, zone: zone, anchorDay: anchorDay)
    }

    private static func anchor(_ day: Int, year: Int, month: Int) throws(PricingError) -> LocalDate {
        guard (1...31).contains(day) else {
            throw PricingError(.invalidDate, "\(day) is not an anchor day; periods begin on a day from 1 to 31")
        }
        let clamped = min(day, LocalDate.daysInMonth(year: year, month: month))
        guard let date = LocalDate(year: year, month: month, day: clamped) else {
            throw PricingError(.invalidDate, "the period leaves the years 1 to 9999")
        }
        return date
    }
}

extension BillingPeriod {
    /// Local days: what fixed fees are prorated by.
    package var days: Int { endDate.dayNumber - startDate.dayNumber }

    /// The local dates, each with the instants [start, end) of it; together they are the period.
    package var localDays: [(date: LocalDate, startMicroseconds: Int64, endMicroseconds: Int64)] {
        let dates = (startDate.dayNumber..<endDate.dayNumber).compactMap(LocalDate.init(dayNumber:))
        let bounds = [startMicroseconds] + dates.dropFirst().map(zone.start(of:)) + [endMicroseconds]
        return zip(dates, zip(bounds, bounds.dropFirst())).map { ($0, $1.0, $1.1) }
    }

    /// Hours between the instants as a decimal, such as `743` or `720.5`.
    package var hours: String {
        let microseconds = Int128(endMicroseconds - startMicroseconds)
        return Digits.decimal(microseconds * 10_000 / 3600, exponent: 10, keeping: 0, grouped: false)
    }

    /// The start as RFC 3339 in UTC.
    package var start: String { RFC3339.text(microseconds: startMicroseconds) }

    /// The end as RFC 3339 in UTC.
    package var end: String { RFC3339.text(microseconds: endMicroseconds) }

    /// Whether an instant lies in it.
    package func contains(_ microseconds: Int64) -> Bool {
        startMicroseconds <= microseconds && microseconds < endMicroseconds
    }

    /// What rating has to know, for a contract in force from one local date up to but not including another; either may
    /// be open.
    package func rated(contractFrom: LocalDate? = nil, until: LocalDate? = nil) throws(PricingError) -> RatedPeriod {
        let first = max(startDate, contractFrom ?? startDate)
        let end = min(endDate, until ?? endDate)
        let billed = max(0, end.dayNumber - first.dayNumber)
        return try RatedPeriod(start: startDate, days: Int64(days), billedDays: Int64(billed))
    }
}
