/// What went through a gateway or load balancer in one hour. Counts are those of the hour; all exact, none negative.
package struct TrafficHour: Hashable, Sendable {
    /// Microseconds since 1970 UTC, on the hour.
    package var start: Int64
    package var requests: Fraction
    package var newConnections: Fraction
    /// The hour's mean, as `sum / samples`.
    package var activeConnections: Fraction
    /// Bytes both ways to and from targets that are not Lambda functions.
    package var bytes: Fraction
    package var lambdaBytes: Fraction
    /// Evaluations that are charged; nil: requests × max(0, rules − free rules).
    package var ruleEvaluations: Fraction?
    /// True when part of it began before the hour and was spread evenly over its interval.
    package var spread: Bool

    package init(
        start: Int64, requests: Fraction, newConnections: Fraction, activeConnections: Fraction, bytes: Fraction,
        lambdaBytes: Fraction = .zero, ruleEvaluations: Fraction? = nil, spread: Bool = false
    ) {
        self.start = start
        self.requests = requests
        self.newConnections = newConnections
        self.activeConnections = activeConnections
        self.bytes = bytes
        self.lambdaBytes = lambdaBytes
        self.ruleEvaluations = ruleEvaluations
        self.spread = spread
    }

    /// An hour of metered counts; `activeConnections` is the hour's mean, `sum / samples` of its gauge.
    package init(
        start: Int64, requests: Int64, newConnections: Int64, activeConnections: Fraction, bytes: Int64,
        lambdaBytes: Int64 = 0, ruleEvaluations: Int64? = nil, spread: Bool = false
    ) {
        self.init(
            start: start, requests: Fraction(requests), newConnections: Fraction(newConnections),
            activeConnections: activeConnections, bytes: Fraction(bytes), lambdaBytes: Fraction(lambdaBytes),
            ruleEvaluations: ruleEvaluations.map { Fraction($0) }, spread: spread)
    }
}
