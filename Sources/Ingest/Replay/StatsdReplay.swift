import Metering
import WireFormats

/// statsd datagrams and TCP reads. The wire names no sender: all is one instance's.
struct StatsdReplay: ReplayReader {
    private let dialect: StatsdDialect
    private let instance: String
    private var feed: DeltaFeed?
    /// What each TCP connection has begun.
    private var connections: [ReplayStream: StatsdStream] = [:]

    init(_ dialect: StatsdDialect, _ options: Replay.Options) {
        self.dialect = dialect
        instance = options.instance ?? options.prefix ?? "envoy"
    }

    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook
    ) throws {
        let key = ReplayStream(file: file, stream: entry.stream, source: entry.source ?? "")
        guard let payload = entry.payload else {
            connections[key] = nil
            return
        }
        let time = Timestamp(microseconds: entry.arrivedAt)
        var watch = Watch(feed: feed ?? newFeed(&book))
        feed = nil
        watch.feed.odometer.export(at: time)
        if book.connections.contains(key) {
            connections[key, default: StatsdStream(dialect: dialect)].receive(payload.span, into: &watch)
        } else {
            StatsdLines.read(payload.span, dialect: dialect, into: &watch)
        }
        if watch.hasCounter { book.receivedDeltas(of: instance, at: time) }
        feed = watch.feed
    }

    private func newFeed(_ book: inout ReplayBook) -> DeltaFeed {
        DeltaFeed(
            odometer: Odometer(stream: book.nextStreamID(), source: .statsd, collect: book.options.collect),
            dialect: dialect, prefix: book.options.prefix ?? "envoy", ignoring: book.options.ignoredTags)
    }

    /// Tells whether a payload is of a flush: timers come at any time.
    private struct Watch: StatsdVisitor {
        var feed: DeltaFeed
        var hasCounter = false

        mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
            hasCounter = true
            feed.counter(name: name, tags: tags, delta: delta)
        }

        mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) {
            feed.gauge(name: name, tags: tags, value: value)
        }

        mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) { feed.refused(reason, line: line) }
    }

    mutating func end(into book: inout ReplayBook) throws {
        guard var feed else { return }
        feed.odometer.end()
        let identity = StreamIdentity(
            gateway: "", instance: instance, bootID: OdometerEpoch(rawValue: 1).bootID)
        try book.commit(&feed.odometer.tape, of: identity)
        book.close(feed.odometer.tape, of: identity)
    }
}
