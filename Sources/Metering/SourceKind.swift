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

    /// Whether it sends totals, or what was added since its last export.
    package var temporality: Temporality {
        switch self {
        case .metricsService, .otlp, .prometheus: .cumulative
        case .metricsServiceDelta, .otlpDelta, .statsd: .delta
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
        }
    }

    package init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// Whether `left` stands above `right` in an election.
    package static func < (left: SourceKind, right: SourceKind) -> Bool { left.rawValue < right.rawValue }
}
