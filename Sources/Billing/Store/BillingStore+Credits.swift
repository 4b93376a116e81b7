import FoundationEssentials
package import Metering
import PostgreSQL
import Pricing
import UsageStore

/// What is left of a tenant's prepaid money.
package struct CreditBalance: Hashable, Sendable, Encodable {
    package var id: String
    package var name: String
    package var currency: String
    package var expires: String?
    package var remainingMinor: Int128

    private enum CodingKeys: String, CodingKey {
        case id, name, currency, expires
        case remainingMinor = "remaining_minor"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(currency, forKey: .currency)
        try container.encodeIfPresent(expires, forKey: .expires)
        try container.encode(minorUnits: remainingMinor, forKey: .remainingMinor)
    }
}

extension BillingStore {
    /// Takes prepaid money of a tenant in: later invoices draw on it, the earliest expiry first. Returns its id.
    @discardableResult
    package func grantCredit(
        tenant: String, amountMinor: Int128, currency: String, expires: String? = nil, name: String = "Prepaid credit",
        by actor: String, now: Timestamp
    ) async throws -> String {
        guard amountMinor > 0 else {
            throw BillingError(.invalid, "a credit of \(amountMinor) minor units; give a positive amount")
        }
        do {
            _ = try Currency(currency)
            if let expires { _ = try LocalDate(expires) }
        } catch {
            throw BillingError(.invalid, error.message)
        }
        let id = UUID.version7(now)
        try await transaction(by: actor) { connection in
            try await Ledger(connection: connection, now: now).grant(
                Ledger.Grant(
                    tenant: try await tenantNumber(tenant, on: connection), credit: id, name: name, currency: currency,
                    amountMinor: amountMinor, expires: expires, account: "cash", by: actor))
        }
        return id.text
    }

    /// What is left of each of a tenant's credits, the earliest expiry first.
    package func credits(tenant: String) async throws -> [CreditBalance] {
        try await pool.withConnection { connection in
            let rows = try await connection.execute(
                """
                SELECT credit_id, name, prepaid_credit.currency, expires_on::text, (-sum(amount_minor))::text
                FROM prepaid_credit JOIN ledger_entry USING (tenant_id, credit_id) WHERE tenant_id = $1
                GROUP BY credit_id, name, prepaid_credit.currency, expires_on ORDER BY expires_on, credit_id
                """, [try await tenantNumber(tenant, on: connection)])
            return try rows.map { row in
                CreditBalance(
                    id: try row.decode(0, as: UUID.self).text, name: try row.decode(1), currency: try row.decode(2),
                    expires: try row.decode(3), remainingMinor: try row.minorUnits(4))
            }
        }
    }

    /// Issues a credit note for lines of a finalized invoice. `amounts` are net minor units by line.
    ///
    /// - Throws: `overCredited` where a line, or the invoice with its earlier notes, would be credited above what it was.
    package func issueCreditNote(
        invoice reference: String, amounts: [(line: Int, amountMinor: Int128)], reason: String, by actor: String,
        now: Timestamp
    ) async throws -> CreditNote {
        guard let found = try await finalized(reference), found.invoice.status == .finalized else {
            throw BillingError(.wrongStatus, "\(reference) is not a finalized invoice; only such a one can be credited")
        }
        guard !amounts.isEmpty, !reason.isEmpty else {
            throw BillingError(.invalid, "a credit note needs a line, an amount and a reason")
        }
        guard Set(amounts.map(\.line)).count == amounts.count else {
            throw BillingError(.invalid, "a line is named twice; give each line once, with all that is credited of it")
        }
        let id = UUID.version7(now)
        let number = try await transaction(by: actor) { connection in
            _ = try await connection.execute(
                "SELECT FROM contract WHERE tenant_id = $1 ORDER BY contract_id FOR NO KEY UPDATE", [found.tenantNumber]
            )
            let rows = try await InvoiceRows(tenant: found.tenantNumber, id: found.id, on: connection)
            guard !rows.isVoid else { throw BillingError(.wrongStatus, "invoice \(rows.number) is void") }
            let inputs = try InvoiceInputs(parts: rows.inputs) { text throws(BillingError) in
                try FrozenPrice(canonical: text)
            }
            for entry in amounts {
                let before = try await credited(found, line: entry.line, on: connection)
                let line = found.invoice.document.lines.first { $0.number == entry.line }?.amountMinor ?? 0
                guard before + entry.amountMinor <= line || before == 0 else {
                    throw BillingError(
                        .overCredited,
                        "line \(entry.line) of \(rows.number) is \(line) minor units, of which \(before) are credited")
                }
            }
            let note = try CreditNote(
                found.invoice.document, price: inputs.price, amounts: amounts, reason: reason, id: id.text,
                issuedAt: now.description)
            let chain = ChainAppender(connection: connection, now: now, by: actor)
            try await chain.lock([CreditNote.series])
            return try await CreditNoteWriter(connection: connection, chain: chain).write([
                PreparedCreditNote(note, tenant: found.tenantNumber, id: id, invoiceID: found.id, now: now)
            ])
        }
        guard let note = try await creditNotes(CreditNoteFilter(number: number.first, limit: 1)).first else {
            throw BillingError(.corrupt, "the credit note was issued and can not be read")
        }
        return note
    }

    private func credited(
        _ invoice: StoredInvoice, line: Int, on connection: PostgresConnection
    ) async throws -> Int128 {
        let rows = try await connection.execute(
            "SELECT document FROM credit_note WHERE tenant_id = $1 AND invoice_id = $2",
            [invoice.tenantNumber, invoice.id])
        var sum: Int128 = 0
        for row in rows {
            let note: CreditNote = try CanonicalCoding.value(from: try row.decode(0), "a credit note")
            for credited in note.lines where credited.invoiceLine == line { sum += credited.amountMinor }
        }
        return sum
    }

    /// All credit notes by number, or those of one invoice.
    package func creditNotes(invoice reference: String? = nil) async throws -> [CreditNote] {
        try await creditNotes(CreditNoteFilter(invoice: reference, limit: .max))
    }

    /// Credit notes by number.
    package func creditNotes(_ filter: CreditNoteFilter) async throws -> [CreditNote] {
        try await pool.execute(
            """
            SELECT credit_note.document, credit_note.number
            FROM credit_note JOIN invoice USING (tenant_id, invoice_id) JOIN tenant USING (tenant_id)
            WHERE ($1::text IS NULL OR invoice.number = $1 OR invoice_id::text = lower($1) OR credit_note.number = $1)
                AND ($2::text IS NULL OR tenant.name = $2)
                AND ($3::text IS NULL OR credit_note.number = $3 OR credit_note_id::text = lower($3))
                AND ($4::text IS NULL OR credit_note.number COLLATE "C" > $4)
            ORDER BY credit_note.number COLLATE "C" LIMIT $5
            """, [filter.invoice, filter.tenant, filter.number, filter.afterNumber, filter.limit]
        ).map { row in
            var note: CreditNote = try CanonicalCoding.value(from: try row.decode(0), "a credit note")
            note.number = try row.decode(1, as: String.self)
            return note
        }
    }
}

/// Which credit notes are asked for; what is nil is not asked.
package struct CreditNoteFilter: Sendable {
    package var tenant: String?
    /// The credited invoice by number or id, or the note by its number.
    package var invoice: String?
    /// The note's number or id.
    package var number: String?
    /// Only those whose number comes after this one.
    package var afterNumber: String?
    package var limit: Int64

    package init(
        tenant: String? = nil, invoice: String? = nil, number: String? = nil, afterNumber: String? = nil,
        limit: Int64 = 1000
    ) {
        self.tenant = tenant
        self.invoice = invoice
        self.number = number
        self.afterNumber = afterNumber
        self.limit = limit
    }
}
