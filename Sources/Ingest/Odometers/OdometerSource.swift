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
        /// By address where several senders are declared to be one; else one for all.
        var watches: [UInt64: SenderWatch] = [:]

        func group(of sender: SenderWatch.Sender) -> UInt64 { feed.isOneForAll ? sender.address : 0 }
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
    func receive(statsd lines: Span<UInt8>, from sender: SenderWatch.Sender, at time: Timestamp) {
        state.withLock { state in
            read(&state, from: sender, at: time) { feed in
                StatsdLines.read(lines, dialect: feed.dialect, into: &feed)
            }
        }
    }

    /// Takes what a read of a TCP stream gave.
    func receive(
        statsd chunk: Span<UInt8>, of stream: inout StatsdStream, from sender: SenderWatch.Sender, at time: Timestamp
    ) {
        state.withLock { state in
            read(&state, from: sender, at: time) { feed in stream.receive(chunk, into: &feed) }
        }
    }

    /// Takes one message of the metrics service.
    func receive(
        metricsService message: Span<UInt8>, from sender: SenderWatch.Sender, at time: Timestamp
    ) throws(WireFormatError) {
        let failure = state.withLock { state -> WireFormatError? in
            var failure: WireFormatError?
            read(&state, from: sender, at: time) { feed in
                do throws(WireFormatError) {
                    try MetricsServiceMessage.read(message, into: &feed)
                } catch {
                    failure = error
                }
            }
            return failure
        }
        if let failure { throw failure }
    }

    /// A connection or stream has ended.
    func hasEnded(_ sender: SenderWatch.Sender) {
        state.withLock { $0.watches[$0.group(of: sender)]?.end(sender) }
    }

    /// Reads what a sender has sent, and remarks what is found out of it: no gap, for all of it counts.
    private func read(
        _ state: inout State, from sender: SenderWatch.Sender, at time: Timestamp, _ body: (inout DeltaFeed) -> Void
    ) {
        let group = state.group(of: sender)
        // Several are declared to be one: that they are several is known.
        if let finding = state.watches[group, default: SenderWatch()].hear(sender, at: time),
            finding == .sentTwice || !state.feed.isOneForAll
        {
            remark(finding.rawValue, &state, 1, from: time, to: time)
        }
        state.feed.odometer.export(at: time)
        let before = state.feed.odometer.mark
        body(&state.feed)
        state.watches[group]?.added(state.feed.odometer.mark &- before, by: sender)
    }

    private func remark(
        _ reason: String, _ state: inout State, _ occurrences: Int64, from: Timestamp, to: Timestamp
    ) {
        let quarterHour = QuarterHour(containing: from)
        let known = state.remarks.firstIndex { $0.quarterHour == quarterHour && $0.reason == reason }
        if let known {
            state.remarks[known].to = max(state.remarks[known].to, to)
            state.remarks[known].occurrences += occurrences
        } else {
            state.remarks.append(
                StreamRemark(reason: reason, from: from, to: to, upper: nil, occurrences: occurrences))
        }
    }

    /// The kernel dropped datagrams of the socket that this source is heard on.
    func remarkDrops(_ datagrams: Int64, from: Timestamp, to: Timestamp) {
        state.withLock { remark(Gap.Reason.udpDrop.rawValue, &$0, datagrams, from: from, to: to) }
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
            // The last of each reason may still grow.
            state.remarks = Dictionary(grouping: state.remarks, by: \.reason).values.compactMap(\.last)
        }
    }

    /// Its sums are its own: another worker's odometer of the same instance has another epoch.
    func mark() {}
}
