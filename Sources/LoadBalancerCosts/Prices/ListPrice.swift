/// What one unit of an item costs in a region, and how that is known.
package struct ListPrice: Hashable, Sendable, Encodable {
    /// Per unit of the item, in `currency`. Exact.
    package let amount: Fraction
    /// ISO 4217. Amounts of two currencies are never added.
    package let currency: String
    /// Where it was read.
    package let source: String
    /// When the source is from: `2026-09-11`, `2026-11`.
    package let date: String
    /// True when it was derived and not read as a price.
    package let inferred: Bool

    package init(amount: Fraction, currency: String, source: String, date: String, inferred: Bool) {
        self.amount = amount
        self.currency = currency
        self.source = source
        self.date = date
        self.inferred = inferred
    }
}

/// An item with a price: the keys of `prices:` in config/prices/*.yaml.
package enum PriceItem: String, Hashable, Sendable, CaseIterable {
    case albHour = "alb_hour"
    case albUnit = "alb_lcu"
    case albReservedUnit = "alb_reserved_lcu"
    case trustStoreHour = "trust_store_hour"
    case nlbHour = "nlb_hour"
    case nlbUnit = "nlb_lcu"
    case nlbReservedUnit = "nlb_reserved_lcu"
    case clbHour = "clb_hour"
    case clbGigabyte = "clb_gb"
    case gwlbHour = "gwlb_hour"
    case gwlbUnit = "gwlb_lcu"
    case gwlbEndpointHour = "gwlb_endpoint_hour"
    case gwlbEndpointGigabyte = "gwlb_endpoint_gb"
    /// Per GB that crosses a zone, at each of its two ends.
    case interZoneGigabyte = "inter_zone_gb"
    case publicIPv4Hour = "public_ipv4_hour"
    case eksHour = "eks_hour"
    case nodeVCPUHour = "node_vcpu_hour"

    /// Whether AWS' price list AWSELB holds it; the others stand in other offers.
    var isInLoadBalancerOffer: Bool {
        switch self {
        case .interZoneGigabyte, .publicIPv4Hour, .eksHour, .nodeVCPUHour, .gwlbEndpointHour, .gwlbEndpointGigabyte:
            false
        default: true
        }
    }

    /// The items without which no load balancer of a region can be priced.
    static let loadBalancers: [PriceItem] = [.albHour, .albUnit, .nlbHour, .nlbUnit, .clbHour, .clbGigabyte]
}
