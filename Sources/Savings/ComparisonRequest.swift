// A gateway's metered month beside what its alternatives would have cost: reads traffic and stored prices, rates the fee
// by a price book, and hands both to `LoadBalancerCosts`. The command line, reports and REST all ask here.

package import LoadBalancerCosts
package import Pricing

/// What a comparison supposes beside its traffic and prices.
package struct ComparisonRequest: Sendable {
    /// The price book of the gateway's fee, and what is said of where it came from.
    package struct FeeBook: Sendable {
        package var book: PriceBook
        package var source: String

        package init(_ book: PriceBook, source: String) {
            self.book = book
            self.source = source
        }
    }

    package var region = "us-east-1"
    /// Where the region came from: an option, a file, or `default`.
    package var regionSource = "default"
    /// Keys of alternatives; nil: all.
    package var against: [String]?
    package var assumptions = Assumptions()
    /// A Service whose switches are said with what they cost.
    package var manifest: ServiceManifest?
    /// The gateway of one's own; nil: the catalogue's sizing. A fee in it stands above the price book.
    package var gateway: OwnGateway?
    package var feeBook: FeeBook?
    package var adjustments = TrafficAdjustments()

    package init() {}

    /// The comparison of hours of any origin.
    ///
    /// - Parameters:
    ///   - repeats: how often the list counts.
    ///   - month: the price book's version in force at its start gives the fee; without one there is no fee of a book.
    ///   - isMetered: whether this traffic was, or is supposed.
    ///   - isPattern: whether another number of hours repeats these ones; nil: where they are supposed.
    /// - Throws: `LoadBalancerCostError`.
    package func comparison(
        of hours: [TrafficHour], repeats: Int64 = 1, catalogue: PriceCatalogue, month: BillingPeriod?, isMetered: Bool,
        isPattern: Bool? = nil
    ) throws -> Comparison {
        var assumptions = assumptions
        let (series, notes) = try adjustments.series(
            hours, repeats: repeats, isPattern: isPattern ?? !isMetered,
            freeRules: catalogue.capacityUnits.application.freeRules, &assumptions)
        var gateway = gateway ?? OwnGateway(sizing: catalogue.envoy)
        if gateway.fee == nil, let feeBook, let month {
            try feeBook.rate(series.totals.requests, over: month, into: &gateway)
        }
        let switches = try manifest?.notes(series, assumptions, catalogue: catalogue, region: region) ?? []
        return try Comparison(
            series, assumptions, own: gateway, catalogue: catalogue, region: region, regionSource: regionSource,
            against: against, isMetered: isMetered, notes: notes + switches)
    }
}

extension ComparisonRequest.FeeBook {
    fileprivate func rate(_ requests: Fraction, over month: BillingPeriod, into gateway: inout OwnGateway) throws {
        guard let whole = Int64(exactly: requests.roundedUp) else {
            throw LoadBalancerCostError(.invalidInput, "\(requests) requests are more than a price book rates (9.2e18)")
        }
        let rating: Rating
        do {
            rating = try book.rate(["requests": whole], over: try month.rated())
        } catch {
            throw LoadBalancerCostError(.notRated, "the gateway's fee by price book \(book.id): \(error.message)")
        }
        let major: Int128 = (0..<rating.version.currency.exponent).reduce(1) { power, _ in power * 10 }
        gateway.fee = try Fraction(rating.subtotal.minorUnits, over: major)
        gateway.feeCurrency = rating.version.currency.code
        gateway.feeSource = "price book \(book.id) of \(rating.version.effective)\(source)"
    }
}
