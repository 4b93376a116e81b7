/// What a Network Load Balancer costs for a series per listener protocol. `total` = hours + NLCUs.
package struct NetworkLoadBalancerCost: Sendable {
    package let currency: String
    package let hours: Int64
    /// Each protocol is measured for itself; the sum over protocols is charged.
    package let use: [(listener: ListenerProtocol, use: CapacityUse)]
    /// NLCU-hours over all protocols.
    package let unitHours: Fraction
    package let hourCharge: Fraction
    package let unitCharge: Fraction
    package let total: Fraction
}

extension NetworkLoadBalancerCost {
    /// One listener, that of the assumptions.
    package init(_ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String) throws
    {
        try self.init([(assumptions.nlbListener, series)], assumptions, catalogue: catalogue, region: region)
    }

    /// Several listeners; every series must have the same number of hours.
    package init(
        _ listeners: [(listener: ListenerProtocol, series: TrafficSeries)], _ assumptions: Assumptions,
        catalogue: PriceCatalogue, region: String
    ) throws {
        guard let first = listeners.first, listeners.allSatisfy({ $0.series.hourCount == first.series.hourCount })
        else {
            throw LoadBalancerCostError(
                .invalidInput, "the protocols of a network load balancer need series of the same hours")
        }
        let hourPrice = try catalogue.require(.nlbHour, in: region)
        let unitPrice = try catalogue.require(.nlbUnit, in: region)
        use = try listeners.map { listener, series in
            guard let unit = catalogue.capacityUnits.network[listener] else {
                throw LoadBalancerCostError(
                    .missingPrice, "no capacity unit for \(listener.rawValue) in capacity_units")
            }
            return (listener, try CapacityMeter(unit, assumptions).measure(series))
        }
        currency = hourPrice.currency
        hours = first.series.hourCount
        unitHours = try use.reduce(.zero) { try $0 + $1.use.unitHours }
        hourCharge = try hourPrice.amount * hours
        unitCharge = try unitHours * unitPrice.amount
        total = try hourCharge + unitCharge
    }
}

extension CapacityMeter {
    /// One NLCU of one protocol. Targets do not matter to it: Lambda bytes are bytes.
    init(_ unit: CapacityUnits.Network, _ assumptions: Assumptions) throws {
        let perByte = try Fraction.one / (unit.gigabytesPerHour * assumptions.gigabyte.bytes)
        try self.init(
            perNewConnection: .one / (unit.newFlowsPerSecond * 3_600), perActiveConnection: .one / unit.activeFlows,
            perByte: perByte, perLambdaByte: perByte, perRuleEvaluation: .zero, evaluationsPerRequest: 0)
    }
}

extension NetworkLoadBalancerCost: Encodable {
    private enum CodingKeys: String, CodingKey {
        case currency, hours, total
        case lcuHours = "lcu_hours"
        case totalRounded = "total_rounded"
        case bindingHours = "binding_hours"
        case listeners
        case hourCharge = "hour_charge"
        case lcuCharge = "lcu_charge"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(unitHours, forKey: .lcuHours)
        try container.encode(hours, forKey: .hours)
        try container.encode(total, forKey: .total)
        try container.encode(total.cents, forKey: .totalRounded)
        try container.encode(currency, forKey: .currency)
        if let first = use.first, use.count == 1 {
            try container.encode(first.use.bindingHoursByName, forKey: .bindingHours)
        }
        let byListener = use.map { ($0.listener.rawValue, $0.use.unitHours) }
        try container.encode(Dictionary(byListener, uniquingKeysWith: { first, _ in first }), forKey: .listeners)
        try container.encode(hourCharge, forKey: .hourCharge)
        try container.encode(unitCharge, forKey: .lcuCharge)
    }
}
