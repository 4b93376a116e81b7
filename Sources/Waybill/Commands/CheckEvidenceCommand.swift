import ArgumentParser
import Foundation
import Logging
import Pricing
import Reports
import UsageStore

/// `waybill check evidence`: access logs beside the counters.
struct CheckEvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Show what access logs show beside what the counters counted.",
        discussion: """
            Per connection manager, route and cluster, over the quarter hours of which there is a log. A log proves at least what it
            shows: lines may be lost, above all where a process was killed, and it says nothing of a time in which it
            was not kept. So fewer lines than counted are no fault of the counters; more are requests that no counter
            shows: look at waybill gaps, and at waybill backfill propose --from-evidence. A request at the edge of a quarter
            hour is logged in one and counted in the next; their sum agrees.

            Example: waybill check evidence --gateway edge --month 2026-11
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
            return try await store.evidenceDifferences(gateway: gateway, from: month.startTime, to: month.endTime) {
                done, all in
                if done % 16 == 0 { Console.progress("reading: \(done) of \(all) quarter hours") }
            }
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(differences))
        case .table: print(Self.table(differences, month: period.month))
        }
    }

    private static func table(_ differences: [EvidenceDifference], month: String) -> String {
        guard !differences.isEmpty else { return "In \(month) there is no access log." }
        var table = TextTable([.left, .left, .left, .right, .right, .right, .left])
        table.add("gateway", "of", "route", "quarter hours", "counted", "logged", "")
        table.addRule()
        for row in differences {
            table.add(
                row.gateway, row.cluster.map { "cluster \($0)" } ?? row.prefix ?? "", row.route ?? "all",
                Digits.grouped(row.quarterHours),
                Digits.grouped(row.counted), Digits.grouped(row.logged), words(row))
        }
        return table.text
    }

    private static func words(_ row: EvidenceDifference) -> String {
        let place = row.largest == 0 ? "" : ", most at \(row.largestAt): \(signed(row.largest))"
        if row.difference == 0 {
            return row.largest == 0 ? "the same" : "the same in sum" + place
        }
        let number = Digits.grouped(Int64(clamping: row.difference.magnitude))
        return (row.difference > 0 ? "the log shows \(number) that were not counted" : "the log lacks \(number)")
            + place
    }

    private static func signed(_ number: Int64) -> String { (number > 0 ? "+" : "") + Digits.grouped(number) }
}
