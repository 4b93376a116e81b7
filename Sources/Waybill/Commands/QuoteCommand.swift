import ArgumentParser
import Foundation
import Metering
import Pricing

/// `waybill quote`: what a full period would cost. Pure: no database, no configuration.
struct QuoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quote",
        abstract: "Price a full period of requests by a price book, without a database.",
        discussion: "Example: waybill quote --price-book config/price-books/standard.yaml --requests 12345678901")

    /// How the quote is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    @Option(help: ArgumentHelp("The price book.", valueName: "file"))
    var priceBook: String

    @Option(help: ArgumentHelp("Requests in the period.", valueName: "count"))
    var requests: Int64

    @Option(
        help: ArgumentHelp(
            "Units of another dimension, as new_connections=9; repeatable.", valueName: "dimension=count"))
    var quantity: [String] = []

    @Option(help: ArgumentHelp("The date on which the period starts; today (UTC) unless given.", valueName: "date"))
    var at: String?

    @Option(help: "table, json or csv.")
    var format: Format = .table

    func run() throws {
        let rating = try rate()
        switch format {
        case .table: print(Self.table(rating))
        case .json: print(Quote(rating).json)
        case .csv: print(Self.csv(rating))
        }
    }

    private func rate() throws -> Rating {
        let book = try PriceBook.read(priceBook)
        do {
            var quantities = ["requests": requests]
            for entry in quantity {
                let parts = entry.split(separator: "=", omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty, let count = Int64(parts[1]) else {
                    throw CommandError(.usage, "--quantity \(entry): write dimension and count, as new_connections=9")
                }
                guard quantities.updateValue(count, forKey: String(parts[0])) == nil else {
                    throw CommandError(.usage, "--quantity \(entry): \(parts[0]) is given twice; give it once")
                }
            }
            return try book.rate(quantities, over: .whole(from: Self.date(at)))
        } catch let error as PricingError {
            throw CommandError(.usage, error.message)
        }
    }

    /// A date, or the UTC date of an instant; today when there is none.
    private static func date(_ text: String?) throws -> LocalDate {
        guard let text else { return try LocalDate.todayInUTC() }
        guard text.contains("T") else { return try LocalDate(text) }
        let instant = try RFC3339.microseconds(text)
        return try LocalDate(String(RFC3339.text(microseconds: instant).prefix(10)))
    }
}

extension QuoteCommand {
    /// One row a line and tax.
    static func csv(_ rating: Rating) -> String {
        let currency = rating.version.currency.code
        let lines = rating.lines.map { line in
            [
                line.kind.rawValue, line.name, line.tier.map(String.init) ?? "", line.quantity.map(String.init) ?? "",
                line.blocks.map(String.init) ?? "", String(line.amount.minorUnits), currency,
            ]
        }
        let taxes = rating.taxes.map { ["tax", $0.name, "", "", "", String($0.amount.minorUnits), currency] }
        return ([["kind", "name", "tier", "quantity", "blocks", "amount_minor", "currency"]] + lines + taxes)
            .map { row in row.map(escaped).joined(separator: ",") }.joined(separator: "\n")
    }

    private static func escaped(_ field: String) -> String {
        guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }

    /// Columns for people: quantities grouped, prices exact.
    static func table(_ rating: Rating) -> String {
        var rows = [["Line", "Tier", "Quantity", "Price", "Amount"]]
        for line in rating.lines {
            let flat = Money(minorUnits: Int128(line.flatMinor), currency: rating.version.currency)
            let price = line.price.map { $0.description + (line.flatMinor == 0 ? "" : " + \(flat)") } ?? ""
            let blocks = line.blocks.map { " (\(Digits.grouped($0)) begun)" } ?? ""
            rows.append([
                line.name, line.tier.map(String.init) ?? "", line.quantity.map { Digits.grouped($0) } ?? "",
                price + blocks, line.amount.description,
            ])
        }
        rows.append(["Subtotal", "", "", "", rating.subtotal.description])
        for tax in rating.taxes {
            let place = tax.rounded == .perLine ? " by line" : ""
            rows.append([
                "\(tax.name) \(tax.percent.text) %\(place)", "", "", "of \(tax.taxable)", tax.amount.description,
            ])
        }
        rows.append(["Total", "", "", "", rating.total.description])
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let fill = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 || column == 3 ? text + fill : fill + text
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension LocalDate {
    /// Today, by the machine's clock.
    static func todayInUTC() throws -> LocalDate {
        try LocalDate(String(RFC3339.text(microseconds: WallClock.now().microseconds).prefix(10)))
    }
}

extension PriceBook {
    /// Reads a price book from a file, with errors for the command line.
    static func read(_ path: String) throws -> PriceBook {
        do {
            return try PriceBook(yaml: try text(of: path), file: path)
        } catch let error as PricingError {
            throw CommandError(.usage, error.message)
        }
    }

    /// The text of a file.
    static func text(of path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError(.usage, "\(path): there is no such file, or it can not be read; name a price book")
        }
        guard let text = String(bytes: data, encoding: .utf8) else {
            throw CommandError(.usage, "\(path): this is not UTF-8 text; save the price book as UTF-8")
        }
        return text
    }
}
