import ArgumentParser
import Foundation
import LoadBalancerCosts
import Logging
import Reports
import Savings
import UsageStore

/// `waybill report savings`: what a gateway's month cost, and what its alternatives would have cost.
struct SavingsReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "savings", abstract: "Report what a gateway's month cost beside its alternatives.",
        discussion: """
            Example: waybill report savings --gateway edge --month 2026-11 --format html -o savings.html
            Assumptions: \(Assumptions.Name.allCases.map(\.rawValue).joined(separator: ", ")).
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, html, pdf, json, csv
    }

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(help: "The gateway: node.cluster of its Envoys.")
    var gateway: String

    @Option(help: "The AWS region whose prices hold. us-east-1 unless given.")
    var region: String?

    @OptionGroup var options: ComparisonOptions

    @Option(help: "text, html, pdf, json or csv.")
    var format: Format = .text

    @Option(name: .shortAndLong, help: ArgumentHelp("Where it is written; else stdout.", valueName: "file"))
    var output: String?

    @Option(help: "The language of html and pdf: en or de, or another of reports/locales.")
    var language = "en"

    func run() async throws {
        let month = try period.period()
        let metered = try await database.withStore(logger: Logger.command) { store in
            try await store.meteredMonth(of: gateway, month)
        }
        let report = try costFailure {
            let catalogue = try options.pricing.catalogue(over: metered.catalogue(over: .shipped()))
            let request = try options.request(
                catalogue, region: (region ?? "us-east-1", region == nil ? "default" : "--region"), isRated: true)
            let comparison = try metered.comparison(request, catalogue: catalogue)
            return SavingsReport(
                gateway: gateway, month: period.month, period: month, comparison: comparison,
                curve: try BreakEvenCurve(comparison, catalogue: catalogue))
        }
        switch format {
        case .text: try SavingsFile.write(report.text, to: output)
        case .csv: try SavingsFile.write(report.csv, to: output)
        case .json: try SavingsFile.write(prettyJSON(report) + "\n", to: output)
        case .html: try SavingsFile.write(page(report), to: output)
        case .pdf: try await SavingsFile.print(page(report), to: output)
        }
    }

    private func page(_ report: SavingsReport) throws -> String {
        do {
            let templates = try ReportTemplates(directory: ConfigurationFiles.directory("reports"))
            return try SavingsPage(report, in: templates.language(language)).html(templates)
        } catch let error as ReportError {
            throw CommandError(error.code == .unknownFormat ? .usage : .failure, error.message)
        }
    }
}

/// Where a report is written.
private enum SavingsFile {
    /// Writes text to a file, whole or not at all; to stdout where none is named.
    static func write(_ text: String, to path: String?) throws {
        guard let path else {
            Swift.print(text, terminator: "")
            return
        }
        try write(Data(text.utf8), to: path)
    }

    static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandError(.failure, "\(path) can not be written: \(error.localizedDescription)")
        }
        Console.write("\(path): \(data.count) bytes")
    }

    /// Prints a page as PDF by WeasyPrint.
    static func print(_ html: String, to path: String?) async throws {
        guard let path else {
            throw CommandError(.usage, "a PDF needs a file: give -o FILE")
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "waybill-report-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let (page, paper) = (folder.appending(path: "page.html"), folder.appending(path: "page.pdf"))
            try Data(html.utf8).write(to: page)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["weasyprint", "--quiet", page.path, paper.path]
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0, let data = FileManager.default.contents(atPath: paper.path) else {
                throw CommandError(
                    .failure,
                    "weasyprint did not print the page: install it (apt install weasyprint), or take --format html")
            }
            try write(data, to: path)
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(.failure, "the page can not be printed: \(error.localizedDescription)")
        }
    }
}
