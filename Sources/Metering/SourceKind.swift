/// By which way a gateway's counters came. One Envoy may report by several at once: they are never added up (rule 8).
///
/// Raw values are stored; a lower one stands above a higher one when sources are elected.
package enum SourceKind: Int16, Hashable, Comparable, Sendable, CaseIterable {
    case metricsService = 1
    case otlp = 2
    case prometheus = 3
    case metricsServiceDelta = 4
    case otlpDelta = 5
    case statsd = 6
    case dogstatsd = 7
    case graphite = 8

    /// Whether it sends totals, or what was added since its last export.
    package var temporality: Temporality {
        switch self {
        case .metricsService, .otlp, .prometheus: .cumulative
        case .metricsServiceDelta, .otlpDelta, .statsd, .dogstatsd, .graphite: .delta
        }
    }

    /// Whether it is one of the three ways of writing statsd. One Envoy may send by two of them at once, and some Envoys of a
    /// gateway by one and others by another.
    package var isStatsd: Bool {
        switch self {
        case .statsd, .dogstatsd, .graphite: true
        case .metricsService, .otlp, .prometheus, .metricsServiceDelta, .otlpDelta: false
        }
    }

    /// How it is called in settings and reports.
    package var name: String {
        switch self {
        case .metricsService: "metrics-service"
        case .otlp: "otlp"
        case .prometheus: "prometheus"
        case .metricsServiceDelta: "metrics-service-delta"
        case .otlpDelta: "otlp-delta"
        case .statsd: "statsd"
        case .dogstatsd: "dogstatsd"
        case .graphite: "graphite"
        }
    }

    package init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// Whether `left` stands above `right` in an election.
    package static func < (left: SourceKind, right: SourceKind) -> Bool { left.rawValue < right.rawValue }
}
