package import LoadBalancerCosts
package import Pricing

/// What a gateway's month cost beside its alternatives: the comparison, and how the break-even fee goes with the size of a
/// request. It computes nothing of either.
package struct SavingsReport: Sendable {
    package let gateway: String
    /// `2026-11`.
    package let month: String
    package let period: BillingPeriod
    package let comparison: Comparison
    package let curve: BreakEvenCurve

    package init(
        gateway: String, month: String, period: BillingPeriod, comparison: Comparison, curve: BreakEvenCurve
    ) {
        self.gateway = gateway
        self.month = month
        self.period = period
        self.comparison = comparison
        self.curve = curve
    }

    /// The alternative of the first sentence: ALB where it is compared, else the first.
    var main: Comparison.Row? {
        comparison.alternatives.first { $0.key == "alb" } ?? comparison.alternatives.first
    }

    /// Alternatives that would have cost less, the cheapest first.
    var cheaper: [Comparison.Row] {
        comparison.alternatives.filter { $0.total < comparison.own.total }.sorted { $0.total < $1.total }
    }

    /// Own and alternatives in charts of their own scale: within one no bar is more than twenty times another, own's aside.
    /// Ascending by total.
    var scales: [[Comparison.Row]] {
        var scales: [[Comparison.Row]] = []
        var least = Fraction.zero
        for row in comparison.alternatives.sorted(by: { $0.total < $1.total }) {
            if let last = scales.indices.last, least.isZero || row.total <= (try? least * 20) ?? row.total {
                scales[last].append(row)
            } else {
                scales.append([row])
            }
            if least.isZero || scales.last?.count == 1 { least = row.total }
        }
        return scales
    }

    /// What a cost is made of.
    static let parts: [(label: ReportLabel, amount: any KeyPath<Comparison.Row, Fraction> & Sendable)] = [
        (.savingsHours, \.hours), (.savingsUnits, \.units), (.savingsData, \.data), (.savingsNodes, \.nodes),
        (.savingsFee, \.fee), (.savingsOther, \.other),
    ]

    /// The curves that are drawn: load balancers that a client could use instead, at most four.
    var curves: [Comparison.Row] {
        let balancers = comparison.alternatives.filter { ["alb", "clb"].contains($0.key) }
        return Array((balancers.isEmpty ? comparison.alternatives : balancers).prefix(4))
    }
}

extension SavingsReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case gateway, month, zone, headline, comparison
        case curve = "break_even_curve"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gateway, forKey: .gateway)
        try container.encode(month, forKey: .month)
        try container.encode(period.zone.description, forKey: .zone)
        try container.encodeIfPresent(comparison.headline, forKey: .headline)
        try container.encode(comparison, forKey: .comparison)
        try container.encode(curve, forKey: .curve)
    }
}
