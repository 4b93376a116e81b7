/// What an Application Load Balancer costs for a series. Amounts are exact, in `currency`.
///
/// `total` = hours + LCUs (or the reservation and what exceeds it) + trust stores. Data between zones and addresses
/// are never in it.
package struct ApplicationLoadBalancerCost: Sendable {
    package let currency: String
    package let hours: Int64
    package let use: CapacityUse
    package let hourCharge: Fraction
    /// LCUs used; with a reservation those above it.
    package let lcuCharge: Fraction
    package let reservationCharge: Fraction
    package let trustStoreCharge: Fraction
    package let total: Fraction
}

extension ApplicationLoadBalancerCost {
    /// Throws `.missingPrice` where the region lacks a price that is needed.
    package init(_ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String) throws
    {
        let hourPrice = try catalogue.require(.albHour, in: region)
        let unitPrice = try catalogue.require(.albUnit, in: region)
        let unit = catalogue.capacityUnits.application
        use = try CapacityMeter(unit, assumptions).measure(series, reservation: Fraction(assumptions.lcuReservation))
        currency = hourPrice.currency
        hours = series.hourCount
        hourCharge = try hourPrice.amount * hours
        lcuCharge = try use.unitHoursAboveReservation * unitPrice.amount
        reservationCharge =
            assumptions.lcuReservation == 0
            ? .zero
            : try catalogue.require(.albReservedUnit, in: region).amount * hours * assumptions.lcuReservation
        trustStoreCharge =
            assumptions.trustStores == 0
            ? .zero : try catalogue.require(.trustStoreHour, in: region).amount * hours * assumptions.trustStores
        total = try hourCharge + lcuCharge + reservationCharge + trustStoreCharge
    }
}

extension CapacityMeter {
    /// One LCU of an Application Load Balancer. Lambda bytes add to the others within the bytes dimension.
    init(_ unit: CapacityUnits.Application, _ assumptions: Assumptions) throws {
        guard let connectionsPerSecond = unit.newConnectionsPerSecond[assumptions.certificateKey] else {
            throw LoadBalancerCostError(
                .missingPrice,
                "no new connections per second for \(assumptions.certificateKey.rawValue) in capacity_units")
        }
        let active = assumptions.mutualTLS ? unit.activeConnectionsMutualTLS : unit.activeConnections
        let gigabyte = assumptions.gigabyte.bytes
        try self.init(
            perNewConnection: .one / (connectionsPerSecond * 3_600),
            perActiveConnection: .one / active,
            perByte: .one / (unit.gigabytesPerHour * gigabyte),
            perLambdaByte: .one / (unit.lambdaGigabytesPerHour * gigabyte),
            perRuleEvaluation: .one / (unit.ruleEvaluationsPerSecond * 3_600),
            evaluationsPerRequest: max(0, assumptions.rules - unit.freeRules))
    }
}

extension ApplicationLoadBalancerCost: Encodable {
    private enum CodingKeys: String, CodingKey {
        case currency, hours, total
        case lcuHours = "lcu_hours"
        case peakLCU = "peak_lcu"
        case totalRounded = "total_rounded"
        case bindingHours = "binding_hours"
        case hourCharge = "hour_charge"
        case lcuCharge = "lcu_charge"
        case reservationCharge = "reservation_charge"
        case trustStoreCharge = "trust_store_charge"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(use.unitHours, forKey: .lcuHours)
        try container.encode(hours, forKey: .hours)
        try container.encode(total, forKey: .total)
        try container.encode(total.cents, forKey: .totalRounded)
        try container.encode(currency, forKey: .currency)
        try container.encode(use.bindingHoursByName, forKey: .bindingHours)
        try container.encode(use.peak, forKey: .peakLCU)
        try container.encode(hourCharge, forKey: .hourCharge)
        try container.encode(lcuCharge, forKey: .lcuCharge)
        try container.encode(reservationCharge, forKey: .reservationCharge)
        try container.encode(trustStoreCharge, forKey: .trustStoreCharge)
    }
}

extension CapacityUse {
    /// `{"bytes":720}`: dictionaries with other keys than text do not encode as objects.
    var bindingHoursByName: [String: Int64] {
        Dictionary(uniqueKeysWithValues: bindingHours.map { ($0.key.rawValue, $0.value) })
    }
}
