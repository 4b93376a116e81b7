package import FoundationEssentials
package import Metering
import PostgreSQL
import UsageStore

/// Which invoices are asked for; what is nil is not asked.
package struct InvoiceFilter: Sendable {
    package var tenant: String?
    /// `2026-11`: the month in which the period starts, in the contract's zone.
    package var month: String?
    /// finalized or void.
    package var status: Invoice.Status?
    package var number: String?
    /// Only those whose number comes after this one.
    package var afterNumber: String?
    package var limit: Int64 = 1000

    package init(tenant: String? = nil, month: String? = nil, status: Invoice.Status? = nil, limit: Int64 = 1000) {
        self.tenant = tenant
        self.month = month
        self.status = status
        self.limit = limit
    }
}

/// A stored invoice as its tables hold it, unjudged.
package struct StoredInvoice: Sendable {
    package var tenantNumber: Int64
    package var id: UUID
    package var invoice: Invoice
    /// As text, by column: what verify compares with the document.
    package var columns: [String: String]
    package var documentText: String
}

extension BillingStore {
    /// Finalized and void invoices by number.
    package func invoices(_ filter: InvoiceFilter = InvoiceFilter()) async throws -> [Invoice] {
        try await pool.withConnection { connection in
            try await connection.execute(
                """
                SELECT invoice.tenant_id, invoice.invoice_id, invoice.document, invoice.number, chain_entry.position,
                    document_digest, previous_hash, hash, events.list
                FROM invoice JOIN tenant USING (tenant_id)
                LEFT JOIN chain_entry ON chain_entry.subject_id = invoice.invoice_id AND chain_entry.kind = 'invoice'
                    AND chain_entry.series = invoice.series
                LEFT JOIN LATERAL (
                    SELECT json_agg(json_build_object(
                        'kind', event, 'at', to_char(happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                        'by', happened_by, 'reason', reason
                    ) ORDER BY happened_at)::text AS list, bool_or(event = 'void') AS is_void
                    FROM invoice_event
                    WHERE invoice_event.tenant_id = invoice.tenant_id
                        AND invoice_event.invoice_id = invoice.invoice_id
                ) AS events ON true
                WHERE ($1::text IS NULL OR tenant.name = $1)
                    AND ($2::text IS NULL OR document::json -> 'period' ->> 'month' = $2)
                    AND ($3::bool IS NULL OR COALESCE(events.is_void, false) = $3)
                    AND ($5::text IS NULL OR invoice.number = $5)
                    AND ($6::text IS NULL OR invoice.number COLLATE "C" > $6)
                ORDER BY invoice.number COLLATE "C" LIMIT $4
                """,
                [
                    filter.tenant, filter.month, filter.status.map { $0 == .void }, filter.limit, filter.number,
                    filter.afterNumber,
                ]
            ).map { try Invoice($0) }
        }
    }

    /// An invoice by number or id, or a draft by id, computed now.
    package func invoice(_ reference: String, now: Timestamp) async throws -> Invoice {
        if let stored = try await finalized(reference) { return stored.invoice }
        let drafts = try await pool.withConnection { connection in
            try await connection.execute(
                """
                SELECT contract_id, period_start, revision FROM invoice_draft WHERE invoice_id::text = lower($1)
                """, [reference])
        }
        guard let draft = drafts.first else {
            throw BillingError(
                .unknownInvoice, "there is no invoice \(reference); waybill invoice list shows numbers and ids")
        }
        let terms = try await contract(try draft.decode(0, as: UUID.self).text)
        let start = Timestamp(try draft.decode(1, as: PostgresTimestamp.self))
        do {
            let inputs = try await inputs(of: terms, try terms.period(containing: start.microseconds), now: now)
            let identity = InvoiceIdentity(
                id: reference.lowercased(), revision: Int(try draft.decode(2, as: Int32.self)))
            return Invoice(document: try InvoiceDocument(inputs, identity), status: .draft)
        }
    }

    /// A finalized invoice by number or id; nil where there is none.
    package func finalized(_ reference: String) async throws -> StoredInvoice? {
        try await pool.withConnection { connection in
            let ids = try await connection.execute(
                """
                SELECT tenant_id, invoice_id FROM invoice WHERE number = $1 OR invoice_id::text = lower($1) LIMIT 1
                """, [reference])
            guard let row = ids.first else { return nil }
            return try await stored(tenant: try row.decode(0), id: try row.decode(1), on: connection)
        }
    }

    /// One invoice as its row and its chain entry hold it.
    func stored(tenant: Int64, id: UUID, on connection: PostgresConnection) async throws -> StoredInvoice? {
        let rows = try await connection.execute(
            """
            SELECT invoice.tenant_id, invoice.invoice_id, invoice.document, invoice.number, chain_entry.position,
                document_digest, previous_hash, hash, (
                    SELECT json_agg(json_build_object(
                        'kind', event, 'at', to_char(happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                        'by', happened_by, 'reason', reason
                    ) ORDER BY happened_at)::text
                    FROM invoice_event
                    WHERE invoice_event.tenant_id = invoice.tenant_id
                        AND invoice_event.invoice_id = invoice.invoice_id
                ),
                (to_jsonb(invoice) - 'document' - 'subtotal_minor' - 'total_minor' - 'payable_minor')::text,
                subtotal_minor::text, total_minor::text, payable_minor::text
            FROM invoice
            LEFT JOIN chain_entry ON chain_entry.subject_id = invoice.invoice_id AND chain_entry.kind = 'invoice'
            WHERE invoice.tenant_id = $1 AND invoice.invoice_id = $2
            """, [tenant, id])
        guard let row = rows.first else { return nil }
        var columns: [String: String] = [:]
        let texts: [String: ColumnText] = try CanonicalCoding.value(from: try row.decode(9), "an invoice's row")
        for (name, text) in texts { columns[name] = text.text }
        columns["subtotal_minor"] = try row.decode(10)
        columns["total_minor"] = try row.decode(11)
        columns["payable_minor"] = try row.decode(12)
        return StoredInvoice(
            tenantNumber: tenant, id: id, invoice: try Invoice(row), columns: columns, documentText: try row.decode(2))
    }
}

/// A column of a row that came as JSON.
private enum ColumnText: Decodable {
    case value(String)

    var text: String {
        switch self {
        case .value(let text): text
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            self = .value(String(number))
        } else if let flag = try? container.decode(Bool.self) {
            self = .value(String(flag))
        } else if container.decodeNil() {
            self = .value("")
        } else {
            self = .value(try container.decode(String.self))
        }
    }
}

extension Invoice {
    /// Columns: tenant, id, document, number, position, document digest, previous hash, hash, events.
    init(_ row: PostgresRow) throws {
        let number: String = try row.decode(3)
        var document: InvoiceDocument = try CanonicalCoding.value(
            from: try row.decode(2), "the document of invoice \(number)")
        document.number = number
        var events: [InvoiceEvent] = []
        if let list = try row.decode(8, as: String?.self) {
            events = try CanonicalCoding.value(from: list, "the events of invoice \(number)")
        }
        var seal: InvoiceSeal?
        if let position = try row.decode(4, as: Int64?.self) {
            seal = InvoiceSeal(
                position: position, documentDigest: Digest.text(try row.decode(5)),
                previousHash: Digest.text(try row.decode(6)), hash: Digest.text(try row.decode(7)))
        }
        self.init(
            document: document, status: events.contains { $0.kind == .void } ? .void : .finalized, seal: seal,
            events: events)
    }
}
