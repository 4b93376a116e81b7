/// Receives what `OTLPMetricsRequest.read` finds, in the order: `resource`, then for each of its metrics `wants` and
/// `point`.
///
/// Names are spans into the request and live only during the call. A visitor that throws ends the reading.
package protocol OTLPMetricsVisitor: ~Copyable {
    /// Who speaks. Called for every group of metrics before its metrics, also when it has no attributes.
    ///
    /// - Parameter resource: empty when there is none; else read by `OTLPAttributes.forEach(ofResource:)`.
    mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError)

    /// Whether the points of this metric are to be read; else they are skipped.
    mutating func wants(metric: Span<UInt8>, kind: OTLPKind) -> Bool

    /// One point of a wanted metric.
    ///
    /// - Parameters:
    ///   - point: read by `OTLPAttributes.forEach(ofPoint:)`.
    ///   - start: `start_time_unix_nano` as it stands on the wire, 0 when absent: see `OTLPTime`.
    ///   - time: `time_unix_nano` as it stands on the wire, 0 when absent.
    mutating func point(
        metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
    ) throws(WireFormatError)
}

extension OTLPMetricsVisitor where Self: ~Copyable {
    @inlinable
    package mutating func wants(metric: Span<UInt8>, kind: OTLPKind) -> Bool { true }
}

/// What a number metric is.
package enum OTLPKind: Hashable, Sendable {
    /// A gauge, or a sum that may also fall.
    case gauge
    /// A monotonic sum: totals, or what was added since the export before. Nil where the sender leaves the temporality
    /// out, which the protocol forbids.
    case counter(OTLPTemporality?)
}

package enum OTLPTemporality: UInt8, Hashable, Sendable {
    case delta = 1
    case cumulative = 2
}

/// A point's value, as on the wire: whatever the type can be, NaN and negative included.
package enum OTLPValue: Hashable, Sendable {
    case integer(Int64)
    case double(Double)
}

/// Times of OTLP points.
package enum OTLPTime {
    /// A point's time in microseconds since 1970. Envoy 1.40 writes the start time of its process in microseconds into a
    /// field of nanoseconds: what is below 10^17 (1973 in nanoseconds) is taken as microseconds.
    package static func microseconds(_ time: UInt64) -> Int64 {
        Int64(time < 100_000_000_000_000_000 ? time : time / 1000)
    }
}
