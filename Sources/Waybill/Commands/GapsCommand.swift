import ArgumentParser
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

/// `waybill gaps`: where requests may have gone uncounted, with bounds.
struct GapsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gaps", abstract: "Show where a tenant's requests may have gone uncounted, with bounds.",
        discussion: """
            A bound "by the rates around it" is derived: twice the busiest flush around the gap for each flush that is
            missing. All others are counted. docs/operating.md explains each reason.
            Example: waybill gaps --tenant acme --month 2026-11
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(help: "The tenant.")
    var tenant: String

    @Option(help: "table, json or csv.")
    var format: Format = .table

    func run() async throws {
        let month = try period.period()
        let usage = try await database.withStore(logger: Logger.command) { store in
            try await store.monthlyUsage(
                tenant: tenant, month: period.month, zone: period.zone, from: month.startTime, to: month.endTime)
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(Report(usage)))
        case .csv: print(GapsText(usage).csv)
        case .table: print(GapsText(usage).text)
        }
    }

    private struct Report: Encodable {
        let tenant: String
        let period: MonthlyUsage.Period
        let requests: Int64
        let lower: Int64
        let upper: Int64?
        let coverage: MonthlyUsage.CoverageReport

        init(_ usage: MonthlyUsage) {
            tenant = usage.tenant
            period = usage.period
            requests = usage.requests
            lower = usage.lower
            upper = usage.upper
            coverage = usage.coverage
        }
    }
}
