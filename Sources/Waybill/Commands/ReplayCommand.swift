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
            beside it; both may be packed as .gz. Several files are merged by arrival.
            Example: waybill replay --protocol metrics-service --capture worker_a.bin worker_b.bin --format json
            """)

    enum SinkProtocol: String, CaseIterable, ExpressibleByArgument {
        case metricsService = "metrics-service"
    }

    @Option(name: .customLong("protocol"), help: "metrics-service.")
    var sinkProtocol: SinkProtocol

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Capture files; repeatable.", valueName: "file"))
    var capture: [String] = []

    @Argument(help: ArgumentHelp("Further capture files.", valueName: "file"))
    var files: [String] = []

    @Option(help: ArgumentHelp("Only names that match; * is any text. Repeatable.", valueName: "glob"))
    var match: [String] = []

    @Option(help: "cumulative or delta: the wire does not say.")
    var temporality: Temporality = .cumulative

    @Option(help: ArgumentHelp("Only this stream of each capture.", valueName: "number"))
    var stream: Int64?

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() throws {
        let paths = capture + files
        guard !paths.isEmpty else { throw CommandError(.usage, "--capture FILE is missing: name at least one capture") }
        var options = Replay.Options()
        options.temporality = temporality
        options.stream = stream
        let report: Replay.Report
        do {
            if !match.isEmpty {
                options.collect = CollectPatterns(include: try match.map { try NamePattern(glob: $0) })
            }
            report = try Replay.run(try paths.map { try CaptureFile(path: $0) }, options: options)
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
        var table = TextTable([.left, .left, .right, .right, .right])
        table.add("instance", "counter", "usage", "epochs", "resets")
        table.addRule()
        for counter in report.counters {
            table.add(
                counter.instance, counter.name, Digits.grouped(counter.usage), String(counter.epochs),
                String(counter.resets))
        }
        let instances = report.instances.map { "\($0.instance): \($0.epochs) epochs" }
        return ([table.text, ""] + instances + report.notes.map { "note: \($0)" }).joined(separator: "\n")
    }
}

extension Temporality: ExpressibleByArgument {}
