import ArgumentParser
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

/// `waybill usage`: what a tenant used in a month, with how complete the count is.
struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage", abstract: "Show a tenant's usage of a month.",
        discussion: """
            Examples:
              waybill usage --tenant acme --month 2026-11 --group-by service,day
              waybill usage --tenant acme --month 2026-11 --zone Europe/Berlin --group-by hour --format csv
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(help: "The tenant.")
    var tenant: String

    @Option(help: ArgumentHelp("Break down by service, gateway, day and hour, comma-separated.", valueName: "parts"))
    var groupBy: String?

    @Option(help: "table, json or csv.")
    var format: Format = .table

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    func run() async throws {
        let grouping = try groupBy.map { try Self.grouping($0) } ?? []
        let month = try period.period()
        let usage = try await database.withStore(logger: Logger.command) { store in
            try await store.monthlyUsage(
                tenant: tenant, month: period.month, zone: period.zone, from: month.startTime, to: month.endTime,
                groupBy: grouping)
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(usage))
        case .table: print(UsageText(usage, hasBars: isatty(STDOUT_FILENO) == 1).text)
        case .csv: print(UsageCSV(usage).text)
        }
    }

    static func grouping(_ text: String) throws -> Set<UsageGrouping> {
        var grouping: Set<UsageGrouping> = []
        for part in text.split(separator: ",") {
            guard let part = UsageGrouping(rawValue: String(part)) else {
                throw CommandError(.usage, "--group-by \(text): \(part) is not one of service, gateway, day, hour")
            }
            grouping.insert(part)
        }
        return grouping
    }
}
