import ArgumentParser
import LoadBalancerCosts
import Logging
import Reports
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

    @OptionGroup var report: ReportOptions

    func run() async throws {
        let templates = try ReportFiles.templates(report.templates)
        let language = try ReportFiles.language(report.language, templates)
        let month = try period.period()
        let savings = try await database.withStore(logger: Logger.command) { store in
            try await MonthOfSavings.read(
                gateway: gateway, month: period.month, period: month, region: region, options: options, from: store)
        }
        func page() throws -> String { try reportFailure { try SavingsPage(savings, in: language).html(templates) } }
        switch format {
        case .text:
            let style = report.output == nil ? Console.outputStyle : .plain
            try ReportFile.write(SavingsReportText(savings, language, style: style).text + "\n", to: report.output)
        case .csv: try ReportFile.write(savings.csv, to: report.output)
        case .json: try ReportFile.write(prettyJSON(savings) + "\n", to: report.output)
        case .html: try ReportFile.write(try page(), to: report.output)
        case .pdf: try await ReportFile.print(try page(), to: report.output)
        }
    }
}
