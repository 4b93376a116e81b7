import ArgumentParser
import Billing
import Foundation
import Logging
import Pricing
import Reports
import UsageStore

extension PriceCommand {
    /// `waybill price import`: stores the versions of a price book that are new. Exit 5 when a stored one would change.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Store the versions of a price book that are new.",
            discussion: """
                A stored version never changes: one that comes again as it is changes nothing; one that would come
                otherwise, be left out, or be preceded by a new one ends with 5, and nothing is stored.
                Example: waybill price import config/price-books/standard.yaml
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: ArgumentHelp("The price book.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("Who does it, for the record; the system's user unless given.", valueName: "name"))
        var by: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let book = try PriceBook.read(file)
            let done = try await database.withStore(connections: 1, logger: Logger.command) { store in
                do {
                    return try await BillingStore(store).importPriceBook(book, by: by ?? NSUserName())
                } catch let error as BillingError where error.code == .priceVersionChanged {
                    throw CommandError(.conflict, "\(file): \(error.message); nothing was stored")
                }
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(done.stored))
            case .table: print(PriceBookText.list([done.stored]))
            }
            let today = try LocalDate.todayInUTC()
            Console.write(
                done.added.isEmpty
                    ? "nothing was new, nothing changed"
                    : "stored: \(done.added.map(\.version.effective.description).joined(separator: ", "))")
            // A first import brings its history along; a later one that reaches back changes what is not invoiced yet.
            if done.added.count < done.stored.versions.count {
                for added in done.added where added.version.effective < today {
                    Console.write(
                        "note: version \(added.version.effective) is effective before today: periods that started on it "
                            + "or later and are not finalized will be rated by it")
                }
            }
        }
    }

    /// `waybill price list`: the stored price books and their versions.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the stored price books and their versions.",
            discussion: "Example: waybill price list")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let books = try await database.withStore(connections: 1, logger: Logger.command) { store in
                try await BillingStore(store).priceBooks()
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(books))
            case .table:
                print(
                    books.isEmpty
                        ? "No price book is stored: waybill price import FILE" : PriceBookText.list(books))
            }
        }
    }

    /// `waybill price show`: what a stored price book says.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a stored price book, or one version of it.",
            discussion: """
                Example: waybill price show standard --version 2
                         waybill price show standard --format canonical | sha256sum    # one version: its digest
                """)

        /// How a price book is written.
        enum Format: String, CaseIterable, ExpressibleByArgument {
            case table, json, canonical
        }

        @OptionGroup var database: DatabaseOptions

        @Argument(help: ArgumentHelp("The id of the price book.", valueName: "id"))
        var id: String

        @Option(name: .customLong("version"), help: ArgumentHelp("Only this version, by number.", valueName: "number"))
        var number: Int32?

        @Option(help: "table, json, or the canonical bytes that the digest is taken of.")
        var format: Format = .table

        func run() async throws {
            let stored = try await database.withStore(connections: 1, logger: Logger.command) { store in
                try await BillingStore(store).priceBook(id: id)
            }
            let versions = stored.versions.filter { number == nil || $0.number == number }
            guard !versions.isEmpty else {
                throw CommandError(
                    .failure,
                    "price book \"\(id)\" has no version \(number ?? 0); there are 1 to \(stored.versions.count)")
            }
            switch format {
            case .json where number != nil: print(try JSONEncoder.waybill.text(versions[0]))
            case .json: print(try JSONEncoder.waybill.text(stored))
            case .canonical:
                guard versions.count == 1 else {
                    throw CommandError(.usage, "--format canonical shows one version: give --version N")
                }
                FileHandle.standardOutput.write(Data(versions[0].canonical))
            case .table: print(versions.map { PriceBookText.show($0) }.joined(separator: "\n\n"))
            }
        }
    }
}

extension BillingStore {
    /// Over the same connections as the usage.
    init(_ store: UsageStore) { self.init(pool: store.pool, logger: store.logger) }
}
