package import PostgreSQL
package import Pricing

/// A version of a price book as it is stored: it never changes.
package struct StoredPriceVersion: Hashable, Sendable {
    /// The key that contracts and invoices refer to.
    package let id: Int64
    /// 1, 2, … within its book, in the order of effective dates.
    package let number: Int32
    /// What it says.
    package let version: PriceBook.Version
    /// UTF-8 JSON of what it says; see ``PriceBook/Version/canonicalBytes``.
    package let canonical: [UInt8]
    /// SHA-256 of `canonical`.
    package let digest: [UInt8]
    package let importedAt: PostgresTimestamp
    package let importedBy: String

    /// The digest as 64 hexadecimal digits, as it stands on paper.
    package var digestText: String {
        digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

/// A price book with all its versions, ascending by effective date; never empty.
package struct StoredPriceBook: Hashable, Sendable {
    package let versions: [StoredPriceVersion]
    /// The book, for rating a date by the version that is in force on it.
    package let book: PriceBook

    /// Nil without a version.
    init?(_ versions: [StoredPriceVersion]) {
        guard let book = PriceBook(storedVersions: versions.map(\.version)) else { return nil }
        self.versions = versions
        self.book = book
    }

    /// The stored version that is in force on a date. Throws where the first one is later.
    package func version(inForceOn date: LocalDate) throws(PricingError) -> StoredPriceVersion {
        let inForce = try book.version(inForceOn: date)
        guard let stored = versions.first(where: { $0.version.effective == inForce.effective }) else {
            throw PricingError(.noVersionInForce, "price book \"\(book.id)\" has no version in force on \(date)")
        }
        return stored
    }
}

/// What an import did.
package struct PriceBookImport: Hashable, Sendable {
    /// The book as it is stored now.
    package let stored: StoredPriceBook
    /// The versions that were new, ascending.
    package let added: [StoredPriceVersion]
}
