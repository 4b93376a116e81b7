import ArgumentParser
import Billing
import Foundation
import Reports

/// `waybill audit`: every change to price, contract and invoice.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who changed what of prices, contracts and invoices.",
        discussion: "Example: waybill audit --subject contract --format json")

    @OptionGroup var database: DatabaseOptions

    @Option(help: "Only one kind: contract, invoice, invoice_draft, invoice_event, credit_note, price_book_version, …")
    var subject: String?

    @Option(help: ArgumentHelp("The latest so many.", valueName: "number"))
    var limit: Int64 = 100

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() async throws {
        let entries = try await database.withBilling { try await $0.audit(subject: subject, limit: limit) }
        if format == .json { return print(try JSONEncoder.waybill.text(entries)) }
        for entry in entries {
            print("\(entry.at)  \(entry.by)  \(entry.subject) \(entry.action)")
            if let before = entry.before { print("  before \(before)") }
            if let after = entry.after { print("  after  \(after)") }
        }
    }
}
