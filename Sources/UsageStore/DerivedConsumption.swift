import Metering

/// What a unit's tapes say, bound to tenants and services by the meters in force: pure, from tapes to rows.
struct DerivedConsumption {
    /// The quantities of a tenant's service.
    struct Quantities {
        var counts: [Dimension: Int64] = [:]
        /// Means of minute samples, summed over gauges. Unit: millionths of a connection.
        var activeMicros: Int64 = 0
        var activeMaximum: Int64 = 0
        var carriedIn: Int64 = 0
        var carriedSince: Timestamp?
        var carriedUntil: Timestamp?
    }

    struct Key: Hashable {
        var tenant: String
        var service: String
    }

    private(set) var quantities: [Key: Quantities] = [:]
    private(set) var unattributed: [CounterID: Int64] = [:]
    /// Gaps with the tenant that they concern; nil for all of the gateway.
    private(set) var gaps: [(instance: Int64, tenant: String?, gap: Gap)] = []

    init(unit: AggregationUnit, tapes: UnitTapes, attributions: [CounterID: Attribution]) throws {
        let connectionManagers = Set(tapes.names.filter { $0.value.hasPrefix("http.") }.keys)
        for (instance, epochs) in tapes.instances {
            let usage = try InstanceUsage(
                quarterHour: unit.quarterHour, epochs: epochs, isConnectionManagers: connectionManagers.contains
            )
            for counter in usage.counters {
                switch attributions[counter.counter] ?? .unattributed {
                case .bound(let binding): add(counter, binding)
                case .checked: break
                case .unattributed where counter.quantity > 0:
                    unattributed[counter.counter, default: 0] += counter.quantity
                case .unattributed: break
                }
            }
            for gauge in usage.gauges {
                guard let binding = attributions[gauge.gauge]?.binding, binding.dimension == .activeConnections else {
                    continue
                }
                guard gauge.samples > 0 else { continue }
                let key = Key(tenant: binding.tenant, service: binding.service)
                let (scaled, overflow) = gauge.sum.multipliedReportingOverflow(by: 1_000_000)
                guard !overflow else { continue }
                quantities[key, default: Quantities()].activeMicros += scaled / gauge.samples
                quantities[key, default: Quantities()].activeMaximum += gauge.maximum
            }
            for gap in usage.gaps {
                // A gap of a counter that bills no requests bounds no requests.
                guard let binding = gap.counter.flatMap({ attributions[$0]?.binding }) else { continue }
                guard binding.dimension == .requests else { continue }
                gaps.append((instance, binding.tenant, gap))
            }
        }
        for remark in tapes.remarks { gaps.append((remark.instance, nil, remark.gap)) }
    }

    private mutating func add(_ usage: CounterUsage, _ binding: Binding) {
        guard usage.quantity > 0 else { return }
        let key = Key(tenant: binding.tenant, service: binding.service)
        var quantities = self.quantities[key] ?? Quantities()
        quantities.counts[binding.dimension, default: 0] += usage.quantity
        if binding.dimension == .requests, usage.carriedIn > 0 {
            quantities.carriedIn += usage.carriedIn
            quantities.carriedSince = [quantities.carriedSince, usage.carriedSince].compactMap(\.self).min()
            quantities.carriedUntil = [quantities.carriedUntil, usage.carriedUntil].compactMap(\.self).max()
        }
        self.quantities[key] = quantities
    }
}
