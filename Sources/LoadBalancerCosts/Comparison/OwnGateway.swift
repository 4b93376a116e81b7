/// What a gateway of one's own costs beside its Network Load Balancer: Envoy's share of nodes, the cluster, the fee.
package struct OwnGateway: Sendable {
    /// Whether nodes follow each hour's traffic or stand all month for the busiest hour.
    package enum Nodes: String, Sendable, CaseIterable, Codable {
        case hourly, peak
    }

    package var sizing: EnvoySizing
    package var nodes: Nodes
    /// Per vCPU and hour; nil: the catalogue's price of the region.
    package var vcpuHourPrice: Fraction?
    /// The share of the EKS cluster's fee that the gateway bears, 0 to 1: 0 where the cluster exists anyway.
    package var clusterShare: Fraction
    /// The gateway's fee for the series' requests, from a price book; nil: none was given, and the total is before fee.
    package var fee: Fraction?
    /// The fee's currency; nil: the region's.
    package var feeCurrency: String?
    /// Where the fee came from: a price book's name and version.
    package var feeSource: String
    /// What operating it costs in the period. Optional and labelled; 0 by default.
    package var operations: Fraction

    package init(
        sizing: EnvoySizing, nodes: Nodes = .hourly, vcpuHourPrice: Fraction? = nil, clusterShare: Fraction = .zero,
        fee: Fraction? = nil, feeCurrency: String? = nil, feeSource: String = "none given", operations: Fraction = .zero
    ) {
        self.sizing = sizing
        self.nodes = nodes
        self.vcpuHourPrice = vcpuHourPrice
        self.clusterShare = clusterShare
        self.fee = fee
        self.feeCurrency = feeCurrency
        self.feeSource = feeSource
        self.operations = operations
    }
}

/// Envoy's vCPU over a series.
package struct EnvoyUse: Hashable, Sendable {
    /// Σ over hours of max(minimum, requests per second / 1,000 × vCPU / utilisation).
    package let vcpuHours: Fraction
    /// The busiest hour's vCPU.
    package let peakVCPU: Fraction
    private let hours: Int64

    package init(_ series: TrafficSeries, _ sizing: EnvoySizing) throws {
        let perRequest =
            try sizing.vcpuPer1000Requests / sizing.targetUtilisation / 3_600_000
            / Fraction(whole: series.countScale)
        let scale = try leastCommonMultiple(perRequest.denominator, sizing.minimumVCPU.denominator)
        let weight = try exactProduct(perRequest.numerator, scale / perRequest.denominator)
        let least = try exactProduct(sizing.minimumVCPU.numerator, scale / sizing.minimumVCPU.denominator)
        let most = max(least, try exactProduct(series.maxima.requests, weight))
        // The largest term times the number of terms fits, so the loop can not overflow.
        _ = try exactProduct(most, Int128(series.rows.count))
        var sum: Int128 = 0
        for row in series.rows { sum &+= max(least, row.requests &* weight) }
        // Hours that are listed and not charged have no nodes that stand for them.
        let standing = try sizing.minimumVCPU * (series.hourCount - series.hoursListed)
        vcpuHours = try Fraction(sum, over: scale) * series.repeats + standing
        peakVCPU = try Fraction(most, over: scale)
        hours = series.hourCount
    }

    /// vCPU-hours as the nodes stand.
    package func vcpuHours(_ nodes: OwnGateway.Nodes) throws -> Fraction {
        nodes == .hourly ? vcpuHours : try peakVCPU * hours
    }
}
