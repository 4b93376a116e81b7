extension TrafficSeries {
    /// A month of equal hours, in exact fractions: for people who know a month's requests and no hours.
    ///
    /// Active connections are the new ones per second × how long one lasts.
    package static func flat(
        monthlyRequests: Fraction, bytesPerRequest: Fraction, requestsPerConnection: Fraction,
        connectionSeconds: Fraction,
        hours: Int64 = 730
    ) throws -> TrafficSeries {
        for (name, value) in [
            ("monthly requests", monthlyRequests), ("bytes per request", bytesPerRequest),
            ("connection seconds", connectionSeconds),
        ] where value.isNegative {
            throw LoadBalancerCostError(.invalidInput, "\(name) is \(value): give a number that is not negative")
        }
        guard requestsPerConnection > .zero else {
            throw LoadBalancerCostError(
                .invalidInput,
                "requests per connection is \(requestsPerConnection): give a number above 0 (1: no keep-alive)")
        }
        guard hours > 0 else {
            throw LoadBalancerCostError(.invalidInput, "hours is \(hours): give 720, 730 or a month's own")
        }
        let requests = try monthlyRequests / hours
        let connections = try requests / requestsPerConnection
        let hour = TrafficHour(
            start: 0, requests: requests, newConnections: connections,
            activeConnections: try connections * connectionSeconds / 3_600, bytes: try requests * bytesPerRequest)
        return try TrafficSeries([hour], repeats: hours)
    }

    /// Spreads a count evenly over its interval and gives whole parts by hour whose sum is the count.
    ///
    /// For what began before its hour (`carried_in`): the hours it falls into are then marked `spread`.
    /// `from` and `to` are microseconds since 1970; an empty interval puts all into the hour of `to`.
    package static func spread(_ count: Int64, from: Int64, to: Int64) -> [(start: Int64, count: Int64)] {
        guard to > from else { return [(Instant.hourStart(to), count)] }
        var parts: [(start: Int64, count: Int64)] = []
        var given: Int64 = 0
        var start = Instant.hourStart(from)
        while start < to {
            let end = min(start + Instant.hour, to)
            let until = Int64(Int128(count) * Int128(end - from) / Int128(to - from))
            parts.append((start, until - given))
            given = until
            start += Instant.hour
        }
        return parts
    }
}
