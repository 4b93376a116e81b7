import ArgumentParser
import LoadBalancerCosts
import Logging
import Savings
import UsageStore

/// `waybill prices`: the load balancer prices that are known, and those of an AWS price list.
struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices", abstract: "Work with load balancer prices.", subcommands: [Import.self, List.self])

    /// How prices are written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    /// `waybill prices import`: stores the prices of an AWSELB offer file, or of a file like those of config/prices.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Store prices, capacity units and gateways' tiers, from AWS or of your own.",
            discussion: """
                An AWS price list (offer AWSELB, JSON or CSV) has load balancer prices. A YAML file like those of
                config/prices has prices, capacity_units (what an LCU holds) and gateways (request-priced ones with their
                tiers); its entries are in force from their date on, or from --effective.
                What is stored stands above what is shipped, in comparisons of periods that begin on its effective date or
                later; --price-list stands above both. What is stored already changes nothing; another value for the same
                day ends with 5.
                Examples: waybill prices import index.json
                          waybill prices import our-gateways.yaml --effective 2027-01-01
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: ArgumentHelp("index.json, index.csv, or a .yaml file.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("From when a .yaml file's entries are in force, as 2027-01-01.", valueName: "day"))
        var effective: String?

        @Flag(help: "Show what would be stored; no database.")
        var dryRun = false

        @Option(help: "table, json or csv.")
        var format: Format = .table

        func run() async throws {
            let selection = try costFailure {
                try Selection(PriceListFile.read(file), effective: effective, file: file)
            }
            var stored = "nothing is stored (--dry-run)"
            if !dryRun {
                let added = try await database.withStore(connections: 1, logger: Logger.command) { store in
                    do {
                        return try await store.add(prices: selection.prices, definitions: selection.definitions)
                    } catch let error as LoadBalancerPriceConflict {
                        throw CommandError(.conflict, "\(file): \(error.message)")
                    }
                }
                let count = selection.prices.count + selection.definitions.count
                stored = "\(added) stored, \(count - added) were there"
            }
            try costFailure {
                if !selection.rows.isEmpty { try print(prices: selection.rows, format) }
                if !selection.entries.isEmpty { try print(entries: selection.entries, format) }
            }
            Console.write("\(selection.summary); \(stored)")
        }
    }

    /// What a file has to store.
    private struct Selection: Sendable {
        let rows: [PriceRow]
        let entries: [CatalogueEntry]
        let prices: [LoadBalancerPrice]
        let definitions: [LoadBalancerDefinition]
        let summary: String

        init(_ file: PriceListFile, effective: String?, file name: String) throws {
            let day = try effective.map { text in
                guard let day = EffectiveDay(text) else {
                    throw CommandError(.usage, "--effective is '\(text)': give a day, as 2027-01-01")
                }
                return day
            }
            switch file {
            case .offer(let list):
                guard day == nil else {
                    throw CommandError(.usage, "--effective is for .yaml files: an offer of AWS has its own dates")
                }
                rows = list.rows
                entries = []
                definitions = []
                summary =
                    "\(list.selected.count) prices selected, \(list.leftOut) other rows of version \(list.version)"
            case .own(let contents):
                rows = contents.rows.sorted { ($0.region, $0.item) < ($1.region, $1.item) }
                entries = try contents.definitions.flatMap { try CatalogueEntry.of($0) }
                definitions = try contents.definitions.map {
                    try LoadBalancerDefinition($0, effective: day, file: name)
                }
                summary =
                    "\(Counted.text(rows.count, "price")), \(Counted.text(definitions.count, "definition")) read"
            }
            prices = try rows.map { try LoadBalancerPrice($0, effective: day, file: name) }
            guard !prices.isEmpty || !definitions.isEmpty else {
                throw CommandError(
                    .usage, "\(name) holds neither prices nor capacity units nor gateways: nothing to import")
            }
        }
    }

    /// `waybill prices list`: every price of the catalogue and of the database, with its source.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the prices that are known, with source and date.",
            discussion: """
                Stored prices are listed beside the shipped ones; each comparison says which it used.
                Examples: waybill prices list --region eu-west-2
                          waybill prices list --kind gateways --shipped
                """)

        /// What is listed.
        enum Kind: String, CaseIterable, ExpressibleByArgument {
            case prices
            case capacityUnits = "capacity-units"
            case gateways
        }

        @OptionGroup var database: DatabaseOptions

        @Option(help: "prices, capacity-units (what an LCU holds) or gateways (tiers of request-priced ones).")
        var kind: Kind = .prices

        @Option(help: "Only this region.")
        var region: String?

        @Flag(help: "Only what is shipped; no database.")
        var shipped = false

        @Option(help: "table, json or csv.")
        var format: Format = .table

        func run() async throws {
            var stored: [PriceRow] = []
            var definitions: [CatalogueDefinition] = []
            if !shipped {
                (stored, definitions) = try await database.withStore(connections: 1, logger: Logger.command) { store in
                    (
                        try await store.loadBalancerPrices(inForceAt: nil).map { try PriceRow($0) },
                        try await store.loadBalancerDefinitions(inForceAt: nil).map { try CatalogueDefinition($0) }
                    )
                }
            }
            try costFailure {
                let catalogue = try PriceCatalogue.shipped()
                switch kind {
                case .prices:
                    let rows = (catalogue.rows + stored).sorted {
                        ($0.region, $0.item, $0.price.date) < ($1.region, $1.item, $1.price.date)
                    }
                    if let region, !stored.contains(where: { $0.region == region }) {
                        try catalogue.requireRegion(region)
                    }
                    try print(prices: rows.filter { region == nil || $0.region == region }, format)
                case .capacityUnits, .gateways:
                    let wanted: CatalogueDefinition.Kind = kind == .gateways ? .gateway : .capacityUnit
                    let listed = (Array(catalogue.definitions.values) + definitions).filter { $0.kind == wanted }
                        .sorted { ($0.name, $0.origin.date) < ($1.name, $1.origin.date) }
                    try print(entries: listed.flatMap { try CatalogueEntry.of($0) }, format)
                }
            }
        }
    }
}

private func print(prices: [PriceRow], _ format: PricesCommand.Format) throws {
    switch format {
    case .table: Swift.print(PriceRow.table(prices), terminator: "")
    case .csv: Swift.print(PriceRow.csv(prices), terminator: "")
    case .json: try printJSON(prices)
    }
}

private func print(entries: [CatalogueEntry], _ format: PricesCommand.Format) throws {
    switch format {
    case .table: Swift.print(CatalogueEntry.table(entries), terminator: "")
    case .csv: Swift.print(CatalogueEntry.csv(entries), terminator: "")
    case .json: try printJSON(entries)
    }
}
