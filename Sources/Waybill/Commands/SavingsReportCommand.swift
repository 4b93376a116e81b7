import ArgumentParser
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
        case .text: try ReportFile.write(report.text, to: output)
        case .csv: try ReportFile.write(report.csv, to: output)
        case .json: try ReportFile.write(prettyJSON(report) + "\n", to: output)
        case .html: try ReportFile.write(page(report), to: output)
        case .pdf: try await ReportFile.print(page(report), to: output)
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
