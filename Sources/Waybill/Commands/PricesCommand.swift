import ArgumentParser
import Foundation
import LoadBalancerCosts
import Logging
import UsageStore

/// `waybill prices`: the load balancer prices that are known, and those of an AWS price list.
struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices", abstract: "Work with load balancer prices.", subcommands: [Import.self, List.self])

    /// How prices are written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    /// `waybill prices import`: selects the load balancer prices of an AWSELB offer file and stores them.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Store the load balancer prices of an AWS price list (offer AWSELB, JSON or CSV).",
            discussion: """
                Stored prices stand above the shipped ones in comparisons of periods that begin on their effective date
                or later. A price that is stored already changes nothing; another one for the same date ends with 5.
                Example: waybill prices import index.json
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: ArgumentHelp("index.json or index.csv of a region, or of all.", valueName: "file"))
        var file: String

        @Flag(help: "Show what would be stored; no database.")
        var dryRun = false

        @Option(help: "table, json or csv.")
        var format: Format = .table

        func run() async throws {
            var selection: PriceListImport?
            try costFailure { selection = try PriceListImport.read(file) }
            guard let selection else { return }
            var stored = "nothing is stored (--dry-run)"
            if !dryRun {
                let prices = try selection.rows.map { try LoadBalancerPrice($0, file: file) }
                let added = try await database.withStore(connections: 1, logger: Logger.command) { store in
                    do {
                        return try await store.add(prices: prices)
                    } catch let error as LoadBalancerPriceConflict {
                        throw CommandError(.conflict, "\(file): \(error.message)")
                    }
                }
                stored = "\(added) stored, \(prices.count - added) were there"
            }
            try print(prices: selection.rows, format)
            Console.write(
                "\(selection.selected.count) prices selected, \(selection.leftOut) other rows of version "
                    + "\(selection.version); \(stored)")
        }
    }

    /// `waybill prices list`: every price of the catalogue and of the database, with its source.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the prices that are known, with source and date.",
            discussion: "Stored prices are listed beside the shipped ones; each comparison says which it used.")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "Only this region.")
        var region: String?

        @Flag(help: "Only the prices that are shipped; no database.")
        var shipped = false

        @Option(help: "table, json or csv.")
        var format: Format = .table

        func run() async throws {
            var stored: [PriceRow] = []
            if !shipped {
                stored = try await database.withStore(connections: 1, logger: Logger.command) { store in
                    try await store.loadBalancerPrices(inForceAt: nil).map { try PriceRow($0) }
                }
            }
            try costFailure {
                let catalogue = try PriceCatalogue.shipped()
                let rows = (catalogue.rows + stored).sorted {
                    ($0.region, $0.item, $0.price.date) < ($1.region, $1.item, $1.price.date)
                }
                if let region, !stored.contains(where: { $0.region == region }) {
                    try catalogue.requireRegion(region)
                }
                try print(prices: rows.filter { region == nil || $0.region == region }, format)
            }
        }
    }
}

extension LoadBalancerPrice {
    /// A selected price as it is stored. Throws where its effective date is none.
    init(_ row: PriceRow, file: String) throws {
        let digits = row.price.date.split(separator: "-").map(\.count)
        guard digits == [4, 2, 2], row.price.date.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "-") }) else {
            throw CommandError(
                .usage, "\(file): \(row.item) in \(row.region) is effective from '\(row.price.date)', which is no date")
        }
        self.init(
            region: row.region, item: row.item, effectiveOn: row.price.date,
            amount: row.price.amount.decimal(places: 37), currency: row.price.currency, source: row.price.source,
            inferred: row.price.inferred)
    }
}

extension PriceRow {
    /// A stored price.
    init(_ stored: LoadBalancerPrice) throws {
        guard let amount = Fraction(decimal: stored.amount) else {
            throw CommandError(
                .failure,
                "the stored price \(stored.item) in \(stored.region) is '\(stored.amount)', which is no amount")
        }
        self.init(
            region: stored.region, item: stored.item,
            price: ListPrice(
                amount: amount, currency: stored.currency, source: "\(stored.source) (imported)",
                date: stored.effectiveOn, inferred: stored.inferred))
    }
}

extension PriceListImport {
    /// Reads a file, refusing one that is too large before it is read.
    static func read(_ path: String) throws -> PriceListImport {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if let size = attributes?[.size] as? NSNumber { try checkSize(size.int64Value, name: path) }
        return try PriceListImport(readFile(path), name: path)
    }
}

private func print(prices: [PriceRow], _ format: PricesCommand.Format) throws {
    switch format {
    case .table: Swift.print(PriceRow.table(prices), terminator: "")
    case .csv: Swift.print(PriceRow.csv(prices), terminator: "")
    case .json: try printJSON(prices)
    }
}
