/// What a capacity unit is measured by, in the order in which a tie is decided.
package enum CapacityDimension: String, Hashable, Sendable, CaseIterable, Codable {
    case new, active, bytes, rules
}

/// The capacity units that a series used: the sum over hours of each hour's largest dimension.
package struct CapacityUse: Sendable {
    /// Unit-hours of the whole series. Exact.
    package let unitHours: Fraction
    /// The part of `unitHours` above `reservation` in its hour.
    package let unitHoursAboveReservation: Fraction
    /// The largest hour.
    package let peak: Fraction
    /// Unit-hours that each dimension alone would have used.
    package let dimensionHours: [CapacityDimension: Fraction]
    /// The dimension that binds, by listed hour. An hour without traffic counts as `new`.
    package let binding: [CapacityDimension]
    let repeats: Int64

    /// How many hours each dimension binds; none that never does.
    package var bindingHours: [CapacityDimension: Int64] {
        var counts: (new: Int64, active: Int64, bytes: Int64, rules: Int64) = (0, 0, 0, 0)
        for dimension in binding {
            switch dimension {
            case .new: counts.new += 1
            case .active: counts.active += 1
            case .bytes: counts.bytes += 1
            case .rules: counts.rules += 1
            }
        }
        let hours = [
            CapacityDimension.new: counts.new, .active: counts.active, .bytes: counts.bytes, .rules: counts.rules,
        ]
        return hours.filter { $0.value > 0 }.mapValues { $0 * repeats }
    }
}

/// Measures a series in capacity units: each hour the maximum over dimensions, summed over hours.
///
/// `units = max(new/3600/K, active/A, bytes/G + lambda/L, evaluations/3600/E)` for each hour. The weights are brought
/// to one common denominator first, so an hour costs a few integer products and no division.
/// Source: AWS Elastic Load Balancing pricing page; what a unit contains: `CapacityUnits`.
struct CapacityMeter {
    /// Unit-hours per one of each quantity.
    let perNewConnection: Fraction
    let perActiveConnection: Fraction
    let perByte: Fraction
    let perLambdaByte: Fraction
    let perRuleEvaluation: Fraction
    /// Charged evaluations per request, where an hour does not name its own.
    let evaluationsPerRequest: Int64

    func measure(_ series: TrafficSeries, reservation: Fraction = .zero) throws -> CapacityUse {
        let count = Fraction(whole: series.countScale)
        let new = try perNewConnection / count
        let active = try perActiveConnection / Fraction(whole: series.activeScale)
        let bytes = try perByte / count
        let lambda = try perLambdaByte / count
        let rule = try perRuleEvaluation / count
        let scale = try [new, active, bytes, lambda, rule, reservation].reduce(Int128(1)) { scale, weight in
            try leastCommonMultiple(scale, weight.denominator)
        }
        func weight(_ fraction: Fraction) throws -> Int128 {
            try exactProduct(fraction.numerator, scale / fraction.denominator)
        }
        let weights = Weights(
            new: try weight(new), active: try weight(active), bytes: try weight(bytes), lambda: try weight(lambda),
            rule: try weight(rule), rulePerRequest: try exactProduct(weight(rule), Int128(evaluationsPerRequest)))
        try weights.prove(series)
        let sums = weights.sum(series.rows, reservation: try weight(reservation))
        func unitHours(_ sum: Int128) throws -> Fraction { try Fraction(sum, over: scale) * series.repeats }
        return CapacityUse(
            unitHours: try unitHours(sums.units),
            unitHoursAboveReservation: try unitHours(sums.excess),
            peak: try Fraction(sums.peak, over: scale),
            dimensionHours: [
                .new: try unitHours(sums.new), .active: try unitHours(sums.active),
                .bytes: try unitHours(sums.bytes), .rules: try unitHours(sums.rules),
            ],
            binding: sums.binding, repeats: series.repeats)
    }
}

/// Whole weights over one denominator.
private struct Weights {
    let new: Int128
    let active: Int128
    let bytes: Int128
    let lambda: Int128
    let rule: Int128
    let rulePerRequest: Int128

    struct Sums {
        var units: Int128 = 0
        var excess: Int128 = 0
        var peak: Int128 = 0
        var new: Int128 = 0
        var active: Int128 = 0
        var bytes: Int128 = 0
        var rules: Int128 = 0
        var binding: [CapacityDimension] = []
    }

    /// One check for the whole series: the largest term times the number of terms fits, so no product and no sum
    /// in `sum` can overflow.
    func prove(_ series: TrafficSeries) throws {
        let most = series.maxima
        let terms = Int128(series.rows.count)
        _ = try exactProduct(exactProduct(most.newConnections, new), terms)
        _ = try exactProduct(exactProduct(most.activeConnections, active), terms)
        let payload = try exactSum(exactProduct(most.bytes, bytes), exactProduct(most.lambdaBytes, lambda))
        _ = try exactProduct(payload, terms)
        _ = try exactProduct(exactProduct(most.ruleEvaluations, rule), terms)
        _ = try exactProduct(exactProduct(most.requests, rulePerRequest), terms)
    }

    func sum(_ rows: [TrafficSeries.Row], reservation: Int128) -> Sums {
        var sums = Sums()
        sums.binding.reserveCapacity(rows.count)
        for row in rows {
            let new = row.newConnections &* self.new
            let active = row.activeConnections &* self.active
            let bytes = row.bytes &* self.bytes &+ row.lambdaBytes &* lambda
            let rules = row.ruleEvaluations < 0 ? row.requests &* rulePerRequest : row.ruleEvaluations &* rule
            var units = new
            var binding = CapacityDimension.new
            if active > units { (units, binding) = (active, .active) }
            if bytes > units { (units, binding) = (bytes, .bytes) }
            if rules > units { (units, binding) = (rules, .rules) }
            sums.units &+= units
            if units > reservation { sums.excess &+= units &- reservation }
            if units > sums.peak { sums.peak = units }
            sums.new &+= new
            sums.active &+= active
            sums.bytes &+= bytes
            sums.rules &+= rules
            sums.binding.append(binding)
        }
        return sums
    }
}
