import Metering
import Synchronization
import UsageStore
import WireFormats

/// One delta source of one instance at this worker: its odometer, and how far it is stored.
package final class OdometerSource: TapeSource {
    private struct State {
        var feed: DeltaFeed
        var stored = StoredStream()
        var remarks: [StreamRemark] = []
        /// From where it was heard first; nil until then.
        var peer: String?
    }

    package let key: OdometerKey
    let id: StreamID
    private let epoch: OdometerEpoch
    private let state: Mutex<State>
    private let ended = Atomic(false)

    init(key: OdometerKey, id: StreamID, epoch: OdometerEpoch, feed: DeltaFeed) {
        self.key = key
        self.id = id
        self.epoch = epoch
        state = Mutex(State(feed: feed))
    }

    /// Says from where it is heard.
    func isHeard(from peer: String) {
        state.withLock { state in
            if state.peer == nil { state.peer = peer }
        }
    }

    /// Takes statsd lines of one moment.
    func receive(statsd lines: Span<UInt8>, at time: Timestamp) {
        state.withLock { state in
            state.feed.odometer.export(at: time)
            StatsdLines.read(lines, dialect: state.feed.dialect, into: &state.feed)
        }
    }

    /// Takes what a read of a TCP stream gave.
    func receive(statsd chunk: Span<UInt8>, of stream: inout StatsdStream, at time: Timestamp) {
        state.withLock { state in
            state.feed.odometer.export(at: time)
            stream.receive(chunk, into: &state.feed)
        }
    }

    /// Takes one message of the metrics service.
    func receive(metricsService message: Span<UInt8>, at time: Timestamp) throws(WireFormatError) {
        let failure = state.withLock { state -> WireFormatError? in
            state.feed.odometer.export(at: time)
            do throws(WireFormatError) {
                try MetricsServiceMessage.read(message, into: &state.feed)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// The kernel dropped datagrams of the socket that this source is heard on.
    func remarkDrops(_ datagrams: Int64, from: Timestamp, to: Timestamp) {
        state.withLock { state in
            let quarterHour = QuarterHour(containing: from)
            if let index = state.remarks.firstIndex(where: { $0.quarterHour == quarterHour }) {
                state.remarks[index].to = max(state.remarks[index].to, to)
                state.remarks[index].occurrences += datagrams
            } else {
                state.remarks.append(
                    StreamRemark(reason: "udp_drop", from: from, to: to, upper: nil, occurrences: datagrams))
            }
        }
    }

    /// Says how its source is read, where it was taken up from an earlier process.
    func configure(_ makeFeed: (Odometer) -> DeltaFeed) {
        state.withLock { $0.feed = makeFeed($0.feed.odometer) }
    }

    func resume(_ sealing: Odometer.Sealing) { state.withLock { $0.feed.odometer.resume(sealing) } }

    func unsealed() -> Odometer.Sealing? { state.withLock { $0.feed.odometer.unsealed() } }

    var sealing: Odometer.Sealing? { state.withLock { $0.feed.odometer.sealing } }

    /// Lines and values that were refused, by reason.
    var refusals: [Refusal: Int64] { state.withLock { $0.feed.odometer.tape.refusals } }

    // MARK: TapeSource

    var identity: StreamIdentity? {
        StreamIdentity(gateway: key.gateway, instance: key.instance, bootID: epoch.bootID)
    }

    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// The worker ends: what came is a complete flush.
    func end() {
        state.withLock { $0.feed.odometer.end() }
        ended.store(true, ordering: .releasing)
    }

    /// An odometer is kept as long as its worker lives: its sums are what the next delta is added to.
    var isSpent: Bool { false }

    var heldReadings: Int { state.withLock { $0.feed.odometer.tape.heldReadings } }

    func commit(at now: Timestamp) -> StreamCommit? {
        state.withLock { state in
            state.feed.odometer.settle(at: now)
            let tape = state.feed.odometer.tape
            guard tape.latestRevision > state.stored.revision, let identity else { return nil }
            return StreamCommit(
                identity: identity, tape: tape, stored: state.stored, remarks: state.remarks, peer: state.peer)
        }
    }

    func hasStored(_ stored: StoredStream) {
        state.withLock { state in
            state.stored = stored
            state.feed.odometer.tape.forget(through: stored.revision)
            if let last = state.remarks.last { state.remarks = [last] }
        }
    }

    /// Its sums are its own: another worker's odometer of the same instance has another epoch.
    func mark() {}
}
