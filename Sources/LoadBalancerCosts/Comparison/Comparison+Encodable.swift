extension Comparison.Row: Encodable {
    private enum CodingKeys: String, CodingKey {
        case key, name, hours, units, data, nodes, fee, other, total
        case totalRounded = "total_rounded"
        case saving
        case savingPercent = "saving_percent"
        case breakEven = "break_even_fee_per_billion"
        case bindingHours = "binding_hours"
        case leftOut = "left_out"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(name, forKey: .name)
        for (amount, key) in [
            (hours, CodingKeys.hours), (units, .units), (data, .data), (nodes, .nodes), (fee, .fee), (other, .other),
            (total, .total),
        ] { try container.encode(amount, forKey: key) }
        try container.encode(total.cents, forKey: .totalRounded)
        try container.encodeIfPresent(saving, forKey: .saving)
        try container.encodeIfPresent(savingPercent?.cents, forKey: .savingPercent)
        try container.encodeIfPresent(breakEvenFeePerBillion, forKey: .breakEven)
        if !bindingHours.isEmpty {
            try container.encode(
                Dictionary(uniqueKeysWithValues: bindingHours.map { ($0.key.rawValue, $0.value) }),
                forKey: .bindingHours)
        }
        try container.encodeIfPresent(leftOut, forKey: .leftOut)
    }
}

extension Comparison: Encodable {
    private enum CodingKeys: String, CodingKey {
        case region, currency, hours
        case repeats = "repeat"
        case hourCount = "hour_count"
        case isMetered = "metered"
        case requests, own, alternatives, unavailable
        case bindingStrip = "binding_strip"
        case envoyVCPUHours = "envoy_vcpu_hours"
        case envoyPeakVCPU = "envoy_peak_vcpu"
        case addresses = "ipv4_on_both_sides"
        case sensitivity, assumptions
        case assumptionSources = "assumption_sources"
        case sizing, nodes
        case nodePrice = "node_vcpu_hour"
        case prices, gateways, notes
        case capacityUnits = "capacity_units"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(region, forKey: .region)
        try container.encode(currency, forKey: .currency)
        try container.encode(isMetered, forKey: .isMetered)
        try container.encode(series.listed, forKey: .hours)
        try container.encode(series.repeats, forKey: .repeats)
        try container.encode(hours, forKey: .hourCount)
        try container.encode(requests, forKey: .requests)
        try container.encode(own, forKey: .own)
        try container.encode(alternatives, forKey: .alternatives)
        if !unavailable.isEmpty { try container.encode(unavailable, forKey: .unavailable) }
        try container.encode(bindingStrip, forKey: .bindingStrip)
        try container.encode(envoy.vcpuHours, forKey: .envoyVCPUHours)
        try container.encode(envoy.peakVCPU, forKey: .envoyPeakVCPU)
        try container.encodeIfPresent(addresses, forKey: .addresses)
        try container.encode(sensitivity, forKey: .sensitivity)
        try container.encode(assumptions, forKey: .assumptions)
        try container.encode(assumptionSources, forKey: .assumptionSources)
        try container.encode(gateway.sizing, forKey: .sizing)
        try container.encode(gateway.nodes, forKey: .nodes)
        try container.encode(nodePrice, forKey: .nodePrice)
        try container.encode(
            Dictionary(uniqueKeysWithValues: prices.map { ($0.key.rawValue, $0.value) }), forKey: .prices)
        if !gateways.isEmpty { try container.encode(gateways, forKey: .gateways) }
        try container.encode(capacityUnitOrigins, forKey: .capacityUnits)
        try container.encode(notes, forKey: .notes)
    }

    /// Where each assumption came from, the fee's and the nodes' included.
    package var assumptionSources: [String: String] {
        var sources = Dictionary(
            uniqueKeysWithValues: Assumptions.Name.allCases.map { ($0.rawValue, assumptions.source($0)) })
        sources["region"] = regionSource
        sources["fee"] = gateway.feeSource
        sources["sizing"] = gateway.sizing.source
        sources["node_vcpu_hour"] = nodePrice.source
        return sources
    }

    /// One letter an hour: what binds the ALB. `n` new, `a` active, `b` bytes, `r` rules.
    package var bindingStrip: String {
        String(binding.compactMap(\.rawValue.first))
    }
}
