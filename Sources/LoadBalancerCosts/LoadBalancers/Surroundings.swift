/// Data that crosses zones behind a Network Load Balancer: a line beside it, in no load balancer's own total.
package struct InterZoneCost: Hashable, Sendable {
    /// GB that the gateway handles.
    package let gigabytes: Fraction
    /// How often one GB crosses on average: load balancer to node, node to node, gateway to pod.
    package let crossings: Fraction
    package let crossingGigabytes: Fraction
    package let total: Fraction
    package let currency: String

    /// `GB × crossings × 2 × price at each end`, the even share of a crossing being 1 − 1/zones.
    /// Source: AWS blog on data transfer costs with Network Load Balancers.
    package init(_ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String) throws
    {
        let price = try catalogue.require(.interZoneGigabyte, in: region)
        let even = try Fraction.one - Fraction(1, over: Int128(assumptions.zones))
        var crossings = assumptions.podCrossingShare
        if assumptions.crossZone { crossings = try crossings + even }
        if assumptions.externalTrafficPolicy == .cluster { crossings = try crossings + even }
        self.crossings = crossings
        gigabytes = try series.totals.allBytes / assumptions.gigabyte.bytes
        crossingGigabytes = try gigabytes * crossings
        total = try crossingGigabytes * price.amount * 2
        currency = price.currency
    }
}

/// Public IPv4 addresses, one per zone, of an internet-facing load balancer: the same for ALB and NLB.
package struct AddressCost: Hashable, Sendable {
    package let addresses: Int64
    package let hours: Int64
    package let total: Fraction
    package let currency: String

    package init(_ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String) throws
    {
        let price = try catalogue.require(.publicIPv4Hour, in: region)
        addresses = assumptions.zones
        hours = series.hourCount
        total = try price.amount * addresses * hours
        currency = price.currency
    }
}

extension InterZoneCost: Encodable {
    private enum CodingKeys: String, CodingKey {
        case gigabytes = "gb"
        case crossings
        case crossingGigabytes = "crossing_gb"
        case total
        case totalRounded = "total_rounded"
        case currency
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gigabytes, forKey: .gigabytes)
        try container.encode(crossings, forKey: .crossings)
        try container.encode(crossingGigabytes, forKey: .crossingGigabytes)
        try container.encode(total, forKey: .total)
        try container.encode(total.cents, forKey: .totalRounded)
        try container.encode(currency, forKey: .currency)
    }
}

extension AddressCost: Encodable {
    private enum CodingKeys: String, CodingKey {
        case addresses, hours, total
        case totalRounded = "total_rounded"
        case currency
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(addresses, forKey: .addresses)
        try container.encode(hours, forKey: .hours)
        try container.encode(total, forKey: .total)
        try container.encode(total.cents, forKey: .totalRounded)
        try container.encode(currency, forKey: .currency)
    }
}
