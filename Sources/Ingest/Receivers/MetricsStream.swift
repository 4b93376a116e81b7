/// Where the messages of metrics streams go.
package protocol MetricsServiceStreams: Sendable {
    /// Begins a stream. Called once for each stream that an Envoy opens, at once, before its first message.
    ///
    /// - Parameter peer: as the transport names it: `ipv4:10.0.0.7:49152`.
    /// - Parameter mayMeter: whether the sender may speak for a gateway.
    func open(peer: String, mayMeter: @escaping @Sendable (_ gateway: String) -> Bool) async -> any MetricsStream
}

extension MetricsServiceStreams {
    /// Begins a stream of a sender that may speak for every gateway.
    package func open(peer: String) async -> any MetricsStream { await open(peer: peer) { _ in true } }
}

/// One stream of one Envoy: the messages come one after another, in the order of the wire, then the end.
package protocol MetricsStream: Sendable {
    /// Takes one StreamMetricsMessage. The next message is read when this returns.
    ///
    /// While the receiver shuts down, the task may be cancelled in the middle of this: what it was given is to be taken
    /// nonetheless.
    ///
    /// - Parameters:
    ///   - message: as it came; no more than the receiver's largest message.
    ///   - microseconds: Unix time at which the message was read: under back-pressure later than it arrived.
    /// - Throws: `MetricsStreamRefusal` or `WireFormatError` closes the stream with the status they stand for; any other
    ///   error closes it as the worker's own failure.
    func receive(_ message: [UInt8], receivedAt microseconds: Int64) async throws

    /// The stream has ended: called once, last.
    func end(_ cause: MetricsStreamEnd) async
}

/// How a stream came to its end.
package enum MetricsStreamEnd: Sendable {
    /// The peer ended it in order.
    case closedByPeer
    /// The connection broke, the peer reset the stream, or it sent what the transport refuses (a message too large).
    case lost(any Error)
    /// The worker closed it: the stream threw, or there was no room.
    case refused(any Error)
    /// The worker shuts down.
    case shuttingDown
}

/// Why the worker closes a stream. Envoy opens a new one, with its identifier, at the next flush.
package struct MetricsStreamRefusal: Error, Hashable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value { case missingIdentifier, malformed, overloaded, unavailable, notPermitted }
        private let value: Value

        /// The first message names no node: nothing can be metered under it. INVALID_ARGUMENT.
        package static let missingIdentifier = Code(value: .missingIdentifier)
        /// The message is not what the protocol says. INVALID_ARGUMENT.
        package static let malformed = Code(value: .malformed)
        /// The worker has no room for it now. RESOURCE_EXHAUSTED.
        package static let overloaded = Code(value: .overloaded)
        /// The worker can not take anything now. UNAVAILABLE.
        package static let unavailable = Code(value: .unavailable)
        /// The sender may not speak for the gateway that it names. PERMISSION_DENIED.
        package static let notPermitted = Code(value: .notPermitted)
    }

    package let code: Code
    /// For the operator of the Envoy: it goes out as the status message.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
