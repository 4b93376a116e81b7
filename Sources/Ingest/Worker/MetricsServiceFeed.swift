package import Metering
package import WireFormats

/// Feeds the messages of one metrics stream into its tape. Where tags are sent as labels, full names are put together again.
package struct MetricsServiceFeed: MetricsServiceVisitor, Sendable {
    package var tape: StreamTape
    /// Who sends, from the message that said so last.
    package private(set) var node: EnvoyNode?
    private var receivedAt = Timestamp(microseconds: 0)
    private var names: FullNames
    /// Whether the tape was not asked for the family under way, because its metrics have labels.
    private var isLabelled = false

    /// - Parameter ignoring: labels that are no part of a name: fixed tags (`stats_tags`).
    package init(tape: StreamTape, ignoring: Set<String> = []) {
        self.tape = tape
        names = FullNames(ignoring: ignoring)
    }

    /// Reads one message. What precedes a malformed place has been taken.
    package mutating func receive(_ message: Span<UInt8>, receivedAt: Timestamp) throws(WireFormatError) {
        self.receivedAt = receivedAt
        try MetricsServiceMessage.read(message, into: &self)
    }

    package mutating func node(_ node: EnvoyNode) throws(WireFormatError) {
        self.node = node
    }

    package mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool {
        isLabelled = false
        return tape.wants(family)
    }

    package mutating func wantsLabelled(family: Span<UInt8>, kind: MetricKind) -> Bool {
        isLabelled = true
        return true
    }

    package mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError) {
        if !labels.isEmpty {
            names.begin(family)
            try MetricLabels.forEach(in: labels) { (name, value) throws(WireFormatError) in names.tag(name, value) }
            guard !names.hasTooManyTags else { return tape.refuse(.tooManyTags) }
            let full = names.finish()
            let bytes = names.bytes
            guard tape.wants(bytes.span.extracting(full)) else { return }
        } else if isLabelled {
            guard tape.wants(family) else { return }
        }
        tape.receiveTime(sentMilliseconds: timestampMilliseconds, receivedAt: receivedAt)
        switch kind {
        case .counter: tape.receiveCounter(value)
        case .gauge: tape.receiveGauge(value)
        }
    }
}

extension StreamIdentity {
    /// The identity that a node gives: the gateway is its cluster, the instance its id.
    package init(_ node: EnvoyNode) {
        self.init(gateway: node.cluster, instance: node.id, bootID: node.bootID)
    }
}
