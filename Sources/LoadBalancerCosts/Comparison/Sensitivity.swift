/// At which point something else would decide the cost.
package struct Sensitivity: Hashable, Sendable, Encodable {
    /// What varies: `bytes_per_request`, `requests_per_connection`, `connection_seconds`, `rules`, `cross_zone`, …
    package let subject: String
    /// The value at which it turns, or the amount it makes.
    package let value: Fraction
    /// The sentence for a person.
    package let statement: String
}

extension Sensitivity {
    static func all(
        _ series: TrafficSeries, _ assumptions: Assumptions, _ own: Comparison.Row, _ draft: ComparisonDraft,
        _ envoy: EnvoyUse, _ nodePrice: ListPrice, _ catalogue: PriceCatalogue, _ region: String
    ) throws -> [Sensitivity] {
        var found: [Sensitivity] = []
        if let use = draft.applicationUse {
            found += try ofUnits(series, assumptions, use, catalogue.capacityUnits.application)
        }
        if let alb = draft.rows.first(where: { $0.key == "alb" }), !alb.total.isZero {
            let balancer = try own.hours + own.units
            let ceiling = try (alb.total - balancer) * 100 / alb.total
            found.append(
                Sensitivity(
                    subject: "ceiling", value: ceiling,
                    statement:
                        "with free nodes, no data between zones and no fee the saving against ALB is \(ceiling.signed) %"
                ))
        }
        let peak = try envoy.vcpuHours(.peak) * nodePrice.amount
        if peak > own.nodes {
            found.append(
                Sensitivity(
                    subject: "nodes", value: peak,
                    statement:
                        "nodes that stand all the time for the busiest hour cost \(peak.readable) instead of \(own.nodes.readable)"
                ))
        }
        var flipped = assumptions
        flipped.crossZone.toggle()
        let data = try InterZoneCost(series, flipped, catalogue: catalogue, region: region).total
        found.append(
            Sensitivity(
                subject: "cross_zone", value: data,
                statement:
                    "with cross-zone \(flipped.crossZone ? "on" : "off") data between zones costs \(data.readable) "
                    + "instead of \(own.data.readable)"))
        return found
    }

    /// Where the binding dimension of an ALB turns, at the series' means. The divisors are those of one LCU.
    private static func ofUnits(
        _ series: TrafficSeries, _ assumptions: Assumptions, _ use: CapacityUse, _ unit: CapacityUnits.Application
    ) throws -> [Sensitivity] {
        guard let perSecond = unit.newConnectionsPerSecond[assumptions.certificateKey] else { return [] }
        let totals = series.totals
        guard !totals.requests.isZero else { return [] }
        var found: [Sensitivity] = []
        let unitBytes = try unit.gigabytesPerHour * assumptions.gigabyte.bytes
        let size = try totals.allBytes / totals.requests
        // What is charged of a request, on the mean: max(0, rules − free) where no hour names its own evaluations.
        let extra =
            try (use.dimensionHours[.rules] ?? .zero) * unit.ruleEvaluationsPerSecond * 3_600 / totals.requests
        if !extra.isZero {
            // extra/E = 3600 × bytes/GB
            let bytes = try extra / unit.ruleEvaluationsPerSecond * unitBytes / 3_600
            let rules =
                extra == Fraction(assumptions.rules - unit.freeRules)
                ? "\(assumptions.rules) rules" : "\(extra.decimal(places: 1)) charged evaluations a request"
            found.append(
                Sensitivity(
                    subject: "bytes_per_request", value: bytes,
                    statement: "at \(kilobytes(bytes)) KB a request rules stop binding over bytes "
                        + "(\(rules); the mean here is \(kilobytes(size)) KB)"))
        } else if let others = CapacityDimension.allCases.dropLast().compactMap({ use.dimensionHours[$0] }).max() {
            let rules = try others * 3_600 * unit.ruleEvaluationsPerSecond / totals.requests + Fraction(unit.freeRules)
            found.append(
                Sensitivity(
                    subject: "rules", value: rules,
                    statement: "above \(rules.decimal(places: 1)) rules a request, rules would bind"))
        }
        if !size.isZero {
            // 1/(K × r) = 3600 × bytes/GB
            let perConnection = try unitBytes / perSecond / 3_600 / size
            let here = totals.newConnections.isZero ? nil : try totals.requests / totals.newConnections
            found.append(
                Sensitivity(
                    subject: "requests_per_connection", value: perConnection,
                    statement:
                        "below \(perConnection.decimal(places: 1)) requests a connection new connections bind over bytes"
                        + (here.map { " (the mean here is \($0.decimal(places: 1)))" } ?? "")))
        }
        let active = assumptions.mutualTLS ? unit.activeConnectionsMutualTLS : unit.activeConnections
        let seconds = try active / perSecond
        found.append(
            Sensitivity(
                subject: "connection_seconds", value: seconds,
                statement: "above \(seconds.decimal(places: 1)) s a connection active connections bind over new ones"))
        return found
    }

    private static func kilobytes(_ bytes: Fraction) -> String { ((try? bytes / 1_000) ?? bytes).decimal(places: 1) }
}

extension Fraction {
    /// With its sign and two places: `+90.40`, `-1,125.75`, `0.00`.
    package var signed: String {
        let text = cents
        return (self > .zero && text != "0.00" ? "+" : "") + Counted.grouped(text)
    }
}
