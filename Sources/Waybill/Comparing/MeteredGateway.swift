import LoadBalancerCosts
import Metering
import Pricing
import UsageStore

/// A gateway's metered month as hours, with the prices that the database holds for it.
struct MeteredGateway {
    let hours: [TrafficHour]
    /// Prices that were imported and in force at the month's start.
    let prices: [PriceRow]
    let month: BillingPeriod

    /// Reads what is stored. Throws a failure where the gateway had no traffic in the month.
    static func read(_ gateway: String, _ month: BillingPeriod, from store: UsageStore) async throws -> MeteredGateway {
        let traffic = try await store.traffic(of: gateway, from: month.startTime, to: month.endTime)
        let prices = try await store.loadBalancerPrices(inForceAt: month.startTime).map { try PriceRow($0) }
        let metered = MeteredTraffic(
            slices: traffic.slices.map { slice in
                MeteredTraffic.Slice(
                    quarterHour: slice.quarterHour.microseconds, requests: slice.requests,
                    newConnections: slice.newConnections, activeConnectionMicros: slice.activeConnectionMicros,
                    bytes: slice.bytes)
            },
            carries: traffic.carries.map { carry in
                MeteredTraffic.Carry(
                    quarterHour: carry.quarterHour.microseconds, requests: carry.requests,
                    since: carry.since.microseconds, until: carry.until.microseconds)
            })
        let start = month.startTime.microseconds
        let hours = try metered.hours(periodStart: start).standing(
            periodStart: start, periodEnd: month.endTime.microseconds,
            meteringSince: traffic.meteringSince.microseconds, asOf: traffic.asOf.microseconds)
        guard !hours.isEmpty else {
            throw CommandError(
                .failure,
                "the gateway \(gateway) had no traffic from \(month.start) to \(month.end): nothing to compare")
        }
        return MeteredGateway(hours: hours, prices: prices, month: month)
    }

    /// The comparison, with the fee by a price book for the same requests.
    func comparison(
        _ options: ComparisonOptions, region: (name: String, source: String), against: [String]? = nil
    ) throws -> Comparison {
        let manifest = try options.manifest()
        return try options.comparison(
            hours, try options.assumptions(manifest), manifest: manifest,
            catalogue: try options.catalogue(stored: prices), region: region, month: month, isMetered: true,
            against: against)
    }
}

extension ComparisonOptions {
    /// The comparison of hours of any origin. `month`: the price book's version in force at its start gives the fee.
    func comparison(
        _ hours: [TrafficHour], repeats: Int64 = 1, _ assumptions: Assumptions, manifest: ServiceManifest?,
        catalogue: PriceCatalogue, region: (name: String, source: String), month: BillingPeriod?, isMetered: Bool,
        against: [String]? = nil
    ) throws -> Comparison {
        let (hours, notes) = try adjusted(hours)
        let series = try TrafficSeries(hours, repeats: repeats)
        let gateway = try gateway(catalogue, requests: series.totals.requests, month: month)
        let switches =
            try manifest?.notes(series, assumptions, catalogue: catalogue, region: region.name) ?? []
        return try Comparison(
            series, assumptions, own: gateway, catalogue: catalogue, region: region.name, regionSource: region.source,
            against: against ?? alternatives, isMetered: isMetered, notes: notes + switches)
    }
}
