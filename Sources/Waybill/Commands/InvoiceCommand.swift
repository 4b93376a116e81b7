import ArgumentParser
import Billing
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

/// `waybill invoice`: what is billed. Its larger subcommands stand in files of their own.
struct InvoiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoice", abstract: "Preview, finalize, explain and verify invoices.",
        subcommands: [
            Preview.self, Draft.self, Finalize.self, List.self, Show.self, Void.self, Paid.self, Explain.self,
            Verify.self, Export.self, Readings.self, Late.self,
        ])

    /// `waybill invoice preview`: the invoice as it would be now; nothing is stored.
    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "preview", abstract: "Show a tenant's invoice of a month as it would be now.",
            discussion: """
                With a contract (--contract ID, or the tenant's) the invoice is what finalize would write. With
                --price-book FILE it needs none.
                Ends with 3 when the coverage is below 99.00 %: the invoice is printed, but its count may be incomplete.
                Example: waybill invoice preview --tenant acme --month 2026-11
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var period: PeriodOptions
        @OptionGroup var actor: ActorOptions

        @Option(help: "The tenant.")
        var tenant: String?

        @Option(help: ArgumentHelp("The contract's id, or enough of its beginning.", valueName: "id"))
        var contract: String?

        @Option(help: ArgumentHelp("A price book instead of a contract's.", valueName: "file"))
        var priceBook: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            guard tenant != nil || contract != nil else {
                throw CommandError(.usage, "name a --tenant, or a --contract")
            }
            if priceBook == nil {
                let now = try actor.now()
                let invoice = try await database.withBilling { billing -> Invoice? in
                    guard let id = try await contractID(billing) else { return nil }
                    return try await billing.preview(contract: id, month: period.month, now: now)
                }
                if let invoice { return try show(invoice) }
            }
            try await previewByBook()
        }

        /// The contract that is named, or the tenant's that covers the month; nil where there is none.
        private func contractID(_ billing: BillingStore) async throws -> String? {
            if let contract { return contract }
            guard let tenant, try await !billing.tenants(named: tenant).isEmpty else { return nil }
            return try await billing.contracts(tenant: tenant).last { terms in
                guard let month = try? terms.period(month: period.month) else { return false }
                return (try? terms.covers(month)) ?? false
            }?.id
        }

        private func show(_ invoice: Invoice) throws {
            switch format {
            case .json: print(try JSONEncoder.waybill.text(invoice))
            case .table: print(try ReportFiles.text(invoice))
            }
            if invoice.coverage.percent.isBelowThreshold {
                throw CommandError(
                    .incomplete,
                    "the coverage of \(period.month) is \(invoice.coverage.percent) %, below 99.00 %: "
                        + "see the gaps above before this is billed")
            }
        }

        private func previewByBook() async throws {
            guard let tenant else { throw CommandError(.usage, "--price-book needs a --tenant") }
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
            case .table: print(try ReportFiles.text(invoice))
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

extension String {
    /// Whether a coverage percent is too low to be billed without a look at its gaps: below 99.00 %.
    var isBelowThreshold: Bool {
        let parts = split(separator: ".")
        return (parts.first.flatMap { Int($0) } ?? 100) < 99
    }
}
