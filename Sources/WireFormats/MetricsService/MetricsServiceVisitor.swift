/// Whether a metric adds up or moves up and down.
package enum MetricKind: UInt8, Hashable, Sendable {
    case counter
    case gauge
}

/// Receives what `MetricsServiceMessage.read` finds, in the order: `node`, then for each family `wants` and `metric`.
///
/// Names are spans into the message and live only during the call. A visitor that throws ends the reading.
package protocol MetricsServiceVisitor: ~Copyable {
    /// Who speaks. Called at most once a message, before any metric, when the identifier is present (in the first
    /// message of a stream).
    mutating func node(_ node: EnvoyNode) throws(WireFormatError)

    /// Whether the metrics of this counter or gauge family are to be read; else they are skipped. Called once for each
    /// family that holds a metric. With labels on, the same name comes again in many families.
    mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool

    /// As `wants(family:kind:)`, for a family whose first metric has labels: then its name is not all of the stat's name.
    mutating func wantsLabelled(family: Span<UInt8>, kind: MetricKind) -> Bool

    /// One metric of a wanted family.
    ///
    /// - Parameters:
    ///   - labels: empty when the metric has none; else read by `MetricLabels.forEach`.
    ///   - value: as on the wire: whatever a double can be, NaN and negative included.
    ///   - timestampMilliseconds: Unix time of the flush, the same in all messages of one flush; 0 when absent.
    mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError)
}

extension MetricsServiceVisitor where Self: ~Copyable {
    @inlinable
    package mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool { true }

    @inlinable
    package mutating func wantsLabelled(family: Span<UInt8>, kind: MetricKind) -> Bool { true }
}
