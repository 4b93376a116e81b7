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
        /// What is held of senders that may send what another sends.
        var held: [SenderWatch.Sender: DeltaFeed] = [:]

        func group(of sender: SenderWatch.Sender) -> UInt64 { feed.isOneForAll ? sender.address : 0 }
    }

    package let key: OdometerKey
    let id: StreamID
    private let epoch: OdometerEpoch
    private let makeOdometer: @Sendable () -> Odometer
    private let state: Mutex<State>
    private let ended = Atomic(false)

    init(
        key: OdometerKey, id: StreamID, epoch: OdometerEpoch, feed: DeltaFeed,
        makeOdometer: @escaping @Sendable () -> Odometer
    ) {
        self.makeOdometer = makeOdometer
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
            read(&state, from: sender, mayCount: lines.mayHoldCounters, at: time) { feed in
                StatsdLines.read(lines, dialect: feed.dialect, into: &feed)
            }
        }
    }

    /// Takes what a read of a TCP stream gave.
    ///
    /// - Parameter mayCount: whether the connection has counters, as far as it was read.
    func receive(
        statsd chunk: Span<UInt8>, of stream: inout StatsdStream, from sender: SenderWatch.Sender, mayCount: Bool,
        at time: Timestamp
    ) {
        state.withLock { state in
            read(&state, from: sender, mayCount: mayCount, at: time) { feed in stream.receive(chunk, into: &feed) }
        }
    }

    /// Takes one message of the metrics service.
    func receive(
        metricsService message: Span<UInt8>, from sender: SenderWatch.Sender, at time: Timestamp
    ) throws(WireFormatError) {
        let failure = state.withLock { state -> WireFormatError? in
            var failure: WireFormatError?
            read(&state, from: sender, mayCount: true, at: time) { feed in
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
        state.withLock { state in
            let group = state.group(of: sender)
            guard let counts = state.watches[group]?.end(sender) else { return }
            settle(sender, counts: counts, &state)
        }
    }

    /// Reads what a sender has sent: into the odometer, or where another may have sent the same into one that is held.
    private func read(
        _ state: inout State, from sender: SenderWatch.Sender, mayCount: Bool, at time: Timestamp,
        _ body: (inout DeltaFeed) -> Void
    ) {
        guard mayCount else {
            state.feed.odometer.export(at: time)
            return body(&state.feed)
        }
        let group = state.group(of: sender)
        let hearing = state.watches[group, default: SenderWatch()].hear(sender, at: time)
        switch hearing {
        case .counts: break
        case .joins, .succeeds:
            settle(sender, counts: hearing == .joins, &state)
            note(group, &state, at: time)
        case .held, .repeats:
            if hearing == .repeats { settle(sender, counts: false, &state) }
            note(group, &state, at: time)
            var held = state.held[sender] ?? state.feed.with(makeOdometer())
            state.held[sender] = nil
            held.odometer.export(at: time)
            let before = held.odometer.mark
            body(&held)
            state.watches[group]?.added(held.odometer.mark &- before, by: sender)
            state.held[sender] = held
            return
        }
        state.feed.odometer.export(at: time)
        let before = state.feed.odometer.mark
        body(&state.feed)
        state.watches[group]?.added(state.feed.odometer.mark &- before, by: sender)
    }

    /// What was held of a sender counts, or is let go of.
    private func settle(_ sender: SenderWatch.Sender, counts: Bool, _ state: inout State) {
        guard let held = state.held.removeValue(forKey: sender), counts else { return }
        state.feed.odometer.add(held.odometer)
    }

    private func note(_ group: UInt64, _ state: inout State, at time: Timestamp) {
        for finding in state.watches[group]?.takeFindings() ?? [] {
            if finding == .twoSenders, state.feed.isOneForAll { continue }
            remark(finding.reason, &state, 1, from: time, to: time)
        }
    }

    /// What was held of senders that are heard no more counts, or is let go of.
    private func settleEnded(_ state: inout State, at time: Timestamp?) {
        guard !state.held.isEmpty else { return }
        for group in state.watches.keys {
            let ended = time.map { state.watches[group]?.ended(at: $0) ?? [] } ?? state.watches[group]?.end() ?? []
            for (sender, counts) in ended { settle(sender, counts: counts, &state) }
        }
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
        state.withLock { state in
            settleEnded(&state, at: nil)
            state.feed.odometer.end()
        }
        ended.store(true, ordering: .releasing)
    }

    /// An odometer is kept as long as its worker lives: its sums are what the next delta is added to.
    var isSpent: Bool { false }

    var heldReadings: Int { state.withLock { $0.feed.odometer.tape.heldReadings } }

    func commit(at now: Timestamp) -> StreamCommit? {
        state.withLock { state in
            settleEnded(&state, at: now)
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

extension SenderWatch.Finding {
    /// As it is stored and shown by `waybill doctor`: no gap, for all is counted once.
    fileprivate var reason: String {
        switch self {
        case .sentTwice: "sent_twice"
        case .twoSenders: "two_senders"
        }
    }
}

extension Span<UInt8> {
    /// Whether statsd lines may hold a counter. Timers and gauges alone, as Envoy's worker threads send them, do not.
    var mayHoldCounters: Bool {
        var last: UInt8 = UInt8(ascii: "|")
        for index in indices {
            if self[index] == UInt8(ascii: "c"), last == UInt8(ascii: "|") { return true }
            last = self[index]
        }
        return false
    }
}
