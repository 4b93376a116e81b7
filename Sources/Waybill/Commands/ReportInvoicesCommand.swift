import ArgumentParser
import Billing
import Foundation
import Logging
import Reports
import UsageStore

/// `waybill report invoices`: all invoices of a month, a file each.
struct ReportInvoicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoices", abstract: "Write all invoices of a month, a file each.",
        discussion: """
            Finalized and void invoices by number, and a preview for each tenant without one.
            A batch that was stopped goes on where it was: finalized invoices that are there are kept. The preview's file
            goes when the invoice comes, and the invoice's when it is void. Example:
              waybill report invoices --month 2026-11 --format pdf -o invoices/
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder for the files.", valueName: "dir"))
    var output: String

    @Option(help: "text, html, pdf, csv, json or focus.")
    var format: InvoiceFormat = .pdf

    @Option(help: ArgumentHelp("The language of what people read: en, de.", valueName: "code"))
    var language = "en"

    @Option(help: ArgumentHelp("Templates of your own; reports/ unless given.", valueName: "dir"))
    var templates: String?

    @Option(help: ArgumentHelp("FOCUS: cost-and-usage or invoice-detail.", valueName: "dataset"))
    var focusDataset: FocusDataset = .costAndUsage

    @Option(help: ArgumentHelp("FOCUS: 1.4 or 1.2.", valueName: "version"))
    var focusVersion: FocusVersion = .v1_4

    @Option(help: ArgumentHelp("Previews, for tenants without an invoice, use this price book.", valueName: "file"))
    var priceBook: String?

    @Option(help: ArgumentHelp("How many are written at once; the number of processors unless given.", valueName: "n"))
    var jobs: Int?

    func run() async throws {
        try FocusChoice.check(focusDataset, focusVersion)
        let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
        guard (1...64).contains(jobs) else { throw CommandError(.usage, "--jobs \(jobs): give a number from 1 to 64") }
        let shipped = try ReportFiles.templates(templates)
        let batch = InvoiceBatch(
            folder: output, format: format, templates: shipped, language: try ReportFiles.language(language, shipped),
            focus: (focusDataset, focusVersion), jobs: jobs)
        let outcome = try await database.withStore(connections: jobs + 2, logger: Logger.command) { store in
            try await batch.run(try await items(store))
        }
        let kept = outcome.kept > 0 ? ", \(outcome.kept) were there" : ""
        let replaced = outcome.replaced > 0 ? ", \(outcome.replaced) replaced" : ""
        Console.write("\(output): \(outcome.written) written\(kept)\(replaced)")
        guard outcome.failures.isEmpty else {
            let shown = outcome.failures.sorted().prefix(20).joined(separator: "\n  ")
            throw CommandError(.failure, "\(outcome.failures.count) were not written:\n  \(shown)")
        }
    }

    /// Finalized and void invoices; a preview of each tenant that has none and used something.
    private func items(_ store: UsageStore) async throws -> [InvoiceBatch.Item] {
        let month = try period.period()
        let stored = try await StoredInvoices.names(month: period.month, from: store)
        // Names alone: each invoice is read when its turn comes.
        var items = stored.map { invoice in
            InvoiceBatch.Item(
                name: PrintableInvoice.name(of: invoice), isFinal: true,
                replaces: [Self.preview(of: invoice.tenant, period.month)] + (invoice.isVoid ? [invoice.number] : [])
            ) {
                try PrintableInvoice(try await StoredInvoices.invoice(invoice.number, from: store))
            }
        }
        let invoiced = Set(stored.map(\.tenant))
        for tenant in try await store.tenants(from: month.startTime, to: month.endTime) where !invoiced.contains(tenant)
        {
            items.append(
                InvoiceBatch.Item(name: Self.preview(of: tenant, period.month), isFinal: false) {
                    try PrintableInvoice(
                        try await PreviewedInvoice.read(
                            tenant: tenant, month: period.month, period: month, priceBook: priceBook, from: store))
                })
        }
        return items
    }

    private static func preview(of tenant: String, _ month: String) -> String { "\(tenant)-\(month)-preview" }
}
