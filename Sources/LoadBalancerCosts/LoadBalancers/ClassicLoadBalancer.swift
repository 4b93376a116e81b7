/// What a Classic Load Balancer costs for a series. `total` = hours + GB; it knows no capacity units.
package struct ClassicLoadBalancerCost: Sendable {
    package let currency: String
    package let hours: Int64
    package let gigabytes: Fraction
    package let hourCharge: Fraction
    package let dataCharge: Fraction
    package let total: Fraction

    package init(_ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String) throws
    {
        let hourPrice = try catalogue.require(.clbHour, in: region)
        let gigabytePrice = try catalogue.require(.clbGigabyte, in: region)
        currency = hourPrice.currency
        hours = series.hourCount
        gigabytes = try series.totals.allBytes / assumptions.gigabyte.bytes
        hourCharge = try hourPrice.amount * hours
        dataCharge = try gigabytes * gigabytePrice.amount
        total = try hourCharge + dataCharge
    }
}

extension ClassicLoadBalancerCost: Encodable {
    private enum CodingKeys: String, CodingKey {
        case currency, hours, total
        case gigabytes = "gb"
        case totalRounded = "total_rounded"
        case hourCharge = "hour_charge"
        case dataCharge = "data_charge"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gigabytes, forKey: .gigabytes)
        try container.encode(hours, forKey: .hours)
        try container.encode(total, forKey: .total)
        try container.encode(total.cents, forKey: .totalRounded)
        try container.encode(currency, forKey: .currency)
        try container.encode(hourCharge, forKey: .hourCharge)
        try container.encode(dataCharge, forKey: .dataCharge)
    }
}
