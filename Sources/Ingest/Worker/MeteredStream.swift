import Metering
import Synchronization
import UsageStore
import WireFormats

/// One metrics stream of one Envoy at this worker: its readings, and how far they are stored.
final class MeteredStream: MetricsStream {
    private struct State {
        var feed: MetricsServiceFeed
        var identity: StreamIdentity?
        var stored = StoredStream()
        var hasEnded = false
    }

    let id: StreamID
    let peer: String
    private let state: Mutex<State>
    private let worker: IngestWorker

    init(id: StreamID, peer: String, tape: StreamTape, worker: IngestWorker) {
        self.id = id
        self.peer = peer
        self.worker = worker
        state = Mutex(State(feed: MetricsServiceFeed(tape: tape)))
    }

    func receive(_ message: [UInt8], receivedAt microseconds: Int64) async throws {
        try worker.admit()
        let begun = try state.withLock { state in
            try state.feed.receive(message.span, receivedAt: Timestamp(microseconds: microseconds))
            if state.identity != nil { return nil as StreamIdentity? }
            let identity = try Self.identity(of: state.feed.node)
            state.identity = identity
            return identity
        }
        if let begun { worker.hasBegun(self, begun) }
    }

    func end(_ cause: MetricsStreamEnd) async {
        state.withLock { state in
            state.feed.tape.end()
            state.hasEnded = true
        }
    }

    var identity: StreamIdentity? { state.withLock { $0.identity } }

    /// Another stream of the instance has begun.
    func mark() {
        state.withLock { $0.feed.tape.mark() }
    }

    /// What is to be stored now. The snapshot shares its memory with the tape until the next reading.
    func commit() -> StreamCommit? {
        state.withLock { state in
            guard let identity = state.identity, state.feed.tape.latestRevision > state.stored.revision else { return nil }
            return StreamCommit(identity: identity, tape: state.feed.tape, stored: state.stored)
        }
    }

    func hasStored(_ stored: StoredStream) {
        state.withLock { state in
            state.stored = stored
            state.feed.tape.forget(through: stored.revision)
        }
    }

    /// Whether nothing more will come of it: it has ended, and what it read is stored or can never be.
    var isSpent: Bool {
        state.withLock { state in
            guard state.hasEnded else { return false }
            let isStored = state.stored.revision >= state.feed.tape.latestRevision
            return isStored || state.identity == nil || !state.feed.tape.isDecidable
        }
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Readings held in memory.
    var heldReadings: Int { state.withLock { $0.feed.tape.heldReadings } }

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
                    "\(name) is \(value.isEmpty ? "empty" : "longer than 512 bytes or no text"); set it in the bootstrap")
            }
        }
        return StreamIdentity(node)
    }
}
