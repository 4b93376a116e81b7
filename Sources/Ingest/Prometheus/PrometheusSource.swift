import Metering
import Synchronization
import UsageStore
import WireFormats

/// The scrapes of one life of one Envoy.
final class PrometheusSource: TapeSource {
    private struct State {
        var feed: PrometheusFeed
        var stored = StoredStream()
        var last: (life: PrometheusLife, time: Timestamp)?
        var hasEnded = false
    }

    let id: StreamID
    private let whole: StreamIdentity
    /// What is scraped.
    private let peer: String
    private let state: Mutex<State>

    init(id: StreamID, identity: StreamIdentity, peer: String, feed: PrometheusFeed) {
        self.id = id
        self.peer = peer
        whole = identity
        state = Mutex(State(feed: feed))
    }

    /// Takes one scrape. False where it is of another life of the process: that is a stream of its own, of which rule 4
    /// decides. A scrape that is cut off counts as far as it goes.
    func receive(_ scrape: Span<UInt8>, at time: Timestamp) throws(WireFormatError) -> Bool {
        let life = PrometheusLife(scrape)
        let outcome = state.withLock { state -> Result<Bool, WireFormatError> in
            if let last = state.last, !Self.isSame(last.life, last.time, life, time) { return .success(false) }
            state.last = (life, time)
            do throws(WireFormatError) {
                try state.feed.receive(scrape, at: time)
                state.feed.tape.end()
                return .success(true)
            } catch {
                state.feed.tape.end()
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// An uptime is in whole seconds, and a scrape takes its time.
    private static func isSame(
        _ before: PrometheusLife, _ then: Timestamp, _ now: PrometheusLife, _ time: Timestamp
    ) -> Bool {
        guard before.hotRestartEpoch == now.hotRestartEpoch else { return false }
        guard let known = before.uptime, let uptime = now.uptime else { return before.uptime == now.uptime }
        return Int64(uptime) * 1_000_000 + 2_500_000 >= known * 1_000_000 + time.microseconds(since: then)
    }

    /// Nothing more comes of it.
    func end() { state.withLock { $0.hasEnded = true } }

    /// Names that may be written otherwise in Envoy, and one of them.
    var ambiguous: (names: Int, example: String)? { state.withLock { $0.feed.ambiguous } }

    var identity: StreamIdentity? { whole }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    var isSpent: Bool { state.withLock { $0.hasEnded && $0.stored.revision >= $0.feed.tape.latestRevision } }
    var heldReadings: Int { state.withLock { $0.feed.tape.heldReadings } }
    func mark() {}

    func commit(at now: Timestamp) -> StreamCommit? {
        state.withLock { state in
            guard state.feed.tape.latestRevision > state.stored.revision else { return nil }
            return StreamCommit(identity: whole, tape: state.feed.tape, stored: state.stored, peer: peer)
        }
    }

    func hasStored(_ stored: StoredStream) {
        state.withLock { state in
            state.stored = stored
            state.feed.tape.forget(through: stored.revision)
        }
    }
}
