/// Habits that traffic could have instead of its own; nil: as they are.
package struct WhatIf: Hashable, Sendable {
    /// Growth of requests: 2 for twice as many.
    package var requestsFactor: Fraction?
    /// Keep-alive: requests a connection; 1 for none.
    package var requestsPerConnection: Fraction?
    /// Body sizes: bytes both ways per request.
    package var bytesPerRequest: Fraction?

    package init(
        requestsFactor: Fraction? = nil, requestsPerConnection: Fraction? = nil, bytesPerRequest: Fraction? = nil
    ) {
        self.requestsFactor = requestsFactor
        self.requestsPerConnection = requestsPerConnection
        self.bytesPerRequest = bytesPerRequest
    }

    /// The same hours with other habits, and each change as a sentence's part: `requests × 2`.
    ///
    /// Means are brought to what is asked by one factor for all hours; an hour keeps its share. Throws `.invalidInput`
    /// where there are no requests or connections of which a mean could be changed.
    package func applied(to hours: [TrafficHour]) throws -> (hours: [TrafficHour], changes: [String]) {
        let totals = try TrafficSeries(hours).totals
        var changes: [String] = []
        var bytes = Fraction.one
        var connections = Fraction.one
        if let requestsFactor { changes.append("requests × \(requestsFactor)") }
        if let bytesPerRequest {
            let mean = try mean(totals.allBytes, per: totals.requests, "bytes per request")
            bytes = try bytesPerRequest / mean
            changes.append("bytes per request \(bytesPerRequest) instead of \(mean.decimal(places: 1))")
        }
        if let requestsPerConnection {
            let mean = try mean(totals.requests, per: totals.newConnections, "requests per connection")
            connections = try requestsPerConnection / mean
            changes.append("requests per connection \(requestsPerConnection) instead of \(mean.decimal(places: 1))")
        }
        let changed = try hours.whatIf(
            requests: requestsFactor ?? .one, bytesPerRequest: bytes, requestsPerConnection: connections)
        return (changed, changes)
    }

    private func mean(_ sum: Fraction, per count: Fraction, _ name: String) throws -> Fraction {
        guard !sum.isZero, !count.isZero else {
            throw LoadBalancerCostError(
                .invalidInput, "\(name) can not be changed: the traffic has none, so there is no mean to change")
        }
        return try sum / count
    }
}
