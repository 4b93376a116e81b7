extension CloudWatchMetrics {
    /// The traffic of the hours, as far as the metrics say it.
    ///
    /// NewConnectionCount and ActiveConnectionCount count client to load balancer and load balancer to target alike,
    /// so units rebuilt from them overstate. The sum of ActiveConnectionCount over an hour ÷ 60 is its mean.
    func series(_ suffix: String = "") throws -> TrafficSeries {
        try TrafficSeries(
            hours.map { hour in
                switch kind {
                case .alb:
                    let lambda = sum("LambdaTargetProcessedBytes", hour)
                    let standard =
                        has("StandardProcessedBytes")
                        ? sum("StandardProcessedBytes", hour) : max(.zero, try sum("ProcessedBytes", hour) - lambda)
                    return TrafficHour(
                        start: hour, requests: sum("RequestCount", hour),
                        newConnections: sum("NewConnectionCount", hour),
                        activeConnections: try sum("ActiveConnectionCount", hour) / 60, bytes: standard,
                        lambdaBytes: lambda,
                        ruleEvaluations: sum("RuleEvaluations", hour))
                case .nlb:
                    return TrafficHour(
                        start: hour, requests: .zero, newConnections: sum("NewFlowCount" + suffix, hour),
                        activeConnections: try sum("ActiveFlowCount" + suffix, hour) / 60,
                        bytes: sum("ProcessedBytes" + suffix, hour))
                case .clb:
                    return TrafficHour(
                        start: hour, requests: sum("RequestCount", hour),
                        newConnections: sum("EstimatedALBNewConnectionCount", hour),
                        activeConnections: try sum("EstimatedALBActiveConnectionCount", hour) / 60,
                        bytes: sum("EstimatedProcessedBytes", hour))
                }
            })
    }

    /// True where a metric says what went through, and not only how many capacity units that was.
    var hasTraffic: Bool {
        ["RequestCount", "ProcessedBytes", "EstimatedProcessedBytes", "NewConnectionCount", "NewFlowCount"].contains(
            where: has)
    }

    func total(_ metric: String) throws -> Fraction {
        try (sums[metric] ?? [:]).values.reduce(.zero) { try $0 + $1 }
    }
}
