import Billing
import Foundation
import Metering
import Pricing
import Reports
import UsageStore

/// The demo's reports as files, for who wants to see what a customer gets.
struct DemoFiles {
    let folder: String
    let store: UsageStore
    let period: (month: String, period: BillingPeriod)

    func write(tenant: String) async throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError(.failure, "\(folder) can not be made: \(error.localizedDescription)")
        }
        let templates = try ReportFiles.templates()
        let language = try ReportFiles.language("en", templates)
        let stored = try await StoredInvoices.invoices(month: period.month, tenant: tenant, from: store).last
        let invoice: PrintableInvoice
        if let stored {
            invoice = try PrintableInvoice(stored)
        } else {
            invoice = try PrintableInvoice(
                try await PreviewedInvoice.read(
                    tenant: tenant, month: period.month, period: period.period, priceBook: nil, from: store))
        }
        for format in [InvoiceFormat.html, .csv, .focus] {
            try put(try invoice.text(format, templates, language), "invoice.\(format.ending)")
        }
        let month = try await MonthOfUsage.read(
            tenant: tenant, month: period.month, period: period.period, from: store)
        try put(try reportFailure { try UsagePage(month, language).html(templates) }, "usage.html")
        try await printPDF(try invoice.text(.html, templates, language))
        print("Reports for \(tenant): \(folder)/ holds \(try names().joined(separator: ", "))\n")
    }

    private func put(_ text: String, _ name: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
        } catch {
            throw CommandError(.failure, "\(folder)/\(name) can not be written: \(error.localizedDescription)")
        }
    }

    /// The demo does not fail for want of WeasyPrint: it says so.
    private func printPDF(_ html: String) async throws {
        do {
            let printer = try WeasyPrint.find(script: try ConfigurationFiles.file("reports/print.py"))
            defer { printer.stop() }
            try await printer.print(html, to: "\(folder)/invoice.pdf")
        } catch let error as ReportError {
            Console.write("  ! no invoice.pdf: \(error.message)")
        }
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }.sorted()
    }
}
