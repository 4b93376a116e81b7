/// Invoices: rated consumption of one tenant and period. This first cut previews; the life of an invoice builds on it.
package import Metering
package import Pricing

/// What a tenant's invoice for a period would say now: a pure function of usage and price book.
package struct InvoicePreview: Sendable {
    package let usage: MonthlyUsage
    package let bookID: String
    package let period: BillingPeriod
    package let rating: Rating

    /// Rates a period's usage by the version of the price book that is in force at its start.
    package init(usage: MonthlyUsage, book: PriceBook, period: BillingPeriod) throws(PricingError) {
        var quantities: [String: Int64] = [:]
        for dimension in Dimension.allCases where dimension != .activeConnections {
            quantities[dimension.rawValue] = usage.dimensions[dimension]
        }
        self.usage = usage
        self.period = period
        bookID = book.id
        rating = try book.rate(quantities, over: try period.rated())
    }
}

extension InvoicePreview: Encodable {
    private enum CodingKeys: String, CodingKey {
        case status, tenant, period, priceBook, priceVersion, rounding, currency, coverage, quote
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("preview", forKey: .status)
        try container.encode(usage.tenant, forKey: .tenant)
        try container.encode(usage.period, forKey: .period)
        try container.encode(bookID, forKey: .priceBook)
        try container.encode(rating.version.effective.description, forKey: .priceVersion)
        try container.encode(rating.version.rounding.rawValue, forKey: .rounding)
        try container.encode(usage.coverage, forKey: .coverage)
        // Lines, subtotal and total stand beside these keys, as `waybill quote` prints them.
        try Quote(rating).encode(to: encoder)
    }
}
