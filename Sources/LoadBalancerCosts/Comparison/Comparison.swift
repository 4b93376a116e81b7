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
    /// Where the region came from: an option, a file, or `default`.
    package let regionSource: String
    package let currency: String
    /// The hours that were compared, in order.
    package let series: TrafficSeries
    /// True for traffic that was metered, false for traffic that is supposed.
    package let isMetered: Bool
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
    /// The region's prices that were used, by item.
    package let prices: [PriceItem: ListPrice]
    /// The request-priced gateways that were compared, by key.
    package let gateways: [String: RequestPricedGateway]
    private let capacityUnits: CapacityUnits
    package let notes: [String]

    /// All that is compared unless `--against` names some: load balancers first, then the catalogue's request-priced
    /// gateways. A Gateway Load Balancer (`gwlb`), which is no entry for clients, is compared where it is named.
    package static func alternatives(in catalogue: PriceCatalogue) -> [String] {
        ["alb", "nlb", "clb"] + catalogue.gateways.keys.sorted()
    }

    /// `against` nil: all. `notes`: what was done to the traffic before, to be said with the answer.
    ///
    /// Throws `.missingPrice` where own can not be priced in the region, `.invalidInput` for an unknown alternative,
    /// `.mixedCurrencies` where the fee is in another currency.
    package init(
        _ series: TrafficSeries, _ assumptions: Assumptions, own gateway: OwnGateway, catalogue: PriceCatalogue,
        region: String, regionSource: String = "default", against: [String]? = nil, isMetered: Bool = false,
        notes: [String] = []
    ) throws {
        let currency = try catalogue.currency(of: region)
        let envoy = try EnvoyUse(series, gateway.sizing)
        let nodePrice = try Self.nodePrice(gateway, catalogue, region, currency)
        let balancer = try NetworkLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
        let own = try Self.own(series, assumptions, gateway, balancer, envoy, nodePrice, catalogue, region)
        var draft = ComparisonDraft(series, assumptions, own, balancer, catalogue, region, currency)
        var named: Set<String> = []
        for key in against ?? Self.alternatives(in: catalogue) where named.insert(key).inserted { try draft.add(key) }
        self.region = region
        self.regionSource = regionSource
        self.currency = currency
        self.series = series
        self.isMetered = isMetered
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
        gateways = catalogue.gateways.filter { key, _ in draft.rows.contains { $0.key == key } }
        capacityUnits = catalogue.capacityUnits
        prices = Self.prices(draft.rows.map(\.key), assumptions, gateway, catalogue, region)
        self.notes = notes + Self.notes(series, gateway, prices)
    }

    /// The load balancers whose units were measured; own has a Network Load Balancer in any case.
    private var measured: [String] {
        ["alb", "gwlb", "nlb"].filter { key in key == "nlb" || alternatives.contains { $0.key == key } }
    }

    /// What their capacity units contain and where that was read: name, content, source.
    package var capacityUnitLines: [[String]] { capacityUnits.lines(measured, assumptions) }

    /// The sources of their capacity units.
    package var capacityUnitOrigins: [String: PriceOrigin] {
        capacityUnits.origins.filter { measured.contains($0.key) }
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

    /// The prices behind own and the alternatives.
    private static func prices(
        _ keys: [String], _ assumptions: Assumptions, _ gateway: OwnGateway, _ catalogue: PriceCatalogue,
        _ region: String
    ) -> [PriceItem: ListPrice] {
        var items: [PriceItem] = [.nlbHour, .nlbUnit, .interZoneGigabyte, .publicIPv4Hour]
        if !gateway.clusterShare.isZero { items.append(.eksHour) }
        if keys.contains("clb") { items += [.clbHour, .clbGigabyte] }
        if keys.contains("gwlb") { items += GatewayLoadBalancerCost.items }
        if keys.contains("alb") {
            items += [.albHour, .albUnit]
            if assumptions.trustStores > 0 { items.append(.trustStoreHour) }
            if assumptions.lcuReservation > 0 { items.append(.albReservedUnit) }
        }
        return Dictionary(
            uniqueKeysWithValues: items.compactMap { item in catalogue.price(item, in: region).map { (item, $0) } })
    }

    private static func notes(
        _ series: TrafficSeries, _ gateway: OwnGateway, _ prices: [PriceItem: ListPrice]
    ) -> [String] {
        var notes: [String] = []
        if gateway.fee == nil {
            notes.append("no gateway fee was given: own is before fee, and there is no public EnRoute price")
        }
        if gateway.operations.isZero {
            notes.append("what people do to operate the gateway is not counted (operations 0)")
        }
        if series.spreadHours > 0 {
            let hours = Counted.text(series.spreadHours, "hour")
            notes.append(
                "\(hours) gave or got traffic that began before the quarter hour in which it was read: spread evenly "
                    + "over its interval")
        }
        if series.missingHours > 0 {
            notes.append("\(Counted.text(series.missingHours, "hour")) in between not listed and not charged")
        }
        let inferred = prices.filter(\.value.inferred).keys.map(\.rawValue).sorted()
        if !inferred.isEmpty {
            notes.append("inferred, not read as prices of AWS: \(inferred.joined(separator: ", "))")
        }
        return notes
    }
}

extension Comparison.Row {
    func sum() throws -> Fraction { try hours + units + data + nodes + fee + other }
}
