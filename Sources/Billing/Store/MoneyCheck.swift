import PostgreSQL
import Pricing
import UsageStore

/// The price version and the credits of an invoice, against what the database holds of them.
struct MoneyCheck {
    let connection: PostgresConnection

    /// The stored version of the price book is the one that the invoice keeps a copy of.
    func priceVersion(_ inputs: InvoiceInputs) async throws -> Verification.Link {
        let name = "price version"
        let version = inputs.price.version
        let rows = try await connection.execute(
            """
            SELECT canonical, digest = sha256(canonical), effective_on::text, currency, rounding
            FROM price_book_version WHERE price_book = $1
            """, [version.bookID])
        let found = try rows.filter { row in
            String(decoding: try row.decode(0, as: [UInt8].self), as: UTF8.self) == inputs.price.canonical
        }
        guard let row = found.first else {
            return Verification.Link(
                name, .broken,
                ["no stored version of price book \(version.bookID) is the one of \(version.effective) that rated it"])
        }
        var findings: [String] = []
        if try !row.decode(1, as: Bool.self) { findings.append("the version's digest is not of its content") }
        let columns: [(Int, String, String)] = [
            (2, "effective_on", version.effective.description), (3, "currency", version.currency.code),
            (4, "rounding", version.rounding.rawValue),
        ]
        for (place, column, expected) in columns {
            let value: String = try row.decode(place)
            if value != expected {
                findings.append("price_book_version.\(column) is \(value), its content says \(expected)")
            }
        }
        return Verification.Link(
            name, broken: findings, holds: "\(version.bookID) of \(version.effective), SHA-256 \(inputs.price.digest)")
    }

    /// What the invoice drew on credits stands in the ledger; of a void one it was given back.
    func credits(_ rows: InvoiceRows) async throws -> Verification.Link {
        let name = "credits in the ledger"
        guard let document = try? CanonicalCoding.value(InvoiceDocument.self, from: rows.document, "") else {
            return Verification.Link(name, .broken, ["the stored document can not be read"])
        }
        let entries = try await connection.execute(
            """
            SELECT credit_id::text, sum(amount_minor)::text FROM ledger_entry
            WHERE tenant_id = $1 AND invoice_id = $2 AND account = 'credit' AND currency = $3 GROUP BY credit_id
            HAVING sum(amount_minor) <> 0
            """, [rows.tenant, rows.id, document.currency])
        var drawn: [String: Int128] = [:]
        for row in entries { drawn[try row.decode(0)] = try row.minorUnits(1) }
        var expected: [String: Int128] = [:]
        if !rows.isVoid { for credit in document.credits { expected[credit.id] = credit.amountMinor } }
        var findings: [String] = []
        for credit in Set(drawn.keys).union(expected.keys).sorted() where drawn[credit] != expected[credit] {
            findings.append(
                "credit \(credit): the ledger says \(drawn[credit] ?? 0) minor units, the invoice \(expected[credit] ?? 0)"
            )
        }
        return Verification.Link(
            name, broken: findings,
            holds: document.credits.isEmpty ? "none were drawn on" : "\(document.credits.count) draws stand there")
    }
}
