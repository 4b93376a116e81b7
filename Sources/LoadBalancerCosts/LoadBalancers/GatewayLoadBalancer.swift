/// What a Gateway Load Balancer with one endpoint a zone costs for a series.
///
/// `total` = hours per zone + GLCUs + endpoint hours per zone + endpoint GB. Source: AWS pricing page.
package struct GatewayLoadBalancerCost: Sendable {
    /// The prices that it takes.
    static let items: [PriceItem] = [.gwlbHour, .gwlbUnit, .gwlbEndpointHour, .gwlbEndpointGigabyte]

    package let currency: String
    package let hours: Int64
    package let use: CapacityUse
    /// Of the load balancer and its endpoints.
    package let hourCharge: Fraction
    package let unitCharge: Fraction
    package let dataCharge: Fraction
    package let total: Fraction

    /// Throws `.missingPrice` where the region lacks a price, or the catalogue the capacity unit.
    package init(_ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String) throws
    {
        guard let unit = catalogue.capacityUnits.gateway else {
            throw LoadBalancerCostError(.missingPrice, "no capacity unit `gwlb` in capacity_units")
        }
        let hourPrice = try catalogue.require(.gwlbHour, in: region)
        let endpointPrice = try catalogue.require(.gwlbEndpointHour, in: region)
        use = try CapacityMeter(unit, assumptions).measure(series)
        currency = hourPrice.currency
        hours = series.hourCount
        hourCharge = try (hourPrice.amount + endpointPrice.amount) * assumptions.zones * hours
        unitCharge = try use.unitHours * catalogue.require(.gwlbUnit, in: region).amount
        dataCharge =
            try series.totals.allBytes / assumptions.gigabyte.bytes
            * catalogue.require(.gwlbEndpointGigabyte, in: region).amount
        total = try hourCharge + unitCharge + dataCharge
    }
}
