package import PostgreSQL
package import Pricing

extension BillingStore {
    /// Stores the versions of a book that are not stored yet, all or none.
    ///
    /// - Parameter importedBy: who does it, for the record.
    /// - Throws: `BillingError` with `priceVersionChanged` where a stored version would change, be left out, or be
    ///   preceded by a new one; nothing is stored then.
    package func importPriceBook(_ book: PriceBook, by importedBy: String) async throws -> PriceBookImport {
        guard (1...512).contains(book.id.utf8.count) else {
            throw BillingError(.invalid, "the price book's id has \(book.id.utf8.count) bytes; up to 512 can be stored")
        }
        return try await pool.transaction(.readCommitted) { connection in
            // Two imports of one book happen one after the other; a row lock would need the right to change the row.
            _ = try await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('waybill.price_book.' || $1, 0))", [book.id])
            // For the record of changes.
            _ = try await connection.execute("SELECT set_config('waybill.actor', $1, true)", [importedBy])
            _ = try await connection.execute(
                "INSERT INTO price_book (name) VALUES ($1) ON CONFLICT DO NOTHING", [book.id])
            let before = try await versions(of: book.id, on: connection)
            if let stored = StoredPriceBook(before) {
                do throws(PricingError) {
                    try book.checkSucceeds(stored.book)
                } catch {
                    throw BillingError(.priceVersionChanged, error.message)
                }
            }
            let known = Set(before.map(\.version.effective))
            let new = book.versions.filter { !known.contains($0.effective) }
            for (offset, version) in new.enumerated() {
                _ = try await connection.execute(
                    """
                    INSERT INTO price_book_version (
                        price_book, number, effective_on, currency, rounding, canonical, digest, imported_by
                    )
                    VALUES ($1, $2, $3::text::date, $4, $5, $6, sha256($6), $7)
                    """,
                    [
                        book.id, Int32(before.count + offset + 1), version.effective.description,
                        version.currency.code, version.rounding.rawValue, version.canonicalBytes, importedBy,
                    ])
            }
            let after = try await versions(of: book.id, on: connection)
            // What was written must be what will be read: a version that can not come back is not kept.
            guard let stored = StoredPriceBook(after), stored.book == book else {
                throw BillingError(
                    .corrupt, "price book \"\(book.id)\" would not be read back as it was written; nothing was stored")
            }
            return PriceBookImport(stored: stored, added: after.filter { !known.contains($0.version.effective) })
        }
    }

    /// A stored price book. Throws `BillingError` with `unknownPriceBook`, naming those that there are.
    package func priceBook(id: String) async throws -> StoredPriceBook {
        try await pool.withConnection { try await priceBook(id: id, on: $0) }
    }

    /// As ``priceBook(id:)``, inside a transaction.
    package func priceBook(id: String, on connection: PostgresConnection) async throws -> StoredPriceBook {
        if let stored = StoredPriceBook(try await versions(of: id, on: connection)) { return stored }
        let names = try await connection.execute("SELECT name FROM price_book ORDER BY name LIMIT 20")
            .map { try $0.decode(0, as: String.self) }
        throw BillingError(
            .unknownPriceBook,
            "there is no price book \"\(id)\"; "
                + (names.isEmpty
                    ? "none is imported yet: waybill price import FILE"
                    : "there are: \(names.joined(separator: ", "))"))
    }

    /// All stored price books, by name.
    package func priceBooks() async throws -> [StoredPriceBook] {
        try await pool.withConnection { connection in
            let rows = try await connection.execute(
                """
                SELECT price_book_version_id, number, canonical, digest, imported_at, imported_by, price_book
                FROM price_book_version ORDER BY price_book, number
                """)
            var books: [StoredPriceBook] = []
            var current: [StoredPriceVersion] = []
            for row in rows {
                let version = try StoredPriceVersion(row)
                if current.last.map({ $0.version.bookID != version.version.bookID }) ?? false {
                    books += [StoredPriceBook(current)].compactMap { $0 }
                    current = []
                }
                current.append(version)
            }
            return books + [StoredPriceBook(current)].compactMap { $0 }
        }
    }

    /// One stored version by its key. Throws `BillingError` with `unknownPriceVersion`.
    package func priceVersion(_ id: Int64, on connection: PostgresConnection) async throws -> StoredPriceVersion {
        let rows = try await connection.execute(
            """
            SELECT price_book_version_id, number, canonical, digest, imported_at, imported_by
            FROM price_book_version WHERE price_book_version_id = $1
            """, [id])
        guard let row = rows.first else {
            throw BillingError(.unknownPriceVersion, "there is no price book version with the key \(id)")
        }
        return try StoredPriceVersion(row)
    }

    private func versions(of id: String, on connection: PostgresConnection) async throws -> [StoredPriceVersion] {
        let rows = try await connection.execute(
            """
            SELECT price_book_version_id, number, canonical, digest, imported_at, imported_by
            FROM price_book_version WHERE price_book = $1 ORDER BY number
            """, [id])
        return try rows.map { try StoredPriceVersion($0) }
    }
}

extension StoredPriceVersion {
    /// Columns: key, number, canonical bytes, digest, imported at, imported by.
    fileprivate init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        number = try row.decode(1)
        canonical = try row.decode(2)
        digest = try row.decode(3)
        importedAt = try row.decode(4)
        importedBy = try row.decode(5)
        do throws(PricingError) {
            version = try PriceBook.Version(canonicalBytes: canonical)
        } catch {
            throw BillingError(
                .corrupt, "the stored price book version \(id) can not be read: \(error.message)")
        }
    }
}
