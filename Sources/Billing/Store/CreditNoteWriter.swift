import FoundationEssentials
import Metering
import PostgreSQL
import UsageStore

/// A credit note that is complete but for its number.
struct PreparedCreditNote: Sendable {
    var tenant: Int64
    var id: UUID
    var invoiceID: UUID
    var note: CreditNote
    var text: String
    var year: Int
    var issuedAt: Timestamp

    init(_ note: CreditNote, tenant: Int64, id: UUID, invoiceID: UUID, now: Timestamp) throws {
        self.note = note
        self.tenant = tenant
        self.id = id
        self.invoiceID = invoiceID
        issuedAt = now
        text = try CanonicalCoding.text(note)
        year = Int(now.description.prefix(4)) ?? 0
    }

    /// For usage that fell.
    init(_ finding: LateUsageFinding, now: Timestamp) throws {
        let id = UUID.version7(now)
        try self.init(
            CreditNote(
                finding.late, id: id.text, invoiceID: finding.invoiceID.text, invoiceNumber: finding.number,
                terms: finding.terms, period: finding.period, issuedAt: now.description),
            tenant: finding.tenant, id: id, invoiceID: finding.invoiceID, now: now)
    }
}

/// Writes credit notes. What they credit becomes a credit of the tenant that the next invoice draws on; the credited
/// invoice stays payable as it stands.
struct CreditNoteWriter {
    let connection: PostgresConnection
    let chain: ChainAppender

    /// Returns the numbers. The series of credit notes is locked by the caller.
    func write(_ notes: [PreparedCreditNote]) async throws -> [String] {
        var written: [String] = []
        for (year, notes) in Dictionary(grouping: notes, by: \.year).sorted(by: { $0.key < $1.key }) {
            let numbers = try await chain.numbers(CreditNote.series, year: year, count: notes.count)
            let links = try await chain.append(
                zip(notes, numbers).map { note, number in
                    ChainAppender.Entry(
                        kind: .creditNote, number: number, tenant: note.tenant, subject: note.id,
                        documentDigest: Digest.hex(note.text))
                }, to: CreditNote.series)
            for (index, note) in notes.enumerated() {
                try await insert(note, numbers[index], links[index].position)
            }
            written += numbers
        }
        return written
    }

    private func insert(_ prepared: PreparedCreditNote, _ number: String, _ position: Int64) async throws {
        let note = prepared.note
        let credited = try await connection.execute(
            """
            SELECT invoice.total_minor::text, COALESCE(sum(credit_note.total_minor), 0)::text
            FROM invoice LEFT JOIN credit_note USING (tenant_id, invoice_id)
            WHERE tenant_id = $1 AND invoice_id = $2 GROUP BY invoice.total_minor
            """, [prepared.tenant, prepared.invoiceID])
        let total = try credited.first?.minorUnits(0) ?? 0
        let before = try credited.first?.minorUnits(1) ?? 0
        guard before + note.totalMinor <= total else {
            throw BillingError(
                .overCredited,
                "invoice \(note.invoiceNumber) comes to \(total) minor units, of which \(before) are credited; "
                    + "\(note.totalMinor) more would be above it")
        }
        _ = try await connection.execute(
            """
            INSERT INTO credit_note (
                tenant_id, credit_note_id, invoice_id, series, number, position, currency, net_minor, total_minor,
                issued_at, document
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::numeric, $9::text::numeric, $10, $11)
            """,
            [
                prepared.tenant, prepared.id, prepared.invoiceID, CreditNote.series, number, position, note.currency,
                String(note.netMinor), String(note.totalMinor), prepared.issuedAt.postgres, prepared.text,
            ])
        try await Ledger(connection: connection, now: prepared.issuedAt).grant(
            Ledger.Grant(
                tenant: prepared.tenant, credit: prepared.id, name: "Credit note \(number)", currency: note.currency,
                amountMinor: note.totalMinor, expires: nil, account: "revenue", by: chain.by))
    }
}
