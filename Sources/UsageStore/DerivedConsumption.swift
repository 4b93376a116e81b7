import Metering

/// What a unit's tapes say, bound to tenants and services by the meters in force: pure, from tapes to rows. Tapes are
/// added in parts, so that a large gateway needs no more memory than a small one.
struct DerivedConsumption {
    /// The quantities of a tenant's service.
    struct Quantities {
        var counts: [Dimension: Int64] = [:]
        /// Means of minute samples, summed over gauges. Unit: 1 / `GaugeUsage.meanParts` of a connection.
        var activeSum: Int64 = 0
        var hasActiveSamples = false
        /// The sum of each gauge's own: an upper bound of the fleet's.
        var activeMaximum: Int64 = 0
        var carriedIn: Int64 = 0
        var carriedSince: Timestamp?
        var carriedUntil: Timestamp?
        /// What began before the quarter hour before, by when it began: until when, and how many requests.
        var spans: [Timestamp: (until: Timestamp, requests: Int64)] = [:]

        var record: ConsumptionRecord {
            var record = ConsumptionRecord()
            for (index, dimension) in Dimension.counted.enumerated() { record.counts[index] = counts[dimension] ?? 0 }
            record.activeSum = activeSum
            record.activeCount = hasActiveSamples ? 1 : 0
            record.activeMaximum = activeMaximum
            record.carriedIn = carriedIn
            record.carriedSince = carriedSince
            record.carriedUntil = carriedUntil
            record.spans = spans.sorted { $0.key < $1.key }.map {
                ConsumptionRecord.Span(since: $0.key, until: $0.value.until, requests: $0.value.requests)
            }
            return record
        }
    }

    struct Key: Hashable {
        var tenant: String
        var service: String
    }

    let unit: AggregationUnit
    var quantities: [Key: Quantities] = [:]
    private(set) var unattributed: [CounterID: Int64] = [:]
    /// Gaps with the tenant that they concern; nil for all of the gateway.
    private(set) var gaps: [(instance: Int64, tenant: String?, gap: Gap)] = []
    /// What access logs show inside the gaps.
    private(set) var evidence: [GapEvidence] = []

    init(unit: AggregationUnit) {
        self.unit = unit
    }

    /// A whole unit at once.
    init(unit: AggregationUnit, tapes: UnitTapes, attributions: [CounterID: Attribution]) throws {
        self.init(unit: unit)
        try add(tapes, attributions)
    }

    /// Adds the usage of some instances; each instance's epochs have to come together.
    mutating func add(_ tapes: UnitTapes, _ attributions: [CounterID: Attribution]) throws {
        var totals = CounterTotals()
        let before = unit.quarterHour.start.advanced(byMicroseconds: -QuarterHour.microseconds)
        for (instance, epochs) in tapes.instances {
            let usage = try tapes.usage(of: instance, epochs, in: unit.quarterHour)
            for counter in usage.counters where counter.quantity > 0 { totals.add(counter, before) }
            for gauge in usage.gauges { try add(gauge, attributions) }
            for gap in usage.gaps {
                guard let counter = gap.counter else {
                    gaps.append((instance, nil, gap))
                    continue
                }
                // A gap of a counter that bills no requests bounds no requests.
                guard let binding = attributions[counter]?.binding else { continue }
                guard binding.dimension == .requests else { continue }
                gaps.append((instance, binding.tenant, gap))
            }
        }
        for (counter, total) in totals.byCounter {
            switch attributions[counter] ?? .unattributed {
            case .bound(let binding): add(total, binding)
            case .checked: break
            case .unattributed: unattributed[counter, default: 0].addClamped(total.quantity)
            }
        }
        for remark in tapes.countedRemarks { gaps.append((remark.instance, nil, remark.gap)) }
    }

    /// Lays evidence into the gaps. It refutes a bound that was derived from rates, never one that was counted.
    mutating func lay(_ found: [GapEvidence]) {
        for (index, rows) in Dictionary(grouping: found, by: \.gap).sorted(by: { $0.key < $1.key }) {
            var shown: Int64 = 0
            for row in rows { shown.addClamped(row.requests) }
            guard let upper = gaps[index].gap.upper, shown > upper else {
                evidence += rows
                continue
            }
            if gaps[index].gap.basis == .rate {
                gaps[index].gap.upper = nil
                gaps[index].gap.basis = nil
                evidence += rows
                continue
            }
            var left = upper
            for var row in rows where left > 0 {
                row.requests = min(row.requests, left)
                left -= row.requests
                evidence.append(row)
            }
        }
    }

    private mutating func add(_ gauge: GaugeUsage, _ attributions: [CounterID: Attribution]) throws {
        guard gauge.samples > 0, let binding = attributions[gauge.gauge]?.binding else { return }
        guard binding.dimension == .activeConnections else { return }
        let key = Key(tenant: binding.tenant, service: binding.service)
        let (parts, overflow) = (GaugeUsage.meanParts / gauge.samples).multipliedReportingOverflow(by: gauge.sum)
        guard !overflow else { return }
        quantities[key, default: Quantities()].activeSum.addClamped(parts)
        quantities[key, default: Quantities()].activeMaximum.addClamped(gauge.maximum)
        quantities[key, default: Quantities()].hasActiveSamples = true
    }

    private mutating func add(_ total: CounterTotals.Total, _ binding: Binding) {
        let key = Key(tenant: binding.tenant, service: binding.service)
        quantities[key, default: Quantities()].counts[binding.dimension, default: 0].addClamped(total.quantity)
        guard binding.dimension == .requests, total.carriedIn > 0 else { return }
        var carrying = quantities[key] ?? Quantities()
        carrying.carriedIn.addClamped(total.carriedIn)
        carrying.carriedSince = [carrying.carriedSince, total.carriedSince].compactMap(\.self).min()
        carrying.carriedUntil = [carrying.carriedUntil, total.carriedUntil].compactMap(\.self).max()
        for (since, span) in total.spans {
            var sum = carrying.spans[since] ?? (until: span.until, requests: 0)
            sum.until = max(sum.until, span.until)
            sum.requests.addClamped(span.requests)
            carrying.spans[since] = sum
        }
        quantities[key] = carrying
    }
}

/// Sums over instances by counter: what a counter is bound to is looked up once for all of them.
private struct CounterTotals {
    struct Total {
        var quantity: Int64 = 0
        var carriedIn: Int64 = 0
        var carriedSince: Timestamp?
        var carriedUntil: Timestamp?
        var spans: [Timestamp: (until: Timestamp, requests: Int64)] = [:]
    }

    private(set) var byCounter: [CounterID: Total] = [:]

    /// - Parameter before: the start of the quarter hour before this one; what began earlier is kept apart.
    mutating func add(_ usage: CounterUsage, _ before: Timestamp) {
        byCounter[usage.counter, default: Total()].add(usage, before)
    }
}

extension CounterTotals.Total {
    fileprivate mutating func add(_ usage: CounterUsage, _ before: Timestamp) {
        quantity.addClamped(usage.quantity)
        guard usage.carriedIn > 0, let since = usage.carriedSince, let until = usage.carriedUntil else { return }
        carriedIn.addClamped(usage.carriedIn)
        carriedSince = min(carriedSince ?? since, since)
        carriedUntil = max(carriedUntil ?? until, until)
        guard since < before else { return }
        var span = spans[since] ?? (until: until, requests: 0)
        span.until = max(span.until, until)
        span.requests.addClamped(usage.carriedIn)
        spans[since] = span
    }
}

extension Int64 {
    /// Adds, or becomes the largest that there is: counts that a sender made up must not stop the job.
    mutating func addClamped(_ other: Int64) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? .max : sum
    }
}
