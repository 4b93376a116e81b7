import ArgumentParser
import Billing
import Foundation
import Metering
import Pricing
import Reports

extension InvoiceCommand {
    /// `waybill invoice draft`: gives the periods that are over an id.
    struct Draft: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "draft", abstract: "Make drafts of all periods that are over.",
            discussion: "Example: waybill invoice draft --contract 0197")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Option(help: ArgumentHelp("Only this contract's.", valueName: "id"))
        var contract: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let now = try actor.now()
            let drafts = try await database.withBilling { billing in
                try await billing.draft(contract: contract, by: actor.actor, now: now)
            }
            if format == .json { return print(try JSONEncoder.waybill.text(drafts)) }
            if drafts.isEmpty { return print("no period is over that has no invoice") }
            for draft in drafts {
                print("draft \(draft.id): \(draft.tenant), \(draft.month), revision \(draft.revision)")
            }
        }
    }

    /// `waybill invoice finalize`: from draft to an invoice that never changes.
    struct Finalize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "finalize", abstract: "Finalize all periods that are due, or one of them.",
            discussion: """
                A period is due when every gateway has reported past its end, or when the contract's grace has run out:
                then, by the contract, it is billed with its coverage on paper, or held.
                Ends with 3 when something was billed incomplete, with 5 when one that was named can not be finalized.
                Example: waybill invoice finalize --month 2026-11
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The id of a draft; all that is due unless given.")
        var id: String?

        @Option(help: ArgumentHelp("Only this contract's.", valueName: "id"))
        var contract: String?

        @Option(help: ArgumentHelp("Only periods that start in this month, as 2026-11.", valueName: "month"))
        var month: String?

        @Flag(help: "Bill what there is, whatever the contract says of incomplete counts.")
        var incomplete = false

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let now = try actor.now()
            let run = try await database.withBilling { billing -> FinalizeRun in
                var order = FinalizeOrder(now: now, by: actor.actor)
                order.allowsIncomplete = incomplete
                order.month = month
                if let contract { order.contract = try await billing.contract(contract).id }
                if let id {
                    let invoice = try await billing.invoice(id, now: now)
                    guard invoice.status == .draft else {
                        throw CommandError(
                            .conflict, "invoice \(invoice.document.number ?? id) is \(invoice.status.rawValue) already")
                    }
                    order.draft = id.lowercased()
                    order.contract = invoice.document.contractID
                } else if let month, let contract = order.contract {
                    let period = try await billing.contract(contract).period(month: month)
                    guard period.endMicroseconds <= now.microseconds else {
                        throw CommandError(
                            .conflict,
                            "the period from \(period.startDate) ends at \(period.end); it can be finalized after that, and "
                                + "previewed now: waybill invoice preview --contract \(contract) --month \(month)")
                    }
                }
                let run = try await billing.finalize(order) { Console.progress("finalizing: \($0) invoices") }
                if let key = try SigningKeyFile.read(nil) { _ = try await billing.signHeads(key, now: now) }
                return run
            }
            Console.clearProgress()
            try show(run)
        }

        private func show(_ run: FinalizeRun) throws {
            switch format {
            case .json: print(try JSONEncoder.waybill.text(run))
            case .table:
                for invoice in run.finalized {
                    print(
                        "\(invoice.number)  \(invoice.tenant), \(invoice.month): "
                            + moneyText(invoice.payableMinor, invoice.currency)
                            + (invoice.isIncomplete ? ", incomplete: coverage \(invoice.coverage) %" : ""))
                }
                for number in run.creditNotes { print("\(number)  credit note for usage that fell") }
                if run.finalized.isEmpty, run.waiting.isEmpty, run.failed.isEmpty { print("nothing is due") }
            }
            for held in run.waiting { Console.write("waiting: \(held.tenant), \(held.month): \(held.reason)") }
            for held in run.failed { Console.write("failed: \(held.tenant), \(held.month): \(held.reason)") }
            if !run.failed.isEmpty { throw ExitCode(1) }
            if run.finalized.isEmpty, !run.waiting.isEmpty, id != nil || contract != nil { throw ExitCode(5) }
            if run.finalized.contains(where: \.isIncomplete) { throw ExitCode(3) }
        }
    }

    /// `waybill invoice list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List finalized and void invoices.",
            discussion: "Example: waybill invoice list --tenant acme --status finalized")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "Only this tenant's.")
        var tenant: String?

        @Option(help: ArgumentHelp("Only of periods that start in this month.", valueName: "month"))
        var month: String?

        @Option(help: "finalized or void.")
        var status: Invoice.Status?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let invoices = try await database.withBilling { billing in
                try await billing.invoices(InvoiceFilter(tenant: tenant, month: month, status: status))
            }
            if format == .json { return print(try JSONEncoder.waybill.text(invoices)) }
            var table = TextTable([.left, .left, .left, .left, .right, .left])
            table.add("number", "tenant", "period", "status", "to pay", "id")
            table.addRule()
            for invoice in invoices {
                table.add(
                    invoice.document.number ?? "", invoice.document.tenant, invoice.document.period.month,
                    invoice.paidAt == nil ? invoice.status.rawValue : "paid",
                    moneyText(invoice.document.payableMinor, invoice.document.currency), invoice.document.id ?? "")
            }
            print(table.text)
        }
    }

    /// `waybill invoice show N`
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show an invoice by its number, or an invoice or draft by its id.",
            discussion: "Example: waybill invoice show INV-2026-000001")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The number or the id.")
        var reference: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let invoice = try await database.withBilling { try await $0.invoice(reference, now: WallClock.now()) }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(invoice))
            case .table: print(try ReportFiles.text(invoice))
            }
        }
    }

    /// `waybill invoice void N --reason R`
    struct Void: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "void", abstract: "Make a finalized invoice void; it keeps its number.",
            discussion: """
                The period can then be finalized anew, under the next revision and a new number.
                Example: waybill invoice void INV-2026-000001 --reason "wrong buyer"
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The number or the id.")
        var reference: String

        @Option(help: "Why; it stands in the record.")
        var reason: String

        func run() async throws {
            let now = try actor.now()
            let invoice = try await database.withBilling { billing in
                try await billing.void(reference, reason: reason, by: actor.actor, now: now)
            }
            print("invoice \(invoice.document.number ?? reference) is void: \(reason)")
        }
    }

    /// `waybill invoice paid N`
    struct Paid: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "paid", abstract: "Note that a finalized invoice was paid.",
            discussion: "Example: waybill invoice paid INV-2026-000001 --reason \"bank transfer of 2026-12-10\"")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The number or the id.")
        var reference: String

        @Option(help: "How; it stands in the record.")
        var reason = "paid"

        func run() async throws {
            let now = try actor.now()
            let invoice = try await database.withBilling { billing in
                try await billing.markPaid(reference, reason: reason, by: actor.actor, now: now)
            }
            print("invoice \(invoice.document.number ?? reference) is paid")
        }
    }

    /// `waybill invoice late`
    struct Late: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "late", abstract: "Look for usage that came after its period was finalized.",
            discussion: """
                Usage that fell is credited; what lies more than two periods back is recorded as unbilled; what is open will
                stand on the next invoice. Finalize does the same for the contracts that it bills.
                Example: waybill invoice late --format json
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let now = try actor.now()
            let entries = try await database.withBilling { billing in
                try await billing.settleLateUsage(by: actor.actor, now: now)
            }
            if format == .json { return print(try JSONEncoder.waybill.text(entries)) }
            if entries.isEmpty { return print("no usage came late") }
            for entry in entries {
                let changes = entry.quantities.sorted { $0.key < $1.key }
                    .map { "\($0.value > 0 ? "+" : "")\($0.value) \($0.key)" }.joined(separator: ", ")
                print(
                    "\(entry.invoice)  \(entry.tenant): \(changes), \(moneyText(entry.grossMinor, entry.currency)), "
                        + entry.outcome.replacing("_", with: " "))
            }
        }
    }
}

extension Invoice.Status: ExpressibleByArgument {}
