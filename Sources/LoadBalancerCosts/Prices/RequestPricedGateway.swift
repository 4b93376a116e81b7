/// A gateway that is priced by request (or by hour and GiB) and not by capacity units.
package struct RequestPricedGateway: Hashable, Sendable {
    /// A graduated tier: `price` for every `perRequests` requests up to `upTo` of the month.
    package struct Tier: Hashable, Sendable {
        /// Nil in the last tier.
        package let upTo: Int128?
        package let price: Fraction
    }

    package let key: String
    package let name: String
    package let currency: String
    package let perRequests: Int128
    /// A request counts once for each started step of this many bytes; nil: once.
    package let requestBytes: Int128?
    /// True where a unit counts whole once it has begun.
    package let countsStartedUnits: Bool
    package let tiers: [Tier]
    /// Fixed charges, and the price of a GiB in either direction.
    package let month: Fraction
    package let hour: Fraction
    package let gibibyte: Fraction
    /// Charges of the product that are known and not in the total.
    package let leftOut: String?
    package let source: String
    package let date: String
    package let inferred: Bool
}

extension RequestPricedGateway {
    /// The price of a month's counted requests by the tier table. Exact.
    package func requestCharge(_ requests: Fraction) throws -> Fraction {
        guard !tiers.isEmpty else { return .zero }
        var units = try requests / Fraction(whole: perRequests)
        if countsStartedUnits { units = Fraction(whole: units.roundedUp) }
        var total = Fraction.zero
        var floor = Fraction.zero
        for tier in tiers {
            let ceiling = try tier.upTo.map { try Fraction($0, over: perRequests) }
            let upper = ceiling.map { min($0, units) } ?? units
            guard upper > floor else { break }
            total = try total + (upper - floor) * tier.price
            floor = upper
        }
        return total
    }

    /// What the series would cost. Its requests are one month's; fixed monthly charges count once.
    package func cost(of series: TrafficSeries) throws -> RequestPricedCost {
        let counted = try countedRequests(series)
        let fixed = try month + hour * series.hourCount
        let gib = try series.totals.allBytes / Fraction(Int64(1) << 30)
        let requestCharge = try requestCharge(counted)
        let dataCharge = try gib * gibibyte
        return try RequestPricedCost(
            countedRequests: counted, fixed: fixed, requests: requestCharge, data: dataCharge,
            total: fixed + requestCharge + dataCharge)
    }

    /// Requests by the started step, from each hour's mean size: the least that could be counted.
    private func countedRequests(_ series: TrafficSeries) throws -> Fraction {
        guard let requestBytes else { return series.totals.requests }
        let most = series.maxima
        let bytes = try exactSum(most.bytes, most.lambdaBytes)
        // The largest terms fit, so the loop can not overflow.
        _ = try exactProduct(exactProduct(most.requests, requestBytes), Int128(series.rows.count))
        _ = try exactProduct(exactSum(bytes, most.requests), Int128(series.rows.count))
        var sum: Int128 = 0
        for row in series.rows where row.requests > 0 {
            let bytes = row.bytes &+ row.lambdaBytes
            let step = row.requests &* requestBytes
            sum &+= bytes <= step ? row.requests : row.requests &* ((bytes &- 1) / step &+ 1)
        }
        return try Fraction(sum, over: series.countScale) * series.repeats
    }
}

/// What a request-priced gateway costs for a series. Amounts are exact, in the gateway's currency.
package struct RequestPricedCost: Hashable, Sendable {
    package let countedRequests: Fraction
    package let fixed: Fraction
    package let requests: Fraction
    package let data: Fraction
    package let total: Fraction
}

extension RequestPricedGateway: Encodable {
    private enum CodingKeys: String, CodingKey {
        case name, currency, source, date, inferred
        case leftOut = "left_out"
    }

    /// What it is and where its prices came from.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(currency, forKey: .currency)
        try container.encode(source, forKey: .source)
        try container.encode(date, forKey: .date)
        try container.encode(inferred, forKey: .inferred)
        try container.encodeIfPresent(leftOut, forKey: .leftOut)
    }
}
