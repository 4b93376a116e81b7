import FoundationEssentials
package import Metering
import PostgreSQL
import UsageStore

/// A finalized invoice with its frozen inputs.
package struct ProvenInvoice: Sendable {
    package var invoice: Invoice
    package var inputs: InvoiceInputs
    package var parts: [InputPart: String]
    package var documentText: String
    package var chain: ChainLink
}

/// A change as the audit log keeps it.
package struct AuditEntry: Hashable, Sendable, Encodable {
    package var at: String
    package var by: String
    package var subject: String
    package var action: String
    /// The row before and after as JSON; nil where there was or is none.
    package var before: String?
    package var after: String?
}

extension BillingStore {
    /// A finalized invoice with all that a bundle or an explanation needs.
    package func proven(_ reference: String) async throws -> ProvenInvoice {
        guard let found = try await finalized(reference) else {
            throw BillingError(
                .unknownInvoice, "there is no finalized invoice \(reference); waybill invoice list shows them")
        }
        return try await pool.withConnection { connection in
            let rows = try await InvoiceRows(tenant: found.tenantNumber, id: found.id, on: connection)
            let entries = try await connection.execute(
                """
                SELECT series, position, kind, number, subject_id, document_digest, entered_at, entered_by, previous_hash,
                    hash
                FROM chain_entry WHERE subject_id = $1 AND kind = 'invoice'
                """, [found.id])
            guard let chain = try entries.first.flatMap({ try ChainLink($0) }) else {
                throw BillingError(.corrupt, "invoice \(reference) has no entry in the hash chain")
            }
            let inputs = try InvoiceInputs(parts: rows.inputs) { text throws(BillingError) in
                try FrozenPrice(canonical: text)
            }
            return ProvenInvoice(
                invoice: found.invoice, inputs: inputs, parts: rows.inputs, documentText: rows.document, chain: chain)
        }
    }

    /// The inputs of a finalized invoice, or of a draft as they are now.
    package func inputs(of reference: String, now: Timestamp) async throws -> (InvoiceDocument, InvoiceInputs) {
        if try await finalized(reference) != nil {
            let proven = try await proven(reference)
            return (proven.invoice.document, proven.inputs)
        }
        let draft = try await invoice(reference, now: now)
        let terms = try await contract(draft.document.contractID)
        let start = Timestamp(draft.document.period.start)?.microseconds ?? 0
        let inputs = try await inputs(of: terms, try terms.period(containing: start), now: now)
        return (draft.document, inputs)
    }

    /// Signs the head of each chain for the day; a head that is signed already is left.
    package func signHeads(_ key: SigningKey, now: Timestamp) async throws -> [String] {
        let day = String(now.description.prefix(10))
        let heads = try await pool.execute(
            """
            SELECT DISTINCT ON (series) series, position, hash FROM chain_entry ORDER BY series, position DESC
            """)
        var signed: [String] = []
        for row in heads {
            let series: String = try row.decode(0)
            let position: Int64 = try row.decode(1)
            let hash: [UInt8] = try row.decode(2)
            let text = SigningKey.headText(series: series, day: day, position: position, hash: Digest.text(hash))
            let added = try await pool.execute(
                """
                INSERT INTO signed_head (series, day, position, hash, public_key, signature, signed_at)
                VALUES ($1, $2::text::date, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
                """,
                [
                    series, day, position, hash, Digest.bytes(key.publicKey) ?? [],
                    Digest.bytes(try key.sign(text)) ?? [], now.postgres,
                ])
            if added.affected == 1 { signed.append("\(series) \(day): entry \(position), hash \(Digest.text(hash))") }
        }
        return signed
    }

    /// The latest changes to prices, contracts and invoices, the latest last.
    package func audit(subject: String? = nil, limit: Int64 = 100) async throws -> [AuditEntry] {
        try await pool.execute(
            """
            SELECT * FROM (
                SELECT changed_at, changed_by, subject, action, before::text, after::text, audit_log_id FROM audit_log
                WHERE $1::text IS NULL OR subject = $1 ORDER BY audit_log_id DESC LIMIT $2
            ) AS latest ORDER BY audit_log_id
            """, [subject, limit]
        ).map { row in
            AuditEntry(
                at: Timestamp(try row.decode(0, as: PostgresTimestamp.self)).description, by: try row.decode(1),
                subject: try row.decode(2), action: try row.decode(3), before: try row.decode(4),
                after: try row.decode(5))
        }
    }

    /// The readings of one quarter hour of a service at a gateway, from the tapes: the last step of an explanation. Empty
    /// where the tapes are no longer kept.
    package func readings(
        tenant: String, service: String, gateway: String, dimension: String, at quarterHour: QuarterHour
    ) async throws -> [MeterReading] {
        try await pool.withConnection { connection in
            try await UsageStore(pool: pool, logger: logger)
                .meterReadings(of: gateway, from: quarterHour.start, to: quarterHour.end, on: connection)
                .filter { reading in
                    reading.binding.tenant == tenant && reading.binding.service == service
                        && reading.binding.dimension.rawValue == dimension
                }
                .map { MeterReading($0, gateway: gateway) }
        }
    }
}
