import ArgumentParser
import Foundation
import Logging
import Pricing
import Reports
import UsageStore

/// `waybill check sources`: what is billed, beside what check rules and other sources say.
struct CheckSourcesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sources",
        abstract: "Show what is billed beside what check rules and other sources say of it.",
        discussion: """
            Per gateway and dimension one rule bills, others check; of several sources one counts, the others are
            cross-checks. A check rule may count more by its nature (downstream_rq_total counts aborted requests and
            internal redirects too); what matters is a difference that grows. Read from tapes, which are kept 100 days.

            Example: waybill check sources --gateway edge --month 2026-11
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(help: "One gateway; all unless given.")
    var gateway: String?

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() async throws {
        let month = try period.period()
        let differences = try await database.withStore(logger: Logger.command) { store in
            defer { Console.clearProgress() }
            return try await store.sourceDifferences(gateway: gateway, from: month.startTime, to: month.endTime) {
                done, all in
                if done % 16 == 0 { Console.progress("reading: \(done) of \(all) quarter hours") }
            }
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(differences))
        case .table: print(Self.table(differences, month: period.month))
        }
    }

    private static func table(_ differences: [SourceDifference], month: String) -> String {
        guard !differences.isEmpty else {
            return "In \(month) nothing was counted that a check rule or a second source counts too."
        }
        var table = TextTable([.left, .left, .left, .right, .left, .right, .right, .right])
        table.add("gateway", "dimension", "tenant", "billed", "against", "says", "difference", "share")
        table.addRule()
        for row in differences {
            table.add(
                row.gateway, row.dimension, row.tenant, Digits.grouped(row.billed),
                row.isSource ? "source \(row.against)" : row.against, Digits.grouped(row.checked),
                (row.difference > 0 ? "+" : "") + Digits.grouped(row.difference), share(row))
        }
        return table.text
    }

    /// The difference in hundredths of a percent of what is billed, towards zero.
    private static func share(_ row: SourceDifference) -> String {
        guard row.billed > 0 else { return "" }
        let hundredths = Int128(row.difference) * 10_000 / Int128(row.billed)
        let fraction = String(hundredths.magnitude % 100)
        let sign = row.difference > 0 ? "+" : (row.difference < 0 ? "-" : "")
        return "\(sign)\(hundredths.magnitude / 100).\(fraction.count == 1 ? "0" : "")\(fraction) %"
    }
}
