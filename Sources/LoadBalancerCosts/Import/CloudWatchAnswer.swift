/// What an existing load balancer costs by its own metrics, and what the same traffic would cost behind a gateway.
package struct CloudWatchAnswer: Sendable {
    package let kind: LoadBalancerKind
    package let region: String
    package let currency: String
    package let from: Int64
    package let hours: Int64
    /// Capacity unit-hours as billed: Σ of Sum(ConsumedLCUs). Nil for a Classic Load Balancer.
    package let unitHours: Fraction?
    package let total: Fraction
    /// What binds by the raw counts; nil where there are none.
    package let bindingHours: [CapacityDimension: Int64]?
    /// The same traffic behind a gateway of one's own; nil where the files hold capacity units and no traffic.
    package let own: Comparison.Row?
    /// `total − own.total`, whatever its sign.
    package let saving: Fraction?
    package let savingPercent: Fraction?
    package let breakEvenFeePerBillion: Fraction?
    package let notes: [String]

    package init(
        _ metrics: CloudWatchMetrics, _ assumptions: Assumptions, own gateway: OwnGateway, catalogue: PriceCatalogue,
        region: String
    ) throws {
        let series = try metrics.series()
        let existing = try ExistingCost(metrics, series, assumptions, catalogue, region)
        kind = metrics.kind
        self.region = region
        currency = try catalogue.currency(of: region)
        from = series.starts.first ?? 0
        hours = series.hourCount
        unitHours = existing.unitHours
        total = existing.total
        bindingHours = existing.use?.bindingHours
        guard metrics.hasTraffic else {
            (own, saving, savingPercent, breakEvenFeePerBillion) = (nil, nil, nil, nil)
            notes =
                metrics.notes + existing.notes + [
                    "no bytes, requests or connections in the files: the gateway's side can not be priced; "
                        + "`waybill cloudwatch --command` prints the AWS CLI command that fetches them"
                ]
            return
        }
        let comparison = try Comparison(
            series, assumptions, own: gateway, catalogue: catalogue, region: region, against: [])
        own = comparison.own
        let saving = try existing.total - comparison.own.total
        self.saving = saving
        savingPercent = existing.total.isZero ? nil : try saving * 100 / existing.total
        let requests = series.totals.requests
        breakEvenFeePerBillion =
            requests.isZero ? nil : try (saving + comparison.own.fee) * 1_000_000_000 / requests
        notes = metrics.notes + existing.notes + comparison.notes
    }
}

/// The bill of the existing load balancer.
private struct ExistingCost {
    var unitHours: Fraction?
    var total = Fraction.zero
    var use: CapacityUse?
    var notes: [String] = []

    init(
        _ metrics: CloudWatchMetrics, _ series: TrafficSeries, _ assumptions: Assumptions, _ catalogue: PriceCatalogue,
        _ region: String
    ) throws {
        switch metrics.kind {
        case .alb: try application(metrics, series, assumptions, catalogue, region)
        case .nlb: try network(metrics, series, assumptions, catalogue, region)
        case .clb: try classic(metrics, series, assumptions, catalogue, region)
        }
    }

    private mutating func application(
        _ metrics: CloudWatchMetrics, _ series: TrafficSeries, _ assumptions: Assumptions, _ catalogue: PriceCatalogue,
        _ region: String
    ) throws {
        let rebuilt = try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
        if ["NewConnectionCount", "ActiveConnectionCount", "ProcessedBytes", "RuleEvaluations"].contains(
            where: metrics.has)
        {
            use = rebuilt.use
        }
        guard metrics.has("ConsumedLCUs") else {
            unitHours = rebuilt.use.unitHours
            total = rebuilt.total
            notes.append(
                "estimate: without ConsumedLCUs the LCUs are rebuilt from connection counts, which count client and target "
                    + "sides alike and overstate")
            return
        }
        notes.append(
            "LCU-hours are Sum(ConsumedLCUs); connection counts hold client and target sides alike and only show what binds"
        )
        var charged = Fraction.zero
        for hour in metrics.hours {
            // A reservation is published by the minute: its sum over an hour ÷ 60.
            let reserved = try metrics.sum("ReservedLCUs", hour) / 60
            let above = try metrics.sum("ConsumedLCUs", hour) - reserved
            charged = try charged + max(.zero, above)
            if !reserved.isZero {
                total = try total + reserved * catalogue.require(.albReservedUnit, in: region).amount
            }
        }
        unitHours = try metrics.total("ConsumedLCUs")
        total =
            try total + rebuilt.hourCharge + rebuilt.trustStoreCharge
            + charged * catalogue.require(.albUnit, in: region).amount
    }

    private mutating func network(
        _ metrics: CloudWatchMetrics, _ series: TrafficSeries, _ assumptions: Assumptions, _ catalogue: PriceCatalogue,
        _ region: String
    ) throws {
        let listeners: [(String, ListenerProtocol)] = [("_TCP", .tcp), ("_TLS", .tls), ("_UDP", .udp)]
        let hourCharge = try catalogue.require(.nlbHour, in: region).amount * series.hourCount
        let unit = try catalogue.require(.nlbUnit, in: region).amount
        notes.append("requests are not counted by a network load balancer: nodes are the minimum, no break-even fee")
        if metrics.has("ConsumedLCUs") {
            unitHours = try metrics.total("ConsumedLCUs")
        } else if listeners.contains(where: { metrics.has("ConsumedLCUs" + $0.0) }) {
            unitHours = try listeners.reduce(.zero) { try $0 + metrics.total("ConsumedLCUs" + $1.0) }
        } else {
            let split = listeners.filter { metrics.has("NewFlowCount" + $0.0) || metrics.has("ProcessedBytes" + $0.0) }
            let measured = try split.map { (listener: $0.1, series: try metrics.series($0.0)) }
            let cost =
                split.isEmpty
                ? try NetworkLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
                : try NetworkLoadBalancerCost(measured, assumptions, catalogue: catalogue, region: region)
            unitHours = cost.unitHours
            notes.append("estimate: without ConsumedLCUs the NLCUs are rebuilt from flow counts")
        }
        total = try hourCharge + (unitHours ?? .zero) * unit
    }

    private mutating func classic(
        _ metrics: CloudWatchMetrics, _ series: TrafficSeries, _ assumptions: Assumptions, _ catalogue: PriceCatalogue,
        _ region: String
    ) throws {
        total = try ClassicLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region).total
        guard metrics.has("EstimatedALBConsumedLCUs") else { return }
        let units = try metrics.total("EstimatedALBConsumedLCUs")
        let asApplication =
            try catalogue.require(.albHour, in: region).amount * series.hourCount
            + units * catalogue.require(.albUnit, in: region).amount
        notes.append("as an ALB, by AWS' own estimate (\(units) LCU-hours): \(asApplication.readable)")
    }
}

extension CloudWatchAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case kind = "load_balancer"
        case region, currency, from, hours
        case unitHours = "lcu_hours"
        case total
        case totalRounded = "total_rounded"
        case bindingHours = "binding_hours"
        case own, saving
        case savingPercent = "saving_percent"
        case breakEven = "break_even_fee_per_billion"
        case notes
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(region, forKey: .region)
        try container.encode(currency, forKey: .currency)
        try container.encode(Instant.text(from), forKey: .from)
        try container.encode(hours, forKey: .hours)
        try container.encodeIfPresent(unitHours, forKey: .unitHours)
        try container.encode(total, forKey: .total)
        try container.encode(total.cents, forKey: .totalRounded)
        if let bindingHours {
            let named = bindingHours.map { ($0.key.rawValue, $0.value) }
            try container.encode(Dictionary(uniqueKeysWithValues: named), forKey: .bindingHours)
        }
        try container.encodeIfPresent(own, forKey: .own)
        try container.encodeIfPresent(saving, forKey: .saving)
        try container.encodeIfPresent(savingPercent?.cents, forKey: .savingPercent)
        try container.encodeIfPresent(breakEvenFeePerBillion, forKey: .breakEven)
        try container.encode(notes, forKey: .notes)
    }

    /// For a person.
    package func table() -> String {
        var table = TextTable(["", "hours", "units", "total", ""], right: [1, 2], amounts: [3])
        table.add([kind.rawValue, "\(hours)", unitHours.map { "\($0)" } ?? "", total.readable, currency])
        if let own, let saving {
            table.add(["own", "\(hours)", "", own.total.readable, currency])
            table.add(["saving", "", savingPercent.map { "\($0.signed) %" } ?? "", saving.signed, currency])
        }
        var text = "\(kind.namespace) from \(Instant.text(from)), \(region)\n\n\(table.text)\n"
        if let own {
            text += "own: NLB hours \(own.hours.readable), NLCU \(own.units.readable), data \(own.data.readable), "
            text += "nodes \(own.nodes.readable), fee \(own.fee.readable), other \(own.other.readable)\n"
        }
        if let breakEvenFeePerBillion {
            text += "break-even fee per billion requests: \(breakEvenFeePerBillion.readable)\n"
        }
        if let bindingHours { text += "binds, by hours: \(CostAnswer.text(bindingHours))\n" }
        return text + notes.map { "note: \($0)\n" }.joined()
    }
}
