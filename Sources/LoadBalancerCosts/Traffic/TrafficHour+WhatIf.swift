extension [TrafficHour] {
    /// The same hours with other habits: growth of requests, larger bodies, more requests a connection. Factors, 1: as is.
    ///
    /// Connections follow requests; named rule evaluations follow requests too.
    package func whatIf(
        requests: Fraction = .one, bytesPerRequest: Fraction = .one, requestsPerConnection: Fraction = .one
    ) throws -> [TrafficHour] {
        guard requestsPerConnection > .zero, !requests.isNegative, !bytesPerRequest.isNegative else {
            throw LoadBalancerCostError(
                .invalidInput, "a what-if needs factors that are not negative, and above 0 for requests per connection")
        }
        let bytes = try requests * bytesPerRequest
        let connections = try requests / requestsPerConnection
        return try map { hour in
            var changed = hour
            changed.requests = try hour.requests * requests
            changed.bytes = try hour.bytes * bytes
            changed.lambdaBytes = try hour.lambdaBytes * bytes
            changed.newConnections = try hour.newConnections * connections
            changed.activeConnections = try hour.activeConnections * connections
            changed.ruleEvaluations = try hour.ruleEvaluations.map { try $0 * requests }
            return changed
        }
    }
}
