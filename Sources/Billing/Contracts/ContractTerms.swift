package import Pricing

/// What seller and buyer agreed on. An invoice carries a copy of it as it stood when the invoice was finalized.
package struct ContractTerms: Hashable, Sendable, Codable {
    /// What happens when grace runs out and a gateway has not reported to the period's end.
    package enum OnIncomplete: String, Hashable, Sendable, CaseIterable, Codable {
        /// Bill what is there, with the coverage on paper.
        case finalize
        /// Wait, until the gateway reports or an operator decides.
        case hold
    }

    /// A UUIDv7.
    package var id: String
    /// The tenant that is billed.
    package var tenant: String
    /// The id of the price book.
    package var priceBook: String
    /// The effective date of the version that rates every period; nil where the contract follows the book.
    package var pinnedVersion: String?
    /// ISO 4217.
    package var currency: String
    /// The IANA zone whose midnights bound the periods.
    package var zone: String
    /// The day of the month on which periods begin, 1 to 31.
    package var anchorDay: Int
    /// How long to wait after a period's end for gateways that have not reported. Unit: hours.
    package var graceHours: Int
    package var onIncomplete: OnIncomplete
    /// What invoice numbers begin with: `INV` gives `INV-2026-000001`.
    package var series: String
    /// The first local date that is billed.
    package var startsOn: String
    /// The first local date that is no longer billed; nil while the contract is open.
    package var endsOn: String?
    package var seller: Party
    package var buyer: Party

    package init(
        id: String, tenant: String, priceBook: String, pinnedVersion: String? = nil, currency: String, zone: String,
        anchorDay: Int = 1, graceHours: Int = 24, onIncomplete: OnIncomplete = .finalize, series: String = "INV",
        startsOn: String, endsOn: String? = nil, seller: Party, buyer: Party
    ) {
        self.id = id
        self.tenant = tenant
        self.priceBook = priceBook
        self.pinnedVersion = pinnedVersion
        self.currency = currency
        self.zone = zone
        self.anchorDay = anchorDay
        self.graceHours = graceHours
        self.onIncomplete = onIncomplete
        self.series = series
        self.startsOn = startsOn
        self.endsOn = endsOn
        self.seller = seller
        self.buyer = buyer
    }

    private enum CodingKeys: String, CodingKey {
        case id, tenant, currency, zone, series, seller, buyer
        case priceBook = "price_book"
        case pinnedVersion = "pinned_version"
        case anchorDay = "anchor_day"
        case graceHours = "grace_hours"
        case onIncomplete = "on_incomplete"
        case startsOn = "starts_on"
        case endsOn = "ends_on"
    }
}

extension ContractTerms {
    /// Refuses what no invoice could be made of: an unknown zone or currency, a wrong anchor or date.
    package func check() throws(PricingError) {
        _ = try Currency(currency)
        _ = try BillingZone(zone)
        let start = try LocalDate(startsOn)
        if let end = try endsOn.map({ text throws(PricingError) in try LocalDate(text) }), end <= start {
            throw PricingError(
                .invalidDate,
                "the contract ends on \(end), not after its start on \(start); the end is the first day not billed")
        }
        if let pinnedVersion { _ = try LocalDate(pinnedVersion) }
        guard (1...31).contains(anchorDay) else {
            throw PricingError(.invalidDate, "\(anchorDay) is not an anchor day; periods begin on a day from 1 to 31")
        }
        guard (0...8784).contains(graceHours) else {
            throw PricingError(.invalidDate, "a grace of \(graceHours) hours; give 0 to 8784 (a year)")
        }
        guard (1...16).contains(series.utf8.count), series.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw PricingError(
                .invalidDate, "\"\(series)\" can not begin invoice numbers; give 1 to 16 capital letters, such as INV")
        }
        guard !seller.name.isEmpty, !buyer.name.isEmpty else {
            throw PricingError(.invalidDate, "seller and buyer need a name: they stand on every invoice")
        }
    }

    /// The period that contains an instant, in the contract's zone and from its anchor.
    package func period(containing microseconds: Int64) throws(PricingError) -> BillingPeriod {
        try BillingPeriod(containing: microseconds, zone: try BillingZone(zone), anchorDay: anchorDay)
    }

    /// The period that starts in a month, `2026-11`.
    package func period(month: String) throws(PricingError) -> BillingPeriod {
        try BillingPeriod(month: month, zone: zone, anchorDay: anchorDay)
    }

    /// Whether any day of a period is billed.
    package func covers(_ period: BillingPeriod) throws(PricingError) -> Bool {
        let start = try LocalDate(startsOn)
        guard start < period.endDate else { return false }
        guard let endsOn else { return true }
        return period.startDate < (try LocalDate(endsOn))
    }

    /// What rating has to know of a period: the first and the last of a contract may be parts.
    package func rated(_ period: BillingPeriod) throws(PricingError) -> RatedPeriod {
        try period.rated(
            contractFrom: try LocalDate(startsOn),
            until: try endsOn.map { text throws(PricingError) in try LocalDate(text) })
    }
}
