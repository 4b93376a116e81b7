package import Metering
package import WireFormats

/// Feeds the messages of one metrics stream into its tape.
package struct MetricsServiceFeed: MetricsServiceVisitor, Sendable {
    package var tape: StreamTape
    /// Who sends, from the message that said so last.
    package private(set) var node: EnvoyNode?
    private var receivedAt = Timestamp(microseconds: 0)

    package init(tape: StreamTape) {
        self.tape = tape
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
        tape.wants(family)
    }

    package mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError) {
        guard labels.isEmpty else {
            tape.refuse(.labelled)
            return
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
