/// What a capture holds.
package enum ReplayProtocol: String, Hashable, Sendable, CaseIterable {
    case metricsService = "metrics-service"
    case otlp
    case statsd
    case dogstatsd
    case graphite
    case prometheus
    case accessLog = "access-log"
    case accessLogJSON = "access-log-json"

    /// Whether files without frames are read as one payload each.
    package var isText: Bool { self == .prometheus || self == .accessLogJSON }
}
