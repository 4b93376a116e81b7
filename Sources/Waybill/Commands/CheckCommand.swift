import ArgumentParser
import Foundation
import Logging
import Pricing
import Reports
import UsageStore

/// `waybill check`: what has to agree.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check that what has to agree agrees.",
        subcommands: [CheckConservationCommand.self, CheckSourcesCommand.self, CheckEvidenceCommand.self])
}

/// `waybill check conservation`: nothing is lost or made between tapes, quarter hours and roll-ups.
struct CheckConservationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conservation",
        abstract: "Hold a month's records against their tapes, and its roll-ups against them.",
        discussion: """
            In one snapshot: what the tapes give, with the corrections in force, must be what the quarter hours hold, of
            all that do not wait in the queue; and each roll-up must be the sum over its own start and end.
            Writes nothing. Ends with 4 when a sum differs.

            Example: waybill check conservation --month 2026-11
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() async throws {
        let month = try period.period()
        let report = try await database.withStore(logger: Logger.command) { store in
            defer { Console.clearProgress() }
            return try await store.checkConservation(from: month.startTime, to: month.endTime) { done, all in
                if done % 16 == 0 { Console.progress("checking: \(done) of \(all) quarter hours") }
            }
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(ConservationAnswer(report, period: month)))
        case .table: print(ConservationText(report, month: period.month, zone: period.zone).text)
        }
        guard report.differences.isEmpty else {
            throw CommandError(
                .verification,
                "\(report.differences.count) sums differ: find what else writes into the tables; "
                    + "waybill aggregate --from … --to … makes the records anew from the tapes")
        }
    }
}

/// The report as JSON.
private struct ConservationAnswer: Encodable {
    var start: String
    var end: String
    var quarterHours: Int64
    var waiting: Int64
    var withoutTapes: Int64
    var rollUps: Int64
    var totals: [ConservationReport.Total]
    var differences: [ConservationReport.Difference]

    init(_ report: ConservationReport, period: BillingPeriod) {
        start = period.start
        end = period.end
        quarterHours = report.quarterHours
        waiting = report.waiting
        withoutTapes = report.withoutTapes
        rollUps = report.rollUps
        totals = report.totals
        differences = report.differences
    }
}

/// The report for a person: a line a tenant and dimension, then what differs.
private struct ConservationText {
    let report: ConservationReport
    let month: String
    let zone: String

    init(_ report: ConservationReport, month: String, zone: String) {
        self.report = report
        self.month = month
        self.zone = zone
    }

    var text: String {
        var parts = ["Conservation in \(month) (\(zone))"]
        if !report.totals.isEmpty {
            var table = TextTable([.left, .left, .right, .right, .right])
            table.add("tenant", "dimension", "tapes and corrections", "quarter hours", "difference")
            for total in report.totals where !total.dimension.hasPrefix("active_connections") {
                table.add(
                    total.tenant, total.dimension.replacing("_", with: " "), Digits.grouped(total.derived),
                    Digits.grouped(total.stored), Digits.grouped(total.stored - total.derived))
            }
            parts.append(table.text)
        }
        var compared =
            "Compared: \(Digits.grouped(report.quarterHours)) quarter hours with their tapes, "
            + "\(Digits.grouped(report.rollUps)) roll-ups with their quarter hours."
        if report.waiting > 0 { compared += " \(report.waiting) quarter hours wait to be derived and were left out." }
        if report.withoutTapes > 0 {
            compared += " The tapes of \(report.withoutTapes) were dropped: their records stand for themselves."
        }
        parts.append(compared)
        if report.differences.isEmpty {
            parts.append("Nothing differs.")
        } else {
            parts.append(
                report.differences.prefix(50).map { difference in
                    "\(difference.level) \(difference.start) (\(difference.zone)), \(difference.tenant), "
                        + "\(difference.gateway), \(difference.service): \(difference.dimension) is "
                        + "\(Digits.grouped(difference.stored)), has to be \(Digits.grouped(difference.expected))"
                }.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }
}
