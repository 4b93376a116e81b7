import Metering
import Synchronization
import UsageStore
import WireFormats

/// One metrics stream of one Envoy at this worker: its readings, and how far they are stored.
///
/// A large message is read under the stream's lock and may take long. Nobody who looks after all streams waits for it:
/// the commit passes a stream by that is being read, and takes it the next time.
final class MeteredStream: MetricsStream, TapeSource {
    private struct State {
        var feed: MetricsServiceFeed
        var identity: StreamIdentity?
        var stored = StoredStream()
    }

    let id: StreamID
    let peer: String
    private let worker: IngestWorker
    private let state: Mutex<State>
    private let knownIdentity = Mutex<StreamIdentity?>(nil)
    private let kind = Mutex<Kind?>(nil)
    private let mayMeter: @Sendable (_ gateway: String) -> Bool
    private let isToBeMarked = Atomic(false)
    private let ended = Atomic(false)

    /// What the stream sends; known from its first message.
    private struct Kind {
        /// Nil where it sends totals.
        var odometer: OdometerSource?
    }

    init(
        id: StreamID, peer: String, tape: StreamTape, mayMeter: @escaping @Sendable (_ gateway: String) -> Bool,
        worker: IngestWorker
    ) {
        self.mayMeter = mayMeter
        self.id = id
        self.peer = peer
        self.worker = worker
        state = Mutex(State(feed: MetricsServiceFeed(tape: tape, ignoring: worker.ignoredTags)))
    }

    func receive(_ message: [UInt8], receivedAt microseconds: Int64) async throws {
        try worker.admit()
        let time = Timestamp(microseconds: microseconds)
        if let odometer = try deltaSource(message) {
            return try odometer.receive(metricsService: message.span, from: sender, at: time)
        }
        let begun = try state.withLock { state in
            if isToBeMarked.exchange(false, ordering: .relaxed) { state.feed.tape.mark() }
            try state.feed.receive(message.span, receivedAt: time)
            if let identity = state.identity {
                // What was read is kept; nothing more of it is stored.
                if state.feed.tape.looksLikeDeltas { throw worker.hold(identity) }
                return nil as StreamIdentity?
            }
            let identity = try Self.identity(of: state.feed.node)
            guard mayMeter(identity.gateway) else { throw Self.notPermitted(identity) }
            guard !worker.isHeld(identity) else { throw worker.hold(identity) }
            state.identity = identity
            return identity
        }
        guard let begun else { return }
        knownIdentity.withLock { $0 = begun }
        worker.hasBegun(self, begun)
    }

    private var sender: SenderWatch.Sender { SenderWatch.Sender(port: UInt64(bitPattern: id.rawValue)) }

    /// The odometer that a stream of deltas is added to, from its first message on.
    private func deltaSource(_ message: [UInt8]) throws -> OdometerSource? {
        if let known = kind.withLock({ $0 }) { return known.odometer }
        let identity = try Self.identity(of: MetricsServiceMessage.identifier(of: message.span))
        guard mayMeter(identity.gateway) else { throw Self.notPermitted(identity) }
        let odometer = try worker.deltaSource(identity)
        odometer?.isHeard(from: peer)
        kind.withLock { $0 = Kind(odometer: odometer) }
        return odometer
    }

    private static func notPermitted(_ identity: StreamIdentity) -> MetricsStreamRefusal {
        MetricsStreamRefusal(
            .notPermitted, "the client's certificate does not let it speak for the gateway \(identity.gateway)")
    }

    func end(_ cause: MetricsStreamEnd) async {
        kind.withLock { $0 }?.odometer?.hasEnded(sender)
        state.withLock { $0.feed.tape.end() }
        ended.store(true, ordering: .releasing)
    }

    var identity: StreamIdentity? { knownIdentity.withLock { $0 } }
    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// Another stream of the instance has begun: what comes from here on is kept apart.
    func mark() {
        isToBeMarked.store(true, ordering: .relaxed)
    }

    /// What is to be stored now; nil also while a message is being read. The snapshot shares its memory with the tape
    /// until the next reading.
    func commit(at now: Timestamp) -> StreamCommit? {
        let commit = state.withLockIfAvailable { state -> StreamCommit? in
            guard let identity = state.identity, state.feed.tape.latestRevision > state.stored.revision,
                !state.feed.tape.looksLikeDeltas
            else { return nil }
            return StreamCommit(identity: identity, tape: state.feed.tape, stored: state.stored, peer: peer)
        }
        return commit ?? nil
    }

    func hasStored(_ stored: StoredStream) {
        state.withLock { state in
            state.stored = stored
            state.feed.tape.forget(through: stored.revision)
        }
    }

    /// Whether nothing more will come of it: it has ended, and what it read is stored or can never be.
    var isSpent: Bool {
        guard hasEnded else { return false }
        return state.withLock { state in
            let isStored = state.stored.revision >= state.feed.tape.latestRevision
            return isStored || state.identity == nil || !state.feed.tape.isDecidable
                || state.feed.tape.looksLikeDeltas
        }
    }

    /// Readings held in memory; 0 while a message is being read.
    var heldReadings: Int { state.withLockIfAvailable { $0.feed.tape.heldReadings } ?? 0 }

    private static func identity(of node: EnvoyNode?) throws(MetricsStreamRefusal) -> StreamIdentity {
        guard let node else {
            throw MetricsStreamRefusal(
                .missingIdentifier,
                "the first message of the stream has no identifier; Envoy sends it when it opens the stream anew")
        }
        for (name, value) in [("node.id", node.id), ("node.cluster", node.cluster)] {
            guard (1...512).contains(value.utf8.count), !value.utf8.contains(0) else {
                throw MetricsStreamRefusal(
                    .missingIdentifier,
                    "\(name) is \(value.isEmpty ? "empty" : "longer than 512 bytes or no text"); set it in the bootstrap"
                )
            }
        }
        return StreamIdentity(node)
    }
}
