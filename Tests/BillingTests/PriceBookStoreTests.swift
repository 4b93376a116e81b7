import PostgreSQL
import Pricing
import TestSupport
import Testing

@testable import Billing

/// Price books in the database: immutable, and read back as what they were.
@Suite struct PriceBookStoreTests {
    private static func book(_ versions: String..., id: String = "p") throws -> PriceBook {
        try PriceBook(
            yaml: """
                id: \(id)
                currency: USD
                versions:
                \(versions.joined(separator: "\n"))
                """, file: "p.yaml")
    }

    private static func version(_ effective: String, amount: Int = 1) -> String {
        "- {effective: \(effective), charges: [{dimension: requests, name: R, model: per_unit, amount_minor: \(amount)}]}"
    }

    @Test func `A book of every kind of price comes back as it was written, with a stable digest`() async throws {
        let yaml = #"""
            id: "All \u2028kinds, « é 日本 » \"quoted\\\""
            currency: KWD
            rounding: half_even
            versions:
            - effective: 2025-12-31
              base_fee: {amount_minor: "0.000001", prorate: none}
              minimum: {amount_minor: 500}
              maximum: {amount_minor: 9223372036854775807}
              charges:
              - {dimension: requests, name: G, model: graduated, per_units: 1000000000, included_units: 5,
                 tiers: [{up_to: 9, amount_minor: "1.5", flat_minor: 3}, {amount_minor: 0}]}
              - {dimension: a, name: V, class: service, model: volume, per_units: 3, tiers: [{amount_minor: 2}]}
              - {dimension: b, name: P, model: package, per_units: 7, amount_minor: 4, partial: full}
              - {dimension: b, name: Q, model: package, per_units: 7, amount_minor: 4, partial: prorated}
              - {dimension: c, name: U, model: per_unit, amount_minor: "9223372036854775807.999999"}
              discounts:
              - {name: D, percent: "12.345678", charge: G, from: 2026-01-01, until: 2026-07-01}
              - {name: E, amount_minor: 5}
              taxes:
              - {name: T, percent: 19, classes: [usage, base_fee], rounded: per_line}
              - {name: S, percent: "7.5"}
            """#
        let book = try PriceBook(yaml: yaml, file: "all.yaml")
        try await withBilling { billing in
            let first = try await billing.importPriceBook(book, by: "ada")
            let read = try await billing.priceBook(id: book.id)
            #expect(read.book == book && read == first.stored)
            #expect(read.versions.map(\.number) == [1] && read.versions[0].importedBy == "ada")
            #expect(read.versions[0].canonical == book.versions[0].canonicalBytes)
            let again = try await billing.importPriceBook(read.book, by: "bob")
            #expect(again.added.isEmpty && again.stored == read)
        }
    }

    @Test func `A digest is what sha256sum says of the canonical bytes`() async throws {
        try await withBilling { billing in
            let stored = try await billing.importPriceBook(try Self.book(Self.version("2026-01-01")), by: "ada").stored
            let rows = try await billing.pool.execute(
                "SELECT encode(sha256($1), 'hex')", [stored.versions[0].canonical])
            #expect(try rows[0].decode(0, as: String.self) == stored.versions[0].digestText)
        }
    }

    @Test func `A later version is added, and the one in force is found by date`() async throws {
        try await withBilling { billing in
            _ = try await billing.importPriceBook(try Self.book(Self.version("2026-01-01")), by: "ada")
            let two = try Self.book(Self.version("2026-01-01"), Self.version("2026-06-01", amount: 2))
            let done = try await billing.importPriceBook(two, by: "ada")
            #expect(done.added.map(\.number) == [2])
            #expect(try done.stored.version(inForceOn: LocalDate("2026-05-31")).number == 1)
            #expect(try done.stored.version(inForceOn: LocalDate("2026-06-01")).number == 2)
        }
    }

    @Test(arguments: [
        ("changes", [version("2026-01-01", amount: 2), version("2026-06-01")]),
        ("lacks", [version("2026-06-01")]),
        ("before", [version("2026-01-01"), version("2026-03-01"), version("2026-06-01")]),
    ])
    func `An import that would change a stored version is a conflict, and nothing of it is stored`(
        word: String, versions: [String]
    ) async throws {
        try await withBilling { billing in
            let stored = try await billing.importPriceBook(
                try Self.book(Self.version("2026-01-01"), Self.version("2026-06-01")), by: "ada"
            ).stored
            let book = try PriceBook(
                yaml: "id: p\ncurrency: USD\nversions:\n"
                    + (versions + [Self.version("2027-01-01")]).joined(separator: "\n"),
                file: "p.yaml")
            let error = await #expect(throws: BillingError.self) { try await billing.importPriceBook(book, by: "eve") }
            #expect(error?.code == .priceVersionChanged && error?.code.isConflict == true)
            #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
            #expect(try await billing.priceBook(id: "p") == stored)
        }
    }

    @Test func `Another currency or rounding under stored versions is a conflict`() async throws {
        try await withBilling { billing in
            _ = try await billing.importPriceBook(try Self.book(Self.version("2026-01-01")), by: "ada")
            for head in ["currency: EUR", "currency: USD\nrounding: down"] {
                let book = try PriceBook(
                    yaml: "id: p\n\(head)\nversions:\n\(Self.version("2026-01-01"))", file: "p.yaml")
                let error = await #expect(throws: BillingError.self) {
                    try await billing.importPriceBook(book, by: "eve")
                }
                #expect(error?.code == .priceVersionChanged)
            }
        }
    }

    @Test(arguments: [
        "UPDATE price_book_version SET canonical = 'x'", "UPDATE price_book_version SET effective_on = '2020-01-01'",
        "DELETE FROM price_book_version", "TRUNCATE price_book_version", "UPDATE price_book SET name = 'q'",
        "DELETE FROM price_book", "TRUNCATE price_book CASCADE",
    ])
    func `No statement changes what is stored`(statement: String) async throws {
        try await withBilling { billing in
            let stored = try await billing.importPriceBook(try Self.book(Self.version("2026-01-01")), by: "ada").stored
            await #expect(throws: PostgresError.self) {
                try await billing.pool.withConnection { _ = try await $0.executeOnce(statement) }
            }
            #expect(try await billing.priceBook(id: "p") == stored)
        }
    }

    @Test func `Eight imports of one new version at once store it once`() async throws {
        try await withBilling(connections: 8) { billing in
            var versions = [Self.version("2026-01-01")]
            for round in 1...6 {
                let book = try PriceBook(
                    yaml: "id: p\ncurrency: USD\nversions:\n" + versions.joined(separator: "\n"), file: "p.yaml")
                versions.append(Self.version("2026-0\(round + 1)-01"))
                let added = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            // All eight connections are made, so that the imports begin together.
                            _ = try await billing.pool.execute("SELECT pg_sleep(0.05)")
                            return try await billing.importPriceBook(book, by: "importer \(number)").added.count
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(added == 1)
            }
            #expect(try await billing.priceBook(id: "p").versions.map(\.number) == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test func `Books are listed by name with all their versions`() async throws {
        try await withBilling { billing in
            #expect(try await billing.priceBooks() == [])
            _ = try await billing.importPriceBook(try Self.book(Self.version("2026-01-01"), id: "b"), by: "ada")
            _ = try await billing.importPriceBook(
                try Self.book(Self.version("2026-01-01"), Self.version("2026-06-01"), id: "a"), by: "ada")
            let books = try await billing.priceBooks()
            #expect(books.map(\.book.id) == ["a", "b"] && books.map(\.versions.count) == [2, 1])
        }
    }

    @Test func `A book that is not stored is named, with those that are`() async throws {
        try await withBilling { billing in
            let none = await #expect(throws: BillingError.self) { try await billing.priceBook(id: "x") }
            #expect(none?.code == .unknownPriceBook && none?.message.contains("waybill price import") == true)
            _ = try await billing.importPriceBook(try Self.book(Self.version("2026-01-01")), by: "ada")
            let other = await #expect(throws: BillingError.self) { try await billing.priceBook(id: "x") }
            #expect(other?.message.contains("there are: p") == true)
        }
    }
}
