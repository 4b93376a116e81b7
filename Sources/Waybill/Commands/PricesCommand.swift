import ArgumentParser
import Foundation
import LoadBalancerCosts

/// `waybill prices`: the load balancer prices that are known, and those of an AWS price list.
struct PricesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices", abstract: "Work with load balancer prices.", subcommands: [Import.self, List.self])

    /// How prices are written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    /// `waybill prices import`: selects the load balancer prices of an AWSELB offer file.
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Read the load balancer prices of an AWS price list (offer AWSELB, JSON or CSV).",
            discussion: "Example: waybill prices import index.json")

        @Argument(help: ArgumentHelp("index.json or index.csv of a region, or of all.", valueName: "file"))
        var file: String

        @Option(help: "table, json or csv.")
        var format: Format = .table

        func run() throws {
            try costFailure {
                let list = try PriceListImport.read(file)
                try print(prices: list.rows, format)
                if format == .table {
                    FileHandle.standardError.write(
                        Data(
                            "\(list.selected.count) prices selected, \(list.leftOut) other rows of version \(list.version)\n"
                                .utf8))
                }
            }
        }
    }

    /// `waybill prices list`: every price of the catalogue, with its source.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the prices that are known, with source and date.")

        @Option(help: "Only this region.")
        var region: String?

        @Option(help: "table, json or csv.")
        var format: Format = .table

        func run() throws {
            try costFailure {
                let catalogue = try PriceCatalogue.shipped()
                if let region { try catalogue.requireRegion(region) }
                try print(prices: catalogue.rows.filter { region == nil || $0.region == region }, format)
            }
        }
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
