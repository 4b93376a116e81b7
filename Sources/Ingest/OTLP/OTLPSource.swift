import Metering
import Synchronization
import UsageStore
import WireFormats

/// The totals of one epoch of one instance, as this worker receives them by OTLP.
final class OTLPSource: TapeSource {
    private struct State {
        var feed: OTLPFeed
        var stored = StoredStream()
        var lastExport: Timestamp
    }

    let id: StreamID
    private let whole: StreamIdentity
    /// The sender's address.
    private let peer: String
    private let state: Mutex<State>
    private let ended = Atomic(false)
    private let isToBeMarked = Atomic(false)

    init(id: StreamID, identity: StreamIdentity, peer: String, feed: OTLPFeed, at time: Timestamp) {
        self.id = id
        self.peer = peer
        whole = identity
        state = Mutex(State(feed: feed, lastExport: time))
    }

    /// False where it was let go of meanwhile: then another one is to be begun.
    func receive(_ request: Span<UInt8>, resource: OTLPExport.Resource, at time: Timestamp) throws(WireFormatError)
        -> Bool
    {
        let outcome = state.withLock { state -> Result<Bool, WireFormatError> in
            guard !ended.load(ordering: .acquiring) else { return .success(false) }
            if isToBeMarked.exchange(false, ordering: .relaxed) { state.feed.tape?.mark() }
            state.lastExport = time
            do throws(WireFormatError) {
                try state.feed.receive(request, resource: resource, receivedAt: time)
                // An export is a whole flush: there is no need to wait for the next one.
                state.feed.tape?.end()
                return .success(true)
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Ends it where nothing has come for so long that its Envoy has gone, or sends to another worker.
    func endIfSilent(since time: Timestamp) {
        state.withLock { state in
            if state.lastExport < time { ended.store(true, ordering: .releasing) }
        }
    }

    var identity: StreamIdentity? { whole }
    var hasEnded: Bool { ended.load(ordering: .acquiring) }
    func mark() { isToBeMarked.store(true, ordering: .relaxed) }

    var isSpent: Bool {
        guard hasEnded else { return false }
        return state.withLock { $0.stored.revision >= ($0.feed.tape?.latestRevision ?? 0) }
    }

    var heldReadings: Int { state.withLockIfAvailable { $0.feed.tape?.heldReadings ?? 0 } ?? 0 }

    func commit(at now: Timestamp) -> StreamCommit? {
        let commit = state.withLockIfAvailable { state -> StreamCommit? in
            guard let tape = state.feed.tape, tape.latestRevision > state.stored.revision else { return nil }
            return StreamCommit(identity: whole, tape: tape, stored: state.stored, peer: peer)
        }
        return commit ?? nil
    }

    func hasStored(_ stored: StoredStream) {
        state.withLock { state in
            state.stored = stored
            state.feed.tape?.forget(through: stored.revision)
        }
    }
}
