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
    package let origin: PriceOrigin
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

    /// What the series would cost. Tiers and monthly charges begin anew with each of its months (`TrafficSeries.months`).
    package func cost(of series: TrafficSeries) throws -> RequestPricedCost {
        let months = try countedByMonth(series)
        let fixed = try month * months.count + hour * series.hourCount
        let gib = try series.totals.allBytes / Fraction(Int64(1) << 30)
        let charged = try months.reduce(Fraction.zero) { try $0 + requestCharge($1) }
        let dataCharge = try gib * gibibyte
        return try RequestPricedCost(
            countedRequests: months.reduce(Fraction.zero) { try $0 + $1 }, fixed: fixed, requests: charged,
            data: dataCharge, total: fixed + charged + dataCharge)
    }

    /// Each month's requests by the started step, from each hour's mean size: the least that could be counted.
    private func countedByMonth(_ series: TrafficSeries) throws -> [Fraction] {
        let listed = try (steps(series) ?? series.monthRequests).map { try Fraction($0, over: series.countScale) }
        guard series.repeats > 1, let sum = listed.first else { return listed }
        let months = series.undatedMonths
        return Array(repeating: try sum * series.repeats / months, count: Int(months))
    }

    /// Each month's started steps; nil where a request counts once whatever its size.
    private func steps(_ series: TrafficSeries) throws -> [Int128]? {
        guard let requestBytes else { return nil }
        let most = series.maxima
        let bytes = try exactSum(most.bytes, most.lambdaBytes)
        // The largest terms fit, so the loop can not overflow.
        _ = try exactProduct(exactProduct(most.requests, requestBytes), Int128(series.rows.count))
        _ = try exactProduct(exactSum(bytes, most.requests), Int128(series.rows.count))
        return series.monthRanges.map { range in
            var sum: Int128 = 0
            for row in series.rows[range] where row.requests > 0 {
                let bytes = row.bytes &+ row.lambdaBytes
                let step = row.requests &* requestBytes
                sum &+= bytes <= step ? row.requests : row.requests &* ((bytes &- 1) / step &+ 1)
            }
            return sum
        }
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
        try container.encode(origin.source, forKey: .source)
        try container.encode(origin.date, forKey: .date)
        try container.encode(origin.inferred, forKey: .inferred)
        try container.encodeIfPresent(leftOut, forKey: .leftOut)
    }
}
