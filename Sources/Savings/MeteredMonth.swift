package import LoadBalancerCosts
import Metering
package import Pricing
package import UsageStore

/// A gateway's metered month as hours, with what the database holds of prices for it.
package struct MeteredMonth: Sendable {
    package let gateway: String
    package let month: BillingPeriod
    /// Every hour for which a load balancer in its place would have been charged; never empty.
    package let hours: [TrafficHour]
    /// Prices and definitions that were imported and in force at the month's start.
    package let prices: [PriceRow]
    package let definitions: [CatalogueDefinition]

    /// What is shipped, with what was imported above it.
    package func catalogue(over shipped: PriceCatalogue) throws -> PriceCatalogue {
        try shipped.adding(prices).adding(definitions)
    }

    /// The month's comparison, by the catalogue of `catalogue(over:)`.
    package func comparison(_ request: ComparisonRequest, catalogue: PriceCatalogue) throws -> Comparison {
        try request.comparison(of: hours, catalogue: catalogue, month: month, isMetered: true)
    }
}

extension UsageStore {
    /// A gateway's comparison of a month: what reports and REST ask for.
    ///
    /// - Parameter shipped: the prices of config/prices; what is stored stands above them.
    /// - Throws: `UsageStoreError` for an unknown gateway; `LoadBalancerCostError`, with `noTraffic` where the gateway had
    ///   none in the month.
    package func comparison(
        of gateway: String, _ month: BillingPeriod, _ request: ComparisonRequest, shipped: PriceCatalogue
    ) async throws -> Comparison {
        let metered = try await meteredMonth(of: gateway, month)
        return try metered.comparison(request, catalogue: metered.catalogue(over: shipped))
    }

    /// What is stored of a gateway's month.
    ///
    /// - Throws: `UsageStoreError` for an unknown gateway; `LoadBalancerCostError` with `noTraffic`.
    package func meteredMonth(of gateway: String, _ month: BillingPeriod) async throws -> MeteredMonth {
        let start = Timestamp(microseconds: month.startMicroseconds)
        let end = Timestamp(microseconds: month.endMicroseconds)
        let traffic = try await traffic(of: gateway, from: start, to: end)
        let hours = try MeteredTraffic(traffic).hours(periodStart: start.microseconds).standing(
            periodStart: start.microseconds, periodEnd: end.microseconds,
            meteringSince: traffic.meteringSince.microseconds, asOf: traffic.asOf.microseconds)
        guard !hours.isEmpty else {
            throw LoadBalancerCostError(
                .noTraffic,
                "the gateway \(gateway) had no traffic from \(month.start) to \(month.end): nothing to compare")
        }
        return MeteredMonth(
            gateway: gateway, month: month, hours: hours,
            prices: try await loadBalancerPrices(inForceAt: start).map { try PriceRow($0) },
            definitions: try await loadBalancerDefinitions(inForceAt: start).map { try CatalogueDefinition($0) })
    }
}

extension MeteredTraffic {
    init(_ traffic: GatewayTraffic) {
        self.init(
            slices: traffic.slices.map { slice in
                Slice(
                    quarterHour: slice.quarterHour.microseconds, requests: slice.requests,
                    newConnections: slice.newConnections, activeConnectionParts: slice.activeConnectionParts,
                    bytes: slice.bytes)
            },
            carries: traffic.carries.map { carry in
                Carry(
                    quarterHour: carry.quarterHour.microseconds, requests: carry.requests,
                    newConnections: carry.newConnections, bytes: carry.bytes, since: carry.since.microseconds,
                    until: carry.until.microseconds)
            }, partsPerConnection: GatewayTraffic.partsPerConnection)
    }
}
