import Metering
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
        findings += try await ledgerFaults(rows, document)
        return Verification.Link(
            name, broken: findings,
            holds: document.credits.isEmpty ? "none were drawn on" : "\(document.credits.count) draws stand there")
    }

    /// The transactions of an invoice as the program writes them: whole, of the invoice's time or its void event's.
    private func ledgerFaults(_ rows: InvoiceRows, _ document: InvoiceDocument) async throws -> [String] {
        let transactions = try await connection.execute(
            """
            SELECT transaction_id::text, min(entry) = 1 AND max(entry) = count(*) AND count(DISTINCT entry) = count(*),
                sum(amount_minor) = 0, min(memo), max(memo), min(entered_at), max(entered_at),
                count(DISTINCT COALESCE(invoice_id::text, '')) = 1 AND count(DISTINCT currency) = 1
            FROM ledger_entry WHERE tenant_id = $1 AND transaction_id IN (
                SELECT transaction_id FROM ledger_entry WHERE tenant_id = $1 AND invoice_id = $2
            )
            GROUP BY transaction_id ORDER BY transaction_id
            """, [rows.tenant, rows.id])
        let times = [
            Ledger.drawn: document.issuedAt, Ledger.givenBack: rows.events.first { $0.kind == .void }?.at,
        ]
        var faults: [String] = []
        for row in transactions {
            let place = "ledger transaction \(try row.decode(0, as: String.self))"
            let isWhole =
                try row.decode(1, as: Bool.self) && row.decode(2, as: Bool.self) && row.decode(7, as: Bool.self)
            if !isWhole { faults.append("\(place): its entries are not those of one transaction that sums to zero") }
            let memo: String = try row.decode(3)
            guard try row.decode(4, as: String.self) == memo, let time = times[memo] else {
                faults.append("\(place): memo is not what the program writes")
                continue
            }
            let entered = [
                try row.decode(5, as: PostgresTimestamp.self), try row.decode(6, as: PostgresTimestamp.self),
            ]
            if entered.contains(where: { Timestamp($0).description != time }) {
                faults.append("\(place): entered_at is not \(time ?? "the time of a void event")")
            }
        }
        return faults
    }
}
