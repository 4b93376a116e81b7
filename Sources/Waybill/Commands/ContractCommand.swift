import ArgumentParser
import Billing
import Foundation
import Pricing
import Reports

/// `waybill contract`: the terms under which a tenant is billed.
struct ContractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Add, show and end contracts.",
        discussion: "Terms never change: a contract is ended, and another begins on that day.",
        subcommands: [Add.self, List.self, Show.self, End.self])

    /// `waybill contract add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Bill a tenant by a price book from a day on.",
            discussion: """
                The price book is imported first (waybill price import FILE). A second contract of a tenant over a part of
                the same time ends with 5.
                Example: waybill contract add --tenant acme --price-book standard --from 2026-11-01 --zone Europe/Berlin \\
                  --seller "Gateway Ltd" --seller-address "1 Main Street" --buyer "Acme GmbH" --buyer-tax-id DE123456789
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Option(help: "The tenant; a contract confirms it.")
        var tenant: String

        @Option(help: ArgumentHelp("The id of an imported price book.", valueName: "id"))
        var priceBook: String

        @Option(
            help: ArgumentHelp(
                "Pin the version effective on this date; unless given, each period is rated by the version in force.",
                valueName: "date"))
        var priceVersion: String?

        @Option(help: "ISO 4217; the price book's unless given.")
        var currency: String?

        @Option(help: "The IANA zone in which periods begin and end.")
        var zone = "UTC"

        @Option(help: ArgumentHelp("The day of the month on which periods begin, 1 to 31.", valueName: "day"))
        var anchor = 1

        @Option(
            help: ArgumentHelp(
                "Wait so long after a period's end for gateways that have not reported.", valueName: "hours"))
        var graceHours = 24

        @Option(help: "When grace has run out: finalize, or hold.")
        var onIncomplete: ContractTerms.OnIncomplete = .finalize

        @Option(help: ArgumentHelp("What invoice numbers begin with.", valueName: "letters"))
        var series = "INV"

        @Option(help: ArgumentHelp("The first day that is billed.", valueName: "date"))
        var from: String

        @Option(help: ArgumentHelp("The first day that is no longer billed.", valueName: "date"))
        var until: String?

        @Option(help: "Who sells, as on paper.")
        var seller: String

        @Option(help: ArgumentHelp("A line of the seller's address; repeatable.", valueName: "line"))
        var sellerAddress: [String] = []

        @Option(help: "The seller's tax id.")
        var sellerTaxID: String?

        @Option(help: "Who buys, as on paper; the tenant's name unless given.")
        var buyer: String?

        @Option(help: ArgumentHelp("A line of the buyer's address; repeatable.", valueName: "line"))
        var buyerAddress: [String] = []

        @Option(help: "The buyer's tax id.")
        var buyerTaxID: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let now = try actor.now()
            let contract = try await database.withBilling { billing in
                let book = try await billing.priceBook(id: priceBook)
                let terms = ContractTerms(
                    id: "", tenant: tenant, priceBook: priceBook, pinnedVersion: priceVersion,
                    currency: currency ?? book.book.currency.code, zone: zone, anchorDay: anchor,
                    graceHours: graceHours, onIncomplete: onIncomplete, series: series, startsOn: from, endsOn: until,
                    seller: Party(name: seller, address: sellerAddress, taxID: sellerTaxID),
                    buyer: Party(name: buyer ?? tenant, address: buyerAddress, taxID: buyerTaxID))
                return try await billing.addContract(terms, by: actor.actor, now: now)
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(contract))
            case .table: print("contract \(contract.id): \(contract.tenant), \(contract.sentence)")
            }
        }
    }

    /// `waybill contract list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the contracts.",
            discussion: "Example: waybill contract list --tenant acme --format json")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "Only this tenant's.")
        var tenant: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let contracts = try await database.withBilling { try await $0.contracts(tenant: tenant) }
            if format == .json { return print(try JSONEncoder.waybill.text(contracts)) }
            var table = TextTable([.left, .left, .left, .left, .left, .left])
            table.add("contract", "tenant", "price book", "zone", "from", "until")
            table.addRule()
            for contract in contracts {
                table.add(
                    contract.id, contract.tenant,
                    contract.priceBook + (contract.pinnedVersion.map { " of \($0)" } ?? ""), contract.zone,
                    contract.startsOn, contract.endsOn ?? "open")
            }
            print(table.text)
        }
    }

    /// `waybill contract show ID`
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a contract.",
            discussion: "Example: waybill contract show 0197 (enough of the id's beginning will do)")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The contract's id, or enough of its beginning.")
        var id: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let contract = try await database.withBilling { try await $0.contract(id) }
            if format == .json { return print(try JSONEncoder.waybill.text(contract)) }
            print("contract \(contract.id) of \(contract.tenant)\n\(contract.sentence)")
            for (role, party) in [("seller", contract.seller), ("buyer", contract.buyer)] {
                print(
                    "\(role): "
                        + ([party.name] + party.address + (party.taxID.map { ["tax id \($0)"] } ?? []))
                        .joined(separator: ", "))
            }
        }
    }

    /// `waybill contract end ID --on DATE`
    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "end", abstract: "End a contract.",
            discussion: "Example: waybill contract end 0197 --on 2027-01-01")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var actor: ActorOptions

        @Argument(help: "The contract's id, or enough of its beginning.")
        var id: String

        @Option(help: ArgumentHelp("The first day that is no longer billed.", valueName: "date"))
        var on: String

        func run() async throws {
            let contract = try await database.withBilling { try await $0.endContract(id, on: on, by: actor.actor) }
            print("contract \(contract.id) of \(contract.tenant) ends before \(on)")
        }
    }
}

extension ContractTerms.OnIncomplete: ExpressibleByArgument {}

extension ContractTerms {
    /// The terms in one sentence.
    var sentence: String {
        "price book \(priceBook) \(pinnedVersion.map { "of \($0)" } ?? "as in force"), \(currency), periods from day "
            + "\(anchorDay) in \(zone), grace \(graceHours) h then \(onIncomplete.rawValue), from \(startsOn) "
            + (endsOn.map { "until \($0)" } ?? "on")
    }
}
