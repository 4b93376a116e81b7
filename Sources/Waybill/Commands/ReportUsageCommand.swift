import ArgumentParser
import Foundation
import Logging
import Reports
import UsageStore

/// `waybill report usage`: a month by service and day, with its hours.
struct ReportUsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage", abstract: "Write a tenant's usage of a month by service, day and hour.",
        discussion: """
            Examples:
              waybill report usage --tenant acme --month 2026-11
              waybill report usage --tenant acme --month 2026-11 --format html -o usage.html
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, html, pdf, csv, json
    }

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var report: ReportOptions

    @Option(help: "The tenant.")
    var tenant: String

    @Option(help: "text, html, pdf, csv or json.")
    var format: Format = .text

    func run() async throws {
        let templates = try ReportFiles.templates(report.templates)
        let language = try ReportFiles.language(report.language, templates)
        let month = try period.period()
        let paper = try await database.withStore(logger: Logger.command) { store in
            try await MonthOfUsage.read(tenant: tenant, month: period.month, period: month, from: store)
        }
        switch format {
        case .text:
            let style = report.output == nil ? Console.outputStyle : .plain
            try ReportFile.write(UsageReportText(paper, language, style: style).text + "\n", to: report.output)
        case .html: try ReportFile.write(try page(paper, language, templates), to: report.output)
        case .pdf: try await ReportFile.print(try page(paper, language, templates), to: report.output)
        case .csv: try ReportFile.write(UsageReportCSV(paper).text, to: report.output)
        case .json: try ReportFile.write(try JSONEncoder.waybill.text(paper.usage) + "\n", to: report.output)
        }
    }

    private func page(
        _ paper: UsagePaper, _ language: ReportLanguage, _ templates: ReportTemplates
    ) throws -> String {
        try reportFailure { try UsagePage(paper, language).html(templates) }
    }
}
