import ArgumentParser
import Foundation
import Pricing
import Reports
import UsageStore

/// The demo's reports as files, for who wants to see what a customer gets: invoice, usage and savings.
struct DemoFiles {
    let folder: String
    let store: UsageStore
    let gateway: String
    let period: (month: String, period: BillingPeriod)

    func write(tenant: String) async throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError(.failure, "\(folder) can not be made: \(error.localizedDescription)")
        }
        let templates = try ReportFiles.templates()
        let language = try ReportFiles.language("en", templates)
        let invoice = try await invoice(of: tenant)
        for format in [InvoiceFormat.csv, .focus] {
            try put(try invoice.text(format, templates, language), "invoice.\(format.ending)")
        }
        let usage = try await MonthOfUsage.read(
            tenant: tenant, month: period.month, period: period.period, from: store)
        let savings = try await MonthOfSavings.read(
            gateway: gateway, month: period.month, period: period.period, region: nil,
            options: try ComparisonOptions.parse([]), from: store)
        let pages = try reportFailure {
            [
                ("invoice", try InvoicePage(invoice.paper, language).html(templates)),
                ("usage", try UsagePage(usage, language).html(templates)),
                ("savings", try SavingsPage(savings, in: language).html(templates)),
            ]
        }
        for (name, html) in pages { try put(html, "\(name).html") }
        let isPrinted = try await printed(pages)
        print("Reports, as \(tenant) and you get them\n")
        for (name, _) in pages {
            print("  \(folder)/\(name).html" + (isPrinted ? "  \(folder)/\(name).pdf" : ""))
        }
        print("  \(folder)/invoice.csv  \(folder)/invoice.focus.csv\n")
    }

    private func invoice(of tenant: String) async throws -> PrintableInvoice {
        if let stored = try await StoredInvoices.invoices(month: period.month, tenant: tenant, from: store).last {
            return try PrintableInvoice(stored)
        }
        return try PrintableInvoice(
            try await PreviewedInvoice.read(
                tenant: tenant, month: period.month, period: period.period, priceBook: nil, from: store))
    }

    private func put(_ text: String, _ name: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
        } catch {
            throw CommandError(.failure, "\(folder)/\(name) can not be written: \(error.localizedDescription)")
        }
    }

    /// False without WeasyPrint: the demo does not fail for want of it, and says so.
    private func printed(_ pages: [(name: String, html: String)]) async throws -> Bool {
        do {
            let printer = try WeasyPrint.find(script: try ConfigurationFiles.file("reports/print.py"))
            defer { printer.stop() }
            for (name, html) in pages { try await printer.print(html, to: "\(folder)/\(name).pdf") }
            return true
        } catch let error as ReportError {
            Console.write("  ! no PDF: \(error.message)")
            return false
        }
    }
}
