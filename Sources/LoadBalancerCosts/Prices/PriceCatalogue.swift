/// Prices and divisors as data: config/prices/*.yaml, or what was imported from an AWS price list.
///
/// A price that is not in it is an error which names the item, the region and what is known; nothing is assumed.
package struct PriceCatalogue: Sendable {
    /// The currency and the prices of one region. The region `all` holds for every region of its currency.
    package struct Region: Hashable, Sendable {
        package var currency: String
        package var prices: [PriceItem: ListPrice]
    }

    package static let everyRegion = "all"

    package var regions: [String: Region]
    package var capacityUnits: CapacityUnits
    package var gateways: [String: RequestPricedGateway]
    package var envoy: EnvoySizing
    /// Capacity units and gateways as they were read, by key.
    package internal(set) var definitions: [String: CatalogueDefinition] = [:]

    init(
        regions: [String: Region], capacityUnits: CapacityUnits, gateways: [String: RequestPricedGateway],
        envoy: EnvoySizing
    ) {
        self.regions = regions
        self.capacityUnits = capacityUnits
        self.gateways = gateways
        self.envoy = envoy
    }

    /// The regions in which at least one load balancer has a price, in order.
    package var knownRegions: [String] {
        regions.filter { _, region in PriceItem.loadBalancers.contains { region.prices[$0] != nil } }.keys.sorted()
    }

    /// The region's own price, else that of all regions of its currency.
    package func price(_ item: PriceItem, in region: String) -> ListPrice? {
        guard let own = regions[region] else { return nil }
        if let price = own.prices[item] { return price }
        let shared = regions[Self.everyRegion]
        return shared?.currency == own.currency ? shared?.prices[item] : nil
    }

    /// Throws `.missingPrice`, saying what is known and how to import.
    package func require(_ item: PriceItem, in region: String) throws -> ListPrice {
        try requireRegion(region)
        guard let price = price(item, in: region) else {
            let known = regions.filter { $0.value.prices[item] != nil }.keys.sorted()
            throw LoadBalancerCostError(
                .missingPrice,
                "no price for \(item.rawValue) in \(region); known in: \(known.joined(separator: ", ")). "
                    + (item.isInLoadBalancerOffer
                        ? Self.importAdvice(region)
                        : "Write it, with source and date, into a YAML file like those of config/prices and give that by "
                            + "--price-list, or store it by `waybill prices import`"
                            + (item == .nodeVCPUHour ? "; or give --vcpu-hour-price" : "")))
        }
        return price
    }

    /// Throws `.missingPrice` for a region in which no load balancer has a price.
    package func requireRegion(_ region: String) throws {
        guard knownRegions.contains(region) else {
            throw LoadBalancerCostError(
                .missingPrice,
                "no load balancer prices for region '\(region)'; known: \(knownRegions.joined(separator: ", ")). "
                    + Self.importAdvice(region))
        }
    }

    /// The currency of a region. Throws `.missingPrice` for an unknown one.
    package func currency(of region: String) throws -> String {
        try requireRegion(region)
        return regions[region]?.currency ?? ""
    }

    static func importAdvice(_ region: String) -> String {
        let china = region.hasPrefix("cn-")
        let host =
            china
            ? "pricing.cn-north-1.amazonaws.com.cn/offers/v1.0/cn" : "pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
        return "Fetch https://\(host)/AWSELB/current/\(region)/index.json and run `waybill prices import index.json`"
    }
}
