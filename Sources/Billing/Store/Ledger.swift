import FoundationEssentials
import Metering
import PostgreSQL
import UsageStore

/// Prepaid credits in double entry. A credit is a debt to the tenant: its account is negative until it is drawn.
///
/// - a prepayment: cash +, credit −
/// - a credit note: revenue +, credit −
/// - drawn on by an invoice: credit +, receivable −; a void invoice gives it back.
struct Ledger {
    /// A new credit.
    struct Grant: Sendable {
        var tenant: Int64
        var credit: UUID
        var name: String
        var currency: String
        var amountMinor: Int128
        var expires: String?
        /// Where it comes from: `cash` or `revenue`.
        var account: String
        var by: String
    }

    private struct Entry {
        var tenant: Int64
        var transaction: UUID
        var place: Int32
        var account: String
        var credit: UUID?
        var invoice: UUID?
        var currency: String
        var amount: Int128
        var memo: String
    }

    /// The memos of an invoice's transactions; verify looks for them.
    static let drawn = "drawn on by the invoice"
    static let givenBack = "given back: the invoice is void"

    let connection: PostgresConnection
    let now: Timestamp

    func grant(_ grant: Grant) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO prepaid_credit (tenant_id, credit_id, name, currency, expires_on, granted_at, granted_by)
            VALUES ($1, $2, $3, $4, $5::text::date, $6, $7)
            """,
            [grant.tenant, grant.credit, grant.name, grant.currency, grant.expires, now.postgres, grant.by])
        let transaction = UUID.version7(now)
        func entry(_ place: Int32, _ account: String, _ credit: UUID?, _ amount: Int128) -> Entry {
            Entry(
                tenant: grant.tenant, transaction: transaction, place: place, account: account, credit: credit,
                invoice: nil, currency: grant.currency, amount: amount, memo: grant.name)
        }
        try await insert([
            entry(1, grant.account, nil, grant.amountMinor), entry(2, "credit", grant.credit, -grant.amountMinor),
        ])
    }

    /// What invoices drew on credits.
    func draw(_ invoices: [PreparedInvoice]) async throws {
        var entries: [Entry] = []
        for invoice in invoices where !invoice.document.credits.isEmpty {
            let transaction = UUID.version7(now)
            var drawn: Int128 = 0
            func entry(_ place: Int, _ account: String, _ credit: UUID?, _ amount: Int128) -> Entry {
                Entry(
                    tenant: invoice.due.tenant, transaction: transaction, place: Int32(place), account: account,
                    credit: credit, invoice: invoice.due.invoiceID, currency: invoice.document.currency,
                    amount: amount, memo: Self.drawn)
            }
            for (place, credit) in invoice.document.credits.enumerated() {
                entries.append(entry(place + 2, "credit", UUID(uuidString: credit.id), credit.amountMinor))
                drawn += credit.amountMinor
            }
            entries.append(entry(1, "receivable", nil, -drawn))
        }
        try await insert(entries)
    }

    /// Gives back what a void invoice drew.
    func giveBack(invoice: UUID, tenant: Int64) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO ledger_entry (
                tenant_id, transaction_id, entry, account, credit_id, invoice_id, currency, amount_minor, entered_at, memo
            )
            SELECT tenant_id, $3, row_number() OVER (ORDER BY transaction_id, entry), account, credit_id, invoice_id,
                currency, -amount_minor, $4, $5
            FROM ledger_entry WHERE tenant_id = $1 AND invoice_id = $2
            """, [tenant, invoice, UUID.version7(now), now.postgres, Self.givenBack])
    }

    private func insert(_ entries: [Entry]) async throws {
        guard !entries.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO ledger_entry (
                entered_at, tenant_id, transaction_id, entry, account, credit_id, invoice_id, currency, amount_minor, memo
            )
            SELECT $1, tenant_id, transaction_id, entry, account, credit_id, invoice_id, currency, amount::numeric, memo
            FROM unnest(
                $2::bigint[], $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::uuid[], $8::text[], $9::text[],
                $10::text[]
            ) AS new (tenant_id, transaction_id, entry, account, credit_id, invoice_id, currency, amount, memo)
            """,
            [
                now.postgres, entries.map(\.tenant), entries.map(\.transaction), entries.map(\.place),
                entries.map(\.account), entries.map(\.credit), entries.map(\.invoice), entries.map(\.currency),
                entries.map { String($0.amount) }, entries.map(\.memo),
            ])
    }
}
