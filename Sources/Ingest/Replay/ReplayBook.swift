import Metering
import UsageStore

/// What all protocols of a replay have in common: the ledger, and what is said beside it.
struct ReplayBook {
    let options: Replay.Options
    var ledger = MemoryLedger()
    var notes: Set<String> = []
    var evidence = AccessLogEvidence()
    /// Senders whose payloads are reads of a connection: a line may go over several. Else a payload is a datagram.
    var connections: Set<ReplayStream> = []
    private var refusals: [String: [Refusal: Int64]] = [:]
    private var skewed: [String: Int64] = [:]
    /// When deltas came, by instance.
    private var deltaFlushes: [String: [Timestamp]] = [:]
    private var nextStream: Int64 = 1
    /// The streams whole, where they are to be held against a store; nil where they are metered here.
    var archive: [StreamCommit]?

    init(options: Replay.Options) {
        self.options = options
    }

    mutating func nextStreamID() -> StreamID {
        // A store knows streams by random numbers.
        guard archive == nil else { return StreamID(rawValue: Int64.random(in: 1...Int64.max)) }
        defer { nextStream += 1 }
        return StreamID(rawValue: nextStream)
    }

    /// Commits what changed of a stream, as a worker would at each interval.
    mutating func commit(_ tape: inout StreamTape, of identity: StreamIdentity) throws {
        if archive == nil { try ledger.commit(&tape, of: identity) }
    }

    /// A stream's tape has ended: what it refused is to be said.
    mutating func close(_ tape: StreamTape, of identity: StreamIdentity) {
        let instance = identity.instance
        archive?.append(StreamCommit(identity: identity, tape: tape, stored: StoredStream()))
        for (reason, count) in tape.refusals { refusals[instance, default: [:]][reason, default: 0] += count }
        // Where the wire carries no time there is no clock to be off.
        switch tape.source {
        case .metricsService, .metricsServiceDelta, .otlp: skewed[instance, default: 0] += tape.skewedFlushes
        case .otlpDelta, .statsd, .dogstatsd, .graphite, .prometheus: break
        }
    }

    /// Deltas of a flush have come.
    mutating func receivedDeltas(of instance: String, at time: Timestamp) {
        let flushes = deltaFlushes[instance] ?? []
        // The datagrams and batches of one flush.
        if let last = flushes.last, time.microseconds(since: last) < 50_000 { return }
        deltaFlushes[instance, default: []].append(time)
    }

    mutating func report() throws -> Replay.Report {
        let totals = try ledger.totals()
        notes.formUnion(ledger.notes)
        for (instance, reasons) in refusals {
            for (reason, count) in reasons { notes.insert("\(instance): \(count) values refused: \(reason.rawValue)") }
        }
        for (instance, flushes) in skewed where flushes > 0 {
            notes.insert(
                "\(instance): \(flushes) flushes timed by their arrival, the sender's clock is off by over 60 s")
        }
        for total in totals where total.resets > 0 {
            notes.insert("\(total.instance): \(total.name) was reset \(total.resets) times")
        }
        if evidence.duplicates > 0 { notes.insert("\(evidence.duplicates) log entries came twice, and count once") }
        if evidence.unidentified > 0 {
            notes.insert("\(evidence.unidentified) log entries carry no stream id: one that came twice counts twice")
        }
        return Replay.Report(
            counters: totals.map {
                Replay.Report.Counter(
                    instance: $0.instance, name: $0.name, usage: $0.usage, epochs: $0.epochs, resets: $0.resets)
            },
            instances: ledger.instances.map { Replay.Report.Instance(instance: $0.name, epochs: $0.epochs) },
            losses: tails() + silences(), evidence: evidenceRows, notes: notes.sorted())
    }

    private var evidenceRows: [Replay.Report.Evidence] {
        evidence.counts.sorted { $0.key < $1.key }.map { key, counts in
            Replay.Report.Evidence(
                prefix: key.prefix, route: key.route, cluster: key.cluster, answered: counts.answered,
                unanswered: counts.unanswered, internalRedirects: counts.internalRedirects,
                connections: counts.connections)
        }
    }

    /// Epochs of a process that ended without an orderly last reading. An odometer's epoch is the reader's own.
    private func tails() -> [Replay.Report.Loss] {
        ledger.instances.flatMap { instance in
            ledger.records(of: instance.name).filter { $0.source != .statsd && $0.source != .otlpDelta }
                // A scrape that came as text has no time.
                .filter { !$0.last.isDrained && $0.last.receivedAt > Timestamp(seconds: 1_000_000_000) }.map { record in
                    Replay.Report.Loss(
                        instance: instance.name, reason: .tail, from: "\(record.last.receivedAt)", to: nil, flushes: nil
                    )
                }
        }
    }

    /// Pauses that are longer than one and a half flush intervals. The interval is the median of the pauses.
    private func silences() -> [Replay.Report.Loss] {
        deltaFlushes.sorted { $0.key < $1.key }.flatMap { instance, times -> [Replay.Report.Loss] in
            let pauses = zip(times, times.dropFirst()).map { $1.microseconds(since: $0) }
            guard pauses.count > 1 else { return [] }
            let interval = max(1, pauses.sorted()[(pauses.count - 1) / 2])
            return zip(times, pauses).filter { $0.1 * 2 > interval * 3 }.map { from, pause in
                Replay.Report.Loss(
                    instance: instance, reason: .silence, from: "\(from)",
                    to: "\(from.advanced(byMicroseconds: pause))",
                    flushes: Int((pause + interval / 2) / interval) - 1)
            }
        }
    }
}
