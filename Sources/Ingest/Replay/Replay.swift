package import Metering
package import UsageStore
import WireFormats

/// Runs captured payloads of a sink through the same core as the worker, without a database: metering since always, each
/// stream committed as it goes.
package struct Replay {
    package struct Options: Sendable {
        package var sinkProtocol = ReplayProtocol.metricsService
        package var collect = CollectPatterns.everything
        /// Whether the metrics service sends totals: its wire does not say.
        package var temporality = Temporality.cumulative
        /// Only this stream of each capture; nil for all.
        package var stream: Int64?
        /// What the sink puts before each name, without the dot. Nil for the protocol's own: `envoy` for statsd, else none.
        package var prefix: String?
        /// Who sends, where the wire does not say.
        package var instance: String?
        /// Tags that say who sends, and are no part of a name.
        package var ignoredTags: Set<String> = []

        package init() {}
    }

    /// - Throws: `ReplayError` for a capture that can not be read.
    package static func run(_ captures: [CaptureFile], options: Options = Options()) throws -> Report {
        var book = try read(captures, options, into: ReplayBook(options: options))
        return try book.report()
    }

    /// The streams of captures whole, to be held against a store.
    ///
    /// - Parameter gateway: whose they are, where the wire does not say.
    /// - Throws: `ReplayError` for a capture that can not be read.
    package static func streams(
        _ captures: [CaptureFile], options: Options, gateway: String
    ) throws -> (streams: [StreamCommit], notes: [String]) {
        var book = ReplayBook(options: options)
        book.archive = []
        book = try read(captures, options, into: book)
        let streams = (book.archive ?? []).map { stream in
            var stream = stream
            if stream.identity.gateway == StreamIdentity.unknown { stream.identity.gateway = gateway }
            // What a capture adds up is no worker's odometer.
            if let boot = stream.identity.bootID, OdometerEpoch.isOdometer(boot) {
                stream.identity.bootID = OdometerEpoch(rawValue: UInt64.random(in: 1...UInt64.max)).bootID
            }
            return stream
        }
        return (streams, book.notes.sorted())
    }

    private static func read(
        _ captures: [CaptureFile], _ options: Options, into book: ReplayBook
    ) throws -> ReplayBook {
        var book = book
        var entries: [(file: Int, entry: CaptureFile.Entry)] = []
        for (file, capture) in captures.enumerated() {
            entries += capture.entries.filter { options.stream == nil || $0.stream == options.stream }.map {
                (file, $0)
            }
        }
        // Several captures are merged by arrival; in one capture the order of the file holds.
        let order = entries.indices.sorted { (entries[$0].entry.arrivedAt, $0) < (entries[$1].entry.arrivedAt, $1) }
        // TCP ends every line, and its connections end; a datagram's last line has no end.
        for (file, entry) in entries where entry.payload?.last.map({ $0 == UInt8(ascii: "\n") }) ?? true {
            book.connections.insert(ReplayStream(file: file, stream: entry.stream, source: entry.source ?? ""))
        }
        var reader = reader(for: options)
        for index in order {
            let (file, entry) = entries[index]
            try reader.take(entry, ofFile: file, at: captures[file].path, into: &book)
        }
        try reader.end(into: &book)
        return book
    }

    private static func reader(for options: Options) -> any ReplayReader {
        switch options.sinkProtocol {
        case .metricsService: MetricsServiceReplay()
        case .otlp: OTLPReplay()
        case .statsd: StatsdReplay(.plain, options)
        case .dogstatsd: StatsdReplay(.dogstatsd, options)
        case .graphite: StatsdReplay(.graphite, options)
        case .prometheus: PrometheusReplay()
        case .accessLog: AccessLogReplay()
        case .accessLogJSON: JSONAccessLogReplay()
        }
    }
}

/// Takes the payloads of one protocol in the order of their arrival.
protocol ReplayReader {
    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook) throws

    /// The captures have ended.
    mutating func end(into book: inout ReplayBook) throws
}

/// A stream of one capture file.
struct ReplayStream: Hashable, Comparable {
    var file: Int
    var stream: Int64
    var source = ""

    static func < (left: ReplayStream, right: ReplayStream) -> Bool {
        (left.file, left.stream, left.source) < (right.file, right.stream, right.source)
    }
}
