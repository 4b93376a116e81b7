import Metering
import WireFormats

/// Messages of the metrics service: a stream is metered as the worker would, anew each time it begins.
struct MetricsServiceReplay: ReplayReader {
    private struct OpenStream {
        var feed: MetricsServiceFeed
        var identity: StreamIdentity
    }

    private var open: [ReplayStream: OpenStream] = [:]
    /// Streams of another service in the same capture.
    private var foreign: Set<ReplayStream> = []

    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook
    ) throws {
        let key = ReplayStream(file: file, stream: entry.stream)
        guard let payload = entry.payload else { return try end(key, into: &book) }
        if (try? AccessLogMessage.logName(of: payload.span)) ?? nil != nil { foreign.insert(key) }
        guard !foreign.contains(key) else {
            book.notes.insert("\(path): stream \(key.stream) is one of access logs, and was passed over")
            return
        }
        let node = try? MetricsServiceMessage.identifier(of: payload.span)
        if entry.beginsStream || node != nil { try end(key, into: &book) }
        if open[key] == nil { begin(key, node, into: &book) }
        guard var stream = open.removeValue(forKey: key) else { return }
        do {
            try stream.feed.receive(payload.span, receivedAt: Timestamp(microseconds: entry.arrivedAt))
        } catch {
            book.notes.insert(
                "\(path), stream \(key.stream): a malformed message (\(error)); the stream was closed there")
            open[key] = stream
            return try end(key, into: &book)
        }
        if book.options.temporality == .delta {
            book.receivedDeltas(of: stream.identity.instance, at: stream.feed.tape.lastFlushTime)
        }
        try book.commit(&stream.feed.tape, of: stream.identity)
        open[key] = stream
    }

    mutating func end(into book: inout ReplayBook) throws {
        for key in open.keys.sorted() { try end(key, into: &book) }
    }

    private mutating func begin(_ key: ReplayStream, _ node: EnvoyNode?, into book: inout ReplayBook) {
        var identity = StreamIdentity(node ?? EnvoyNode())
        if node == nil, let instance = book.options.instance { identity.instance = instance }
        for other in open.keys where open[other]?.identity.instance == identity.instance {
            open[other]?.feed.tape.mark()
        }
        let tape = StreamTape(
            stream: book.nextStreamID(), temporality: book.options.temporality, collect: book.options.collect)
        open[key] = OpenStream(
            feed: MetricsServiceFeed(tape: tape, ignoring: book.options.ignoredTags), identity: identity)
    }

    private mutating func end(_ key: ReplayStream, into book: inout ReplayBook) throws {
        guard var ended = open.removeValue(forKey: key) else { return }
        ended.feed.tape.end()
        try book.commit(&ended.feed.tape, of: ended.identity)
        book.close(ended.feed.tape, of: ended.identity)
    }
}
