import ArgumentParser
import Billing
import Foundation
import Reports

/// `waybill tenant`: who is billed.
struct TenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "Show, add and confirm tenants, and take in their prepaid money.",
        discussion: """
            A name that a meter's rule captures makes an unconfirmed tenant: its usage is counted, but not billed.
            Example: waybill tenant confirm acme
            """,
        subcommands: [List.self, Add.self, Confirm.self, Show.self, Credit.self])

    /// `waybill tenant list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the tenants.", discussion: "Example: waybill tenant list --format json"
        )

        @OptionGroup var database: DatabaseOptions

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let tenants = try await database.withBilling { try await $0.tenants() }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(tenants))
            case .table:
                var table = TextTable([.left, .left, .right, .right, .left])
                table.add("tenant", "confirmed", "contracts", "invoices", "last usage")
                table.addRule()
                for tenant in tenants {
                    table.add(
                        tenant.name, tenant.confirmed ? "yes" : "no", String(tenant.contracts),
                        String(tenant.invoices), tenant.lastUsage ?? "none")
                }
                print(table.text)
            }
        }
    }

    /// `waybill tenant add NAME`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add a confirmed tenant.", discussion: "Example: waybill tenant add acme")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The name by which meters know it.")
        var name: String

        func run() async throws {
            try await database.withBilling { try await $0.addTenant(name, by: actor.actor) }
            print("tenant \(name) added")
        }
    }

    /// `waybill tenant confirm NAME`
    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "confirm", abstract: "Say that a name which was captured is a customer.",
            discussion: "Example: waybill tenant confirm acme")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The tenant.")
        var name: String

        func run() async throws {
            try await database.withBilling { try await $0.confirmTenant(name, by: actor.actor) }
            print("tenant \(name) is confirmed")
        }
    }

    /// `waybill tenant show NAME`
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a tenant with its contracts, invoices and credits.",
            discussion: "Example: waybill tenant show acme")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The tenant.")
        var name: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        private struct Shown: Encodable {
            var tenant: TenantSummary
            var contracts: [ContractTerms]
            var credits: [CreditBalance]
        }

        func run() async throws {
            let shown = try await database.withBilling { billing in
                let contracts = try await billing.contracts(tenant: name)
                let credits = try await billing.credits(tenant: name)
                guard let tenant = try await billing.tenants(named: name).first else {
                    throw CommandError(.failure, "there is no tenant \(name)")
                }
                return Shown(tenant: tenant, contracts: contracts, credits: credits)
            }
            if format == .json { return print(try JSONEncoder.waybill.text(shown)) }
            print(
                "\(name), \(shown.tenant.confirmed ? "confirmed" : "not confirmed: waybill tenant confirm \(name)"); "
                    + "\(shown.tenant.invoices) invoices, last usage \(shown.tenant.lastUsage ?? "none")")
            for contract in shown.contracts { print("contract \(contract.id): \(contract.sentence)") }
            for credit in shown.credits {
                print(
                    "\(credit.name) \(credit.id): \(moneyText(credit.remainingMinor, credit.currency)) left"
                        + (credit.expires.map { ", until \($0)" } ?? ""))
            }
        }
    }

    /// `waybill tenant credit NAME`
    struct Credit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "credit", abstract: "Take in prepaid money: later invoices draw on it.",
            discussion: """
                The credit that expires first is drawn on first. What is not needed stays.
                Example: waybill tenant credit acme --amount-minor 50000 --currency USD --expires 2027-01-01
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The tenant.")
        var name: String

        @Option(help: ArgumentHelp("Whole minor units: cents of USD.", valueName: "number"))
        var amountMinor: Int64

        @Option(help: "ISO 4217.")
        var currency = "USD"

        @Option(help: ArgumentHelp("The first day on which it can no longer be used.", valueName: "date"))
        var expires: String?

        func run() async throws {
            let id = try await database.withBilling { billing in
                try await billing.grantCredit(
                    tenant: name, amountMinor: Int128(amountMinor), currency: currency, expires: expires,
                    by: actor.actor, now: try actor.now())
            }
            print("credit \(id): \(moneyText(Int128(amountMinor), currency)) for \(name)")
        }
    }
}
