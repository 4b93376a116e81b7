// What a load balancer would have cost for the same traffic.
//
// Traffic (hours of requests, connections, bytes) comes from metered records, a traffic file, CloudWatch or access logs
// and is a `TrafficSeries`. A `CapacityMeter` measures it in capacity units: each hour its largest dimension, summed over
// hours. With the prices of a `PriceCatalogue` (data, never constants) it becomes the cost of an Application, Network or
// Classic Load Balancer; what stands around them (data between zones, addresses, nodes, the cluster, the fee) is apart.
// A `Comparison` puts a gateway of one's own beside its alternatives and prints the saving's sign as it is, what binds
// hour by hour, where that turns, and where every assumption came from.
//
// Everything is pure: text and bytes come in, values go out; no clock, no network, no Double. Amounts are exact
// fractions until they are printed.

/// The same traffic behind a gateway of one's own and behind its alternatives, with the saving's sign as it is.
///
/// `own` is always the Network Load Balancer, data between zones, Envoy's share of nodes, the cluster's share and the
/// fee. Public IPv4 is the same on both sides of a load balancer and in no total.
package struct Comparison: Sendable {
    /// One column of costs. Amounts are exact, in the comparison's currency.
    package struct Row: Sendable {
        package let key: String
        package let name: String
        /// Hour charges and fixed charges.
        package var hours: Fraction = .zero
        /// Capacity units, GB of a Classic Load Balancer, or requests.
        package var units: Fraction = .zero
        /// Data between zones, or data charged by the GiB.
        package var data: Fraction = .zero
        package var nodes: Fraction = .zero
        package var fee: Fraction = .zero
        /// Cluster share and operations.
        package var other: Fraction = .zero
        package var total: Fraction = .zero
        /// `total − own.total`: below zero where the gateway of one's own costs more. Nil for own itself.
        package var saving: Fraction?
        /// `saving ÷ total × 100`; nil where the total is 0.
        package var savingPercent: Fraction?
        /// The fee per billion requests at which both cost the same; below zero: not even a free gateway saves.
        package var breakEvenFeePerBillion: Fraction?
        package var bindingHours: [CapacityDimension: Int64] = [:]
        /// What the product charges and the total leaves out.
        package var leftOut: String?
    }

    package let region: String
    package let currency: String
    package let hours: Int64
    package let requests: Fraction
    package let own: Row
    package let alternatives: [Row]
    /// Why an alternative is missing, by its key.
    package let unavailable: [String: String]
    /// What binds the Application Load Balancer, by listed hour.
    package let binding: [CapacityDimension]
    package let starts: [Int64]
    package let envoy: EnvoyUse
    package let addresses: AddressCost?
    package let sensitivity: [Sensitivity]
    package let assumptions: Assumptions
    package let gateway: OwnGateway
    package let nodePrice: ListPrice
    package let notes: [String]

    /// The keys that `--against` takes: load balancers first, then the catalogue's request-priced gateways.
    package static func alternatives(in catalogue: PriceCatalogue) -> [String] {
        ["alb", "nlb", "clb"] + catalogue.gateways.keys.sorted()
    }

    /// Throws `.missingPrice` where own can not be priced in the region, `.invalidInput` for an unknown alternative,
    /// `.mixedCurrencies` where the fee is in another currency. `against` nil: all.
    package init(
        _ series: TrafficSeries, _ assumptions: Assumptions, own gateway: OwnGateway, catalogue: PriceCatalogue,
        region: String, against: [String]? = nil
    ) throws {
        let currency = try catalogue.currency(of: region)
        let envoy = try EnvoyUse(series, gateway.sizing)
        let nodePrice = try Self.nodePrice(gateway, catalogue, region, currency)
        let balancer = try NetworkLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
        let own = try Self.own(series, assumptions, gateway, balancer, envoy, nodePrice, catalogue, region)
        var draft = ComparisonDraft(series, assumptions, own, balancer, catalogue, region, currency)
        for key in against ?? Self.alternatives(in: catalogue) { try draft.add(key) }
        self.region = region
        self.currency = currency
        hours = series.hourCount
        requests = series.totals.requests
        self.own = own
        alternatives = draft.rows
        unavailable = draft.unavailable
        binding = draft.applicationUse?.binding ?? []
        starts = series.starts
        self.envoy = envoy
        addresses = try catalogue.price(.publicIPv4Hour, in: region).map { _ in
            try AddressCost(series, assumptions, catalogue: catalogue, region: region)
        }
        sensitivity = try Sensitivity.all(series, assumptions, own, draft, envoy, nodePrice, catalogue, region)
        self.assumptions = assumptions
        self.gateway = gateway
        self.nodePrice = nodePrice
        notes = Self.notes(series, gateway, nodePrice, catalogue, region)
    }

    private static func own(
        _ series: TrafficSeries, _ assumptions: Assumptions, _ gateway: OwnGateway,
        _ balancer: NetworkLoadBalancerCost, _ envoy: EnvoyUse, _ nodePrice: ListPrice, _ catalogue: PriceCatalogue,
        _ region: String
    ) throws -> Row {
        guard gateway.feeCurrency == nil || gateway.feeCurrency == balancer.currency else {
            throw LoadBalancerCostError(
                .mixedCurrencies,
                "the fee is in \(gateway.feeCurrency ?? "") and prices in \(region) are in \(balancer.currency): "
                    + "give a price book in \(balancer.currency), amounts of two currencies are not added")
        }
        var row = Row(key: "own", name: "own gateway: NLB + Envoy")
        row.hours = balancer.hourCharge
        row.units = balancer.unitCharge
        row.data = try InterZoneCost(series, assumptions, catalogue: catalogue, region: region).total
        row.nodes = try envoy.vcpuHours(gateway.nodes) * nodePrice.amount
        row.fee = gateway.fee ?? .zero
        row.other = gateway.operations
        if !gateway.clusterShare.isZero {
            let cluster = try catalogue.require(.eksHour, in: region)
            row.other = try row.other + cluster.amount * gateway.clusterShare * series.hourCount
        }
        row.bindingHours = balancer.use.first?.use.bindingHours ?? [:]
        row.total = try row.sum()
        return row
    }

    private static func nodePrice(
        _ gateway: OwnGateway, _ catalogue: PriceCatalogue, _ region: String, _ currency: String
    ) throws -> ListPrice {
        if let price = gateway.vcpuHourPrice {
            return ListPrice(amount: price, currency: currency, source: "configuration", date: "", inferred: false)
        }
        return try catalogue.require(.nodeVCPUHour, in: region)
    }

    private static func notes(
        _ series: TrafficSeries, _ gateway: OwnGateway, _ nodePrice: ListPrice, _ catalogue: PriceCatalogue,
        _ region: String
    ) -> [String] {
        var notes: [String] = []
        if gateway.fee == nil {
            notes.append("no gateway fee was given: own is before fee, and there is no public EnRoute price")
        }
        if gateway.operations.isZero { notes.append("hours of operation are not counted (operations 0)") }
        if series.spreadHours > 0 {
            notes.append("\(series.spreadHours) hours hold usage that began before them and was spread evenly")
        }
        if series.missingHours > 0 {
            notes.append("\(series.missingHours) hours in between are not listed and not charged")
        }
        let inferred = PriceItem.loadBalancers.filter { catalogue.price($0, in: region)?.inferred == true }
        if !inferred.isEmpty { notes.append("inferred prices: \(inferred.map(\.rawValue).joined(separator: ", "))") }
        return notes
    }
}

extension Comparison.Row {
    func sum() throws -> Fraction { try hours + units + data + nodes + fee + other }
}
