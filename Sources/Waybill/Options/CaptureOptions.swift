import ArgumentParser
import Ingest
import Metering
import UsageStore

/// How captures are read that are held against the tapes: as `waybill replay` reads them.
struct CaptureOptions: ParsableArguments {
    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp(
            "Of captures: \(ReplayProtocol.metered.map(\.rawValue).joined(separator: ", ")).", valueName: "protocol"))
    var sinkProtocol: ReplayProtocol?

    @Option(help: "Of captures of the metrics service: cumulative (default) or delta.")
    var temporality: Temporality?

    @Option(help: ArgumentHelp("Of captures: what the sink puts before each name.", valueName: "text"))
    var prefix: String?

    @Option(help: ArgumentHelp("Of captures: who sends, where the wire does not say.", valueName: "name"))
    var instance: String?

    @Option(
        name: .customLong("ignore-tag"),
        help: ArgumentHelp("Of captures: a fixed tag that is no part of a name. Repeatable.", valueName: "tag"))
    var ignoredTags: [String] = []

    func streams(_ files: [String], gateway: String) throws -> (streams: [StreamCommit], notes: [String]) {
        guard let sinkProtocol else {
            throw CommandError(.usage, "--protocol is missing: what sink are the captures of?")
        }
        guard ReplayProtocol.metered.contains(sinkProtocol) else {
            throw CommandError(
                .usage, "access logs are evidence, not usage: waybill evidence, then backfill propose --from-evidence")
        }
        if temporality != nil, sinkProtocol != .metricsService {
            throw CommandError(.usage, "--temporality is for metrics-service: \(sinkProtocol.rawValue) says it itself")
        }
        var options = Replay.Options()
        options.sinkProtocol = sinkProtocol
        options.temporality = temporality ?? .cumulative
        options.prefix = prefix
        options.instance = instance
        options.ignoredTags = Set(ignoredTags)
        do {
            return try Replay.streams(
                try files.map { try sinkProtocol.capture(at: $0) }, options: options, gateway: gateway)
        } catch let error as ReplayError {
            throw CommandError(.failure, error.description)
        }
    }
}

extension ReplayProtocol {
    /// Those that carry counters.
    static let metered = allCases.filter { $0 != .accessLog && $0 != .accessLogJSON }
}
