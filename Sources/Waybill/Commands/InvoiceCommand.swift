import ArgumentParser
import Billing
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

/// `waybill invoice`: what is billed.
struct InvoiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoice", abstract: "Preview a tenant's invoice.", subcommands: [Preview.self])

    /// `waybill invoice preview`: the invoice as it would be now; nothing is stored.
    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "preview", abstract: "Show a tenant's invoice of a month as it would be now.",
            discussion: """
                Ends with 3 when the coverage is below 99.00 %: the invoice is printed, but its count may be incomplete.
                Example: waybill invoice preview --tenant acme --month 2026-11
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var period: PeriodOptions

        @Option(help: "The tenant.")
        var tenant: String

        @Option(help: ArgumentHelp("The price book; config/price-books/standard.yaml unless given.", valueName: "file"))
        var priceBook: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let path = try priceBook ?? ConfigurationFiles.file("config/price-books/standard.yaml")
            let book = try PriceBook.read(path)
            let month = try period.period()
            let usage = try await database.withStore(logger: Logger.command) { store in
                try await store.monthlyUsage(
                    tenant: tenant, month: period.month, zone: period.zone, from: month.startTime, to: month.endTime)
            }
            let invoice: InvoicePreview
            do {
                invoice = try InvoicePreview(usage: usage, book: book, period: month)
            } catch {
                throw CommandError(.failure, "\(path): \(error.message)")
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(invoice))
            case .table: print(InvoiceText(invoice).text)
            }
            if usage.coverage.isBelowThreshold {
                throw CommandError(
                    .incomplete,
                    "the coverage of \(usage.period.month) is \(usage.coverage.percent) %, below 99.00 %: "
                        + "see the gaps above before this is billed")
            }
        }
    }
}
