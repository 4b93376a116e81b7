import ArgumentParser
import Foundation
import Ingest
import Metering
import Pricing
import Reports

/// `waybill replay`: captured payloads through the core, without a database.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Meter captured sink payloads, without a database.",
        discussion: """
            A capture is <name>.bin (a big-endian length of 32 bits, then the payload, repeated) with <name>.idx.jsonl \
            beside it; both may be packed as .gz. Several files are merged by arrival. A scrape of /stats/prometheus and \
            an access log in JSON may also be given as text, - is standard input.

            The metrics service does not say on the wire whether it sends totals: give --temporality delta where the \
            gateway sets report_counters_as_deltas.
            Examples:
              waybill replay --protocol metrics-service --capture worker_a.bin worker_b.bin --format json
              waybill replay --protocol dogstatsd --prefix billing --capture dog.bin.gz --match 'http.*rq_completed'
              waybill replay --protocol access-log-json --capture access.log
            """)

    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("\(ReplayProtocol.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "protocol")
    )
    var sinkProtocol: ReplayProtocol

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Capture files; repeatable.", valueName: "file"))
    var capture: [String] = []

    @Argument(help: ArgumentHelp("Further capture files.", valueName: "file"))
    var files: [String] = []

    @Option(help: ArgumentHelp("Only names that match; * is any text. Repeatable.", valueName: "glob"))
    var match: [String] = []

    @Option(help: "cumulative or delta, of the metrics service. Default: cumulative.")
    var temporality: Temporality?

    @Option(help: ArgumentHelp("What the sink puts before each name. Default for statsd: envoy.", valueName: "text"))
    var prefix: String?

    @Option(help: ArgumentHelp("Who sends, where the wire does not say.", valueName: "name"))
    var instance: String?

    @Option(
        name: .customLong("ignore-tag"),
        help: ArgumentHelp("A fixed tag that is no part of a name. Repeatable.", valueName: "tag"))
    var ignoredTags: [String] = []

    @Option(help: ArgumentHelp("Only this stream of each capture.", valueName: "number"))
    var stream: Int64?

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() throws {
        let paths = capture + files
        guard !paths.isEmpty else { throw CommandError(.usage, "--capture FILE is missing: name at least one capture") }
        var options = Replay.Options()
        options.sinkProtocol = sinkProtocol
        options.stream = stream
        options.prefix = prefix
        options.instance = instance
        options.ignoredTags = Set(ignoredTags)
        if let temporality {
            guard sinkProtocol == .metricsService else {
                throw CommandError(
                    .usage, "--temporality is for metrics-service: \(sinkProtocol.rawValue) says itself what it sends")
            }
            options.temporality = temporality
        }
        let report: Replay.Report
        do {
            if !match.isEmpty {
                options.collect = CollectPatterns(include: try match.map { try NamePattern(glob: $0) })
            }
            report = try Replay.run(try paths.map { try sinkProtocol.capture(at: $0) }, options: options)
        } catch let error as MeteringError {
            throw CommandError(.usage, "--match: \(error.message)")
        } catch let error as ReplayError {
            throw CommandError(.failure, error.description)
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(report))
        case .table: print(Self.table(report))
        }
    }

    private static func table(_ report: Replay.Report) -> String {
        var parts: [String] = []
        if !report.counters.isEmpty || report.evidence.isEmpty {
            var table = TextTable([.left, .left, .right, .right, .right])
            table.add("instance", "counter", "usage", "epochs", "resets")
            table.addRule()
            for counter in report.counters {
                table.add(
                    counter.instance, counter.name, Digits.grouped(counter.usage), String(counter.epochs),
                    String(counter.resets))
            }
            parts.append(table.text)
        }
        if !report.evidence.isEmpty { parts.append(evidence(report.evidence)) }
        let lines =
            report.instances.map { "\($0.instance): \($0.epochs) \($0.epochs == 1 ? "epoch" : "epochs")" }
            + report.losses.map { "lost: \(sentence($0))" } + report.notes.map { "note: \($0)" }
        if !lines.isEmpty { parts.append(lines.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    private static func evidence(_ rows: [Replay.Report.Evidence]) -> String {
        var table = TextTable([.left, .left, .left, .right, .right, .right, .right])
        table.add("connection manager", "route", "cluster", "answered", "unanswered", "redirects", "connections")
        table.addRule()
        for row in rows {
            table.add(
                row.prefix.isEmpty ? "-" : row.prefix, row.route.isEmpty ? "-" : row.route,
                row.cluster.isEmpty ? "-" : row.cluster, Digits.grouped(row.answered), Digits.grouped(row.unanswered),
                Digits.grouped(row.internalRedirects),
                Digits.grouped(row.connections))
        }
        return table.text
    }

    private static func sentence(_ loss: Replay.Report.Loss) -> String {
        switch loss.reason {
        case .tail:
            return "\(loss.instance): the last reading, of \(loss.from), was not an orderly one; "
                + "what was counted after it is not in the capture"
        case .silence:
            let flushes = loss.flushes.map { $0 == 1 ? "1 flush" : "\($0) flushes" } ?? "flushes"
            return "\(loss.instance): \(flushes) did not come between \(loss.from) and \(loss.to ?? ""); "
                + "their deltas are never sent again"
        }
    }
}

extension ReplayProtocol {
    /// A capture of it, in frames or as text.
    func capture(at path: String) throws -> CaptureFile {
        isText && !CaptureFile.isFramed(path) ? try CaptureFile(text: path) : try CaptureFile(path: path)
    }
}

extension Temporality: ExpressibleByArgument {}
extension ReplayProtocol: ExpressibleByArgument {}
