import Metering

/// Adds up what moves from whom to whom, over the quarter hours in which meters would be in force.
struct MeterMovements {
    private struct Key: Hashable {
        let gateway: String
        let counter: String
        let from: MeterPreview.Owner?
        let to: MeterPreview.Owner?
    }

    private struct Amount {
        var quantity: Int64 = 0
        var quarterHours: Int64 = 0
    }

    private struct TenantKey: Hashable {
        let tenant: String
        let dimension: String
    }

    private let meters: Meters
    private let versions: MeterVersions
    private var amounts: [Key: Amount] = [:]
    private var gained: [TenantKey: Int64] = [:]
    private var lost: [TenantKey: Int64] = [:]

    init(meters: Meters, versions: MeterVersions) {
        self.meters = meters
        self.versions = versions
    }

    /// Whether any of a gateway's counters would move in one of the quarter hours.
    func concerns(_ gateway: String, _ counters: [String], _ quarterHours: [QuarterHour]) -> Bool {
        var before: [Meters] = []
        var isUnmetered = false
        for quarterHour in Set(quarterHours) {
            guard let meters = versions.inForce(at: quarterHour)?.meters else {
                isUnmetered = true
                continue
            }
            if !before.contains(meters) { before.append(meters) }
        }
        return counters.contains { counter in
            let after = meters.attribution(of: counter, gateway: gateway).binding
            return isUnmetered && after != nil
                || before.contains { $0.attribution(of: counter, gateway: gateway).binding != after }
        }
    }

    mutating func add(_ counters: UnitCounters, _ quarterHour: QuarterHour) {
        let before = versions.inForce(at: quarterHour)?.attributions(of: counters.names, gateway: counters.gateway)
        for (counter, quantity) in counters.counted {
            guard let name = counters.names[counter] else { continue }
            let from = before?[counter]?.binding
            let to = meters.attribution(of: name, gateway: counters.gateway).binding
            guard from != to else { continue }
            let key = Key(
                gateway: counters.gateway, counter: name, from: from.map { MeterPreview.Owner($0) },
                to: to.map { MeterPreview.Owner($0) })
            amounts[key, default: Amount()].quantity += quantity
            amounts[key, default: Amount()].quarterHours += 1
            if let from {
                lost[TenantKey(tenant: from.tenant, dimension: from.dimension.rawValue), default: 0] += quantity
            }
            if let to {
                gained[TenantKey(tenant: to.tenant, dimension: to.dimension.rawValue), default: 0] += quantity
            }
        }
    }

    var moves: [MeterPreview.Move] {
        amounts.map { key, amount in
            MeterPreview.Move(
                gateway: key.gateway, counter: key.counter, from: key.from, to: key.to, quantity: amount.quantity,
                quarterHours: amount.quarterHours)
        }
        .sorted { ($0.gateway, $0.counter) < ($1.gateway, $1.counter) }
    }

    var tenants: [MeterPreview.TenantChange] {
        Set(gained.keys).union(lost.keys).map { key in
            MeterPreview.TenantChange(
                tenant: key.tenant, dimension: key.dimension, gained: gained[key] ?? 0, lost: lost[key] ?? 0)
        }
        .sorted { ($0.tenant, $0.dimension) < ($1.tenant, $1.dimension) }
    }
}
