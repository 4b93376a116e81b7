import ArgumentParser
import Billing
import Foundation
import Reports

/// `waybill credit-note`: what lowers a finalized invoice.
struct CreditNoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit-note", abstract: "Credit lines of a finalized invoice.",
        discussion: """
            What is credited becomes a credit of the tenant, which the next invoice draws on; the credited invoice stays
            payable as it stands.
            """,
        subcommands: [Issue.self, List.self, Show.self])

    /// `waybill credit-note issue`
    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "issue", abstract: "Issue a credit note; never above what the invoice's lines were.",
            discussion: """
                Example: waybill credit-note issue --invoice INV-2026-000001 --line 1 --amount-minor 500 --reason "outage"
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Option(help: "The invoice's number or id.")
        var invoice: String

        @Option(help: "The line that is credited.")
        var line: Int

        @Option(help: ArgumentHelp("Net, in whole minor units; taxes follow.", valueName: "number"))
        var amountMinor: Int64

        @Option(help: "Why; it stands on the note.")
        var reason: String

        func run() async throws {
            let now = try actor.now()
            let note = try await database.withBilling { billing in
                try await billing.issueCreditNote(
                    invoice: invoice, amounts: [(line, Int128(amountMinor))], reason: reason, by: actor.actor, now: now)
            }
            print(CreditNoteCommand.text(note))
        }
    }

    /// `waybill credit-note list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the credit notes.",
            discussion: "Example: waybill credit-note list --invoice INV-2026-000001")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "Only of this invoice.")
        var invoice: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let notes = try await database.withBilling { try await $0.creditNotes(invoice: invoice) }
            if format == .json { return print(try JSONEncoder.waybill.text(notes)) }
            var table = TextTable([.left, .left, .left, .right, .left])
            table.add("number", "invoice", "tenant", "total", "reason")
            table.addRule()
            for note in notes {
                table.add(
                    note.number ?? "", note.invoiceNumber, note.tenant, moneyText(note.totalMinor, note.currency),
                    note.reason)
            }
            print(table.text)
        }
    }

    /// `waybill credit-note show N`
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a credit note.",
            discussion: "Example: waybill credit-note show CN-2026-000001")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "Its number.")
        var number: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let notes = try await database.withBilling { try await $0.creditNotes(invoice: number) }
            guard let note = notes.first(where: { $0.number == number }) else {
                throw CommandError(.failure, "there is no credit note \(number); waybill credit-note list shows them")
            }
            print(format == .json ? try JSONEncoder.waybill.text(note) : CreditNoteCommand.text(note))
        }
    }

    static func text(_ note: CreditNote) -> String {
        var table = TextTable([.left, .right])
        for line in note.lines {
            table.add(
                (line.invoiceLine.map { "line \($0): " } ?? "") + line.name, moneyText(line.amountMinor, note.currency))
        }
        for tax in note.taxes { table.add("\(tax.name) \(tax.percent) %", moneyText(tax.amountMinor, note.currency)) }
        table.addRule()
        table.add("Credited", moneyText(note.totalMinor, note.currency))
        return
            "Credit note \(note.number ?? "") for invoice \(note.invoiceNumber) of \(note.tenant): \(note.reason)\n\n"
            + table.text
    }
}
