import Billing
import Foundation
import Pricing

/// A price book by its file or by the id under which it is stored; `#2` or `@2026-01-01` behind it chooses a version, by
/// number or by the date on which it is in force.
struct PriceBookReference {
    enum Choice {
        case number(Int)
        case date(LocalDate)
    }

    /// The price book of examples.
    static let shipped = "config/price-books/standard.yaml"

    let name: String
    let isFile: Bool
    let choice: Choice?

    init(_ text: String) throws {
        var name = text
        var choice: Choice?
        if !FileManager.default.fileExists(atPath: text), let mark = text.lastIndex(where: { "#@".contains($0) }) {
            let rest = String(text[text.index(after: mark)...])
            if text[mark] == "#", let number = Int(rest), number > 0 {
                choice = .number(number)
            } else if text[mark] == "@", let date = try? LocalDate(rest) {
                choice = .date(date)
            } else {
                throw CommandError(
                    .usage, "\(text): behind a price book stands #2, the number of a version, or @2026-01-01, a date")
            }
            name = String(text[..<mark])
        }
        self.name = name
        self.choice = choice
        isFile = FileManager.default.fileExists(atPath: name)
        guard isFile || !name.isEmpty && !name.hasSuffix(".yaml") else {
            throw CommandError(.usage, "\(name): there is no such file; name a price book")
        }
    }

    /// The book, from its file or the database.
    func book(_ billing: BillingStore) async throws -> PriceBook {
        if isFile { return try PriceBook.read(name) }
        do {
            return try await billing.priceBook(id: name).book
        } catch let error as BillingError where error.code == .unknownPriceBook {
            throw CommandError(.usage, "\(name): there is no such file, and \(error.message)")
        }
    }

    /// The version that was chosen; else `standard` says which.
    func version(_ billing: BillingStore, else standard: (PriceBook) throws -> PriceBook.Version) async throws
        -> PriceBook.Version
    {
        let book = try await book(billing)
        switch choice {
        case nil: return try standard(book)
        case .date(let date): return try book.version(inForceOn: date)
        case .number(let number):
            guard number <= book.versions.count else {
                throw CommandError(.usage, "\(name) has \(book.versions.count) versions, and no #\(number)")
            }
            return book.versions[number - 1]
        }
    }
}
