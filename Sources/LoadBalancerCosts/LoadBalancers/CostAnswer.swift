/// What every load balancer of a region would cost for a series: the answer of `waybill lb-cost`.
///
/// A load balancer without a price in the region is nil and named in `unavailable`; with none left it is an error.
package struct CostAnswer: Sendable {
    package let region: String
    package let regionSource: String
    package let alb: ApplicationLoadBalancerCost?
    package let nlb: NetworkLoadBalancerCost?
    package let clb: ClassicLoadBalancerCost?
    /// Lines beside the load balancers, in no total. Nil where the region has no such price.
    package let interZone: InterZoneCost?
    package let addresses: AddressCost?
    /// Why a load balancer or a line is missing, by its key.
    package let unavailable: [String: String]
    package let assumptions: Assumptions
    /// The prices of the region that were used, by item.
    package let prices: [PriceItem: ListPrice]
    package let capacityUnits: CapacityUnits
    package let notes: [String]

    package init(
        _ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String,
        regionSource: String = "default", notes: [String] = []
    ) throws {
        try catalogue.requireRegion(region)
        var unavailable: [String: String] = [:]
        func priced<Cost>(_ name: String, _ cost: () throws -> Cost) throws -> Cost? {
            do {
                return try cost()
            } catch let error as LoadBalancerCostError where error.code == .missingPrice {
                unavailable[name] = error.message
                return nil
            }
        }
        alb = try priced("alb") {
            try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
        }
        nlb = try priced("nlb") {
            try NetworkLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
        }
        clb = try priced("clb") {
            try ClassicLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
        }
        if alb == nil, nlb == nil, clb == nil, let reason = unavailable["alb"] {
            throw LoadBalancerCostError(.missingPrice, reason)
        }
        interZone = try priced("inter_az") {
            try InterZoneCost(series, assumptions, catalogue: catalogue, region: region)
        }
        addresses = try priced("ipv4") {
            try AddressCost(series, assumptions, catalogue: catalogue, region: region)
        }
        self.region = region
        self.regionSource = regionSource
        self.unavailable = unavailable
        self.assumptions = assumptions
        capacityUnits = catalogue.capacityUnits
        prices = Self.used(assumptions, catalogue, region)
        self.notes = notes + Self.notes(series, assumptions, prices, catalogue)
    }

    private static func used(
        _ assumptions: Assumptions, _ catalogue: PriceCatalogue, _ region: String
    ) -> [PriceItem: ListPrice] {
        var items = PriceItem.loadBalancers + [.interZoneGigabyte, .publicIPv4Hour]
        if assumptions.trustStores > 0 { items.append(.trustStoreHour) }
        if assumptions.lcuReservation > 0 { items.append(.albReservedUnit) }
        return Dictionary(
            uniqueKeysWithValues: items.compactMap { item in catalogue.price(item, in: region).map { (item, $0) } })
    }

    private static func notes(
        _ series: TrafficSeries, _ assumptions: Assumptions, _ prices: [PriceItem: ListPrice],
        _ catalogue: PriceCatalogue
    ) -> [String] {
        var notes: [String] = []
        let inferred = prices.filter(\.value.inferred).keys.map(\.rawValue).sorted()
        if !inferred.isEmpty { notes.append("inferred prices, not read from AWS: \(inferred.joined(separator: ", "))") }
        let minimum = catalogue.capacityUnits.application.minimumReservation
        if assumptions.lcuReservation > 0, assumptions.lcuReservation < minimum {
            notes.append("AWS reserves at least \(minimum) LCU; lcu_reservation is \(assumptions.lcuReservation)")
        }
        if assumptions.mutualTLS, assumptions.trustStores == 0 {
            notes.append(
                "mutual TLS with trust_stores 0: a verifying listener has a trust store, with an hour price of its own")
        }
        if series.missingHours > 0 {
            notes.append(
                "\(series.missingHours) hours between the first and the last are not listed and not charged; "
                    + "a load balancer without traffic still costs its hour: list them with zeros")
        }
        if series.spreadHours > 0 {
            notes.append("\(series.spreadHours) hours hold usage that began before them and was spread evenly")
        }
        return notes
    }
}

extension CostAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case region, alb, nlb, clb
        case interZone = "inter_az"
        case addresses = "ipv4"
        case unavailable, assumptions
        case assumptionSources = "assumption_sources"
        case prices, notes
        case capacityUnits = "capacity_units"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(region, forKey: .region)
        try container.encode(alb, forKey: .alb)
        try container.encode(nlb, forKey: .nlb)
        try container.encode(clb, forKey: .clb)
        try container.encode(interZone, forKey: .interZone)
        try container.encode(addresses, forKey: .addresses)
        if !unavailable.isEmpty { try container.encode(unavailable, forKey: .unavailable) }
        try container.encode(assumptions, forKey: .assumptions)
        try container.encode(assumptionSources, forKey: .assumptionSources)
        try container.encode(
            Dictionary(uniqueKeysWithValues: prices.map { ($0.key.rawValue, $0.value) }), forKey: .prices)
        let measured = [alb.map { _ in "alb" }, nlb.map { _ in "nlb" }].compactMap(\.self)
        try container.encode(
            capacityUnits.origins.filter { measured.contains($0.key) }, forKey: .capacityUnits)
        try container.encode(notes, forKey: .notes)
    }

    /// Where each assumption and the region came from.
    package var assumptionSources: [String: String] {
        var sources = Dictionary(
            uniqueKeysWithValues: Assumptions.Name.allCases.map { ($0.rawValue, assumptions.source($0)) })
        sources["region"] = regionSource
        return sources
    }
}
