/// Receives what `StatsdLines.read` finds, line by line.
///
/// Names and tags are spans into the payload and live only during the call.
package protocol StatsdVisitor: ~Copyable {
    /// What was added to a counter since the sender's last flush.
    ///
    /// - Parameters:
    ///   - name: with its prefix; `SinkPrefix` takes it off.
    ///   - tags: the list as written, without what introduces it; empty where there is none. Read by
    ///     `StatsdTags.forEach`.
    ///   - delta: at least 0.
    mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64)

    /// A gauge's value, at least 0.
    mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64)

    /// A line that is no reading, and why. Timers and histograms are passed over without a call.
    mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>)

    /// How long the name is that is expected next, where it stands at `start` of a payload; 0 where another stands there.
    ///
    /// A sender writes its counters in one order, flush by flush: a name that is known need not be looked for.
    mutating func expectedName(at start: Int, of payload: Span<UInt8>) -> Int

    /// As `counter`, without tags, for the name that `expectedName` has found.
    mutating func expectedCounter(delta: Int64)
}

extension StatsdVisitor where Self: ~Copyable {
    package mutating func expectedName(at start: Int, of payload: Span<UInt8>) -> Int { 0 }
    package mutating func expectedCounter(delta: Int64) {}
}

/// Why a statsd line was not taken as a reading.
package enum StatsdRefusal: String, Hashable, Sendable, CaseIterable {
    /// There is no `:` before the value, no `|` before the type, or no number between them.
    case malformed
    /// The type is none of statsd's: also a line with tags where none are expected.
    case unknownType = "unknown_type"
    /// A rate (`|@0.1`). Envoy never samples; scaling would make an estimate of a count.
    case sampled
    case negative
    case notWhole = "not_whole"
    /// Above 2^53, which no count of Envoy's reaches.
    case tooLarge = "too_large"
    /// A gauge with a sign, which statsd adds to the last value. Envoy sends none.
    case relativeGauge = "relative_gauge"
    /// Longer than a line may be: a TCP stream without line ends.
    case tooLong = "too_long"
}
