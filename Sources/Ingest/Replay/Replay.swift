package import Metering
import WireFormats

/// Runs captured payloads of the metrics service through the same core as the worker, without a database: metering
/// since always, each stream committed as it goes.
package struct Replay {
    package struct Options: Sendable {
        package var collect = CollectPatterns.everything
        package var temporality = Temporality.cumulative
        /// Only this stream of each capture; nil for all.
        package var stream: Int64?

        package init() {}
    }

    /// What `waybill replay --format json` prints.
    package struct Report: Encodable, Hashable, Sendable {
        package struct Counter: Encodable, Hashable, Sendable {
            package var instance: String
            package var name: String
            package var usage: Int64
            package var epochs: Int
            package var resets: Int
        }

        package struct Instance: Encodable, Hashable, Sendable {
            package var instance: String
            package var epochs: Int
        }

        package var counters: [Counter]
        package var instances: [Instance]
        package var notes: [String]
    }

    /// A stream of one capture file, counted anew each time it begins.
    private struct StreamKey: Hashable {
        var file: Int
        var stream: Int64
    }

    private struct OpenStream {
        var feed: MetricsServiceFeed
        var identity: StreamIdentity?
    }

    private let options: Options
    private var ledger = MemoryLedger()
    private var open: [StreamKey: OpenStream] = [:]
    private var refusals: [String: [Refusal: Int64]] = [:]
    private var skewed: [String: Int64] = [:]
    private var malformed: Set<String> = []
    private var nextStream: Int64 = 1

    /// - Throws: `ReplayError` for a capture that can not be read.
    package static func run(_ captures: [CaptureFile], options: Options = Options()) throws -> Report {
        var replay = Replay(options: options)
        return try replay.run(captures)
    }

    private init(options: Options) {
        self.options = options
    }

    private mutating func run(_ captures: [CaptureFile]) throws -> Report {
        var entries: [(file: Int, entry: CaptureFile.Entry)] = []
        for (file, capture) in captures.enumerated() {
            entries += capture.entries.filter { options.stream == nil || $0.stream == options.stream }.map {
                (file, $0)
            }
        }
        // Several captures are merged by arrival; in one capture the order of the file holds.
        let order = entries.indices.sorted { (entries[$0].entry.arrivedAt, $0) < (entries[$1].entry.arrivedAt, $1) }
        for index in order {
            let (file, entry) = entries[index]
            try take(entry, StreamKey(file: file, stream: entry.stream), in: captures[file].path)
        }
        for key in open.keys.sorted(by: { ($0.file, $0.stream) < ($1.file, $1.stream) }) { try end(key) }
        return try report()
    }

    private mutating func take(_ entry: CaptureFile.Entry, _ key: StreamKey, in path: String) throws {
        guard let payload = entry.payload else { return try end(key) }
        let identifier = try? MetricsServiceMessage.identifier(of: payload.span)
        if entry.beginsStream || identifier != nil { try end(key) }
        if open[key] == nil { begin(key, identifier) }
        guard var stream = open.removeValue(forKey: key) else { return }
        do {
            try stream.feed.receive(payload.span, receivedAt: Timestamp(microseconds: entry.arrivedAt))
        } catch {
            malformed.insert(
                "\(path), stream \(key.stream): a malformed message (\(error)); the stream was closed there")
            open[key] = stream
            return try end(key)
        }
        open[key] = stream
        try commit(key)
    }

    private mutating func begin(_ key: StreamKey, _ node: EnvoyNode?) {
        let identity = StreamIdentity(node ?? EnvoyNode())
        for other in open.keys where open[other]?.identity?.instance == identity.instance {
            open[other]?.feed.tape.mark()
        }
        let tape = StreamTape(
            stream: StreamID(rawValue: nextStream), temporality: options.temporality, collect: options.collect)
        nextStream += 1
        open[key] = OpenStream(feed: MetricsServiceFeed(tape: tape), identity: identity)
    }

    private mutating func commit(_ key: StreamKey) throws {
        guard var stream = open.removeValue(forKey: key) else { return }
        if let identity = stream.identity { try ledger.commit(&stream.feed.tape, of: identity) }
        open[key] = stream
    }

    private mutating func end(_ key: StreamKey) throws {
        guard open[key] != nil else { return }
        open[key]?.feed.tape.end()
        try commit(key)
        guard let ended = open.removeValue(forKey: key), let identity = ended.identity else { return }
        for (reason, count) in ended.feed.tape.refusals {
            refusals[identity.instance, default: [:]][reason, default: 0] += count
        }
        skewed[identity.instance, default: 0] += ended.feed.tape.skewedFlushes
    }

    private mutating func report() throws -> Report {
        let totals = try ledger.totals()
        var notes = Array(ledger.notes) + malformed
        for (instance, reasons) in refusals {
            for (reason, count) in reasons { notes.append("\(instance): \(count) values refused: \(reason.rawValue)") }
        }
        for (instance, flushes) in skewed where flushes > 0 {
            notes.append(
                "\(instance): \(flushes) flushes timed by their arrival, the sender's clock is off by over 60 s")
        }
        for total in totals where total.resets > 0 {
            notes.append("\(total.instance): \(total.name) was reset \(total.resets) times")
        }
        return Report(
            counters: totals.map {
                Report.Counter(
                    instance: $0.instance, name: $0.name, usage: $0.usage, epochs: $0.epochs, resets: $0.resets)
            },
            instances: ledger.instances.map { Report.Instance(instance: $0.name, epochs: $0.epochs) },
            notes: notes.sorted()
        )
    }
}
