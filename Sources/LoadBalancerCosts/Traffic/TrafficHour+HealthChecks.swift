extension [TrafficHour] {
    /// Takes off the connections that are only an NLB's health checks: `perHourAndTarget × targets` each hour, at most
    /// what the hour has. The second value is how many were taken off, to be said with the answer.
    package func withoutHealthChecks(perHourAndTarget: Int64, targets: Int64) throws -> (
        hours: [TrafficHour], taken: Fraction
    ) {
        guard perHourAndTarget >= 0, targets >= 0 else {
            throw LoadBalancerCostError(.invalidInput, "health checks per hour and targets must not be negative")
        }
        let checks = try Fraction(perHourAndTarget) * targets
        var taken = Fraction.zero
        let hours = try map { hour in
            var rest = hour
            let own = Swift.min(checks, hour.newConnections)
            rest.newConnections = try hour.newConnections - own
            taken = try taken + own
            return rest
        }
        return (hours, taken)
    }
}
