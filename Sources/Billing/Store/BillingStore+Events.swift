import FoundationEssentials
package import Metering
import PostgreSQL
import UsageStore

extension BillingStore {
    /// Makes a finalized invoice void. It keeps its number; its period may be invoiced anew, under the next revision. What
    /// it drew on credits is given back; what it settled of late usage is open again.
    ///
    /// - Throws: `wrongStatus`: it is void already, it is credited, or a later invoice bills late usage of it.
    @discardableResult
    package func void(
        _ reference: String, reason: String, by actor: String, now: Timestamp
    ) async throws -> Invoice {
        try await record(.void, of: reference, reason: reason, by: actor, now: now) { connection, invoice in
            let number = invoice.invoice.document.number ?? reference
            let notes = try await connection.execute(
                "SELECT number FROM credit_note WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY number",
                [invoice.tenantNumber, invoice.id]
            ).map { try $0.decode(0, as: String.self) }
            guard notes.isEmpty else {
                throw BillingError(
                    .wrongStatus,
                    "invoice \(number) is credited by \(notes.joined(separator: ", ")); credit the rest of it instead: "
                        + "waybill credit-note issue")
            }
            let later = try await connection.execute(
                """
                SELECT settling.number FROM late_usage
                JOIN invoice AS settling
                    ON settling.tenant_id = late_usage.tenant_id AND settling.invoice_id = late_usage.settled_by
                WHERE late_usage.tenant_id = $1 AND late_usage.invoice_id = $2 AND outcome = 'adjustment'
                    AND NOT EXISTS (
                        SELECT FROM invoice_event AS void
                        WHERE void.tenant_id = settling.tenant_id AND void.invoice_id = settling.invoice_id
                            AND void.event = 'void'
                    )
                """, [invoice.tenantNumber, invoice.id]
            ).map { try $0.decode(0, as: String.self) }
            guard later.isEmpty else {
                throw BillingError(
                    .wrongStatus,
                    "late usage of invoice \(number) is billed by \(later.joined(separator: ", ")); void that first")
            }
            _ = try await connection.execute(
                """
                UPDATE retention_hold SET held_from = LEAST(held_from, period_start) FROM invoice
                WHERE retention_hold.tenant_id = $1 AND invoice.tenant_id = $1 AND invoice_id = $2
                    AND reason = 'contract ' || contract_id
                """, [invoice.tenantNumber, invoice.id])
            try await Ledger(connection: connection, now: now).giveBack(
                invoice: invoice.id, tenant: invoice.tenantNumber)
        }
    }

    /// Notes that a finalized invoice was paid.
    @discardableResult
    package func markPaid(
        _ reference: String, reason: String, by actor: String, now: Timestamp
    ) async throws -> Invoice {
        try await record(.paid, of: reference, reason: reason, by: actor, now: now) { _, _ in }
    }

    private func record(
        _ kind: InvoiceEvent.Kind, of reference: String, reason: String, by actor: String, now: Timestamp,
        check: (PostgresConnection, StoredInvoice) async throws -> Void
    ) async throws -> Invoice {
        guard let found = try await finalized(reference) else {
            let draft = try await invoice(reference, now: now)
            throw BillingError(
                .wrongStatus,
                "invoice \(reference) is a \(draft.status.rawValue); only a finalized one can be \(kind.past)")
        }
        guard !reason.isEmpty else { throw BillingError(.invalid, "a reason is needed: it stands in the record") }
        try await transaction(by: actor) { connection in
            // One after the other with whatever else happens to the tenant's invoices.
            _ = try await connection.execute(
                "SELECT FROM contract WHERE tenant_id = $1 ORDER BY contract_id FOR NO KEY UPDATE", [found.tenantNumber]
            )
            guard let stored = try await stored(tenant: found.tenantNumber, id: found.id, on: connection) else {
                throw BillingError(.unknownInvoice, "there is no invoice \(reference)")
            }
            let number = stored.invoice.document.number ?? reference
            if let void = stored.invoice.events.first(where: { $0.kind == .void }) {
                throw BillingError(
                    .wrongStatus,
                    "invoice \(number) is void since \(void.at) (\(void.reason)); nothing more can be done to it")
            }
            if kind == .paid, let at = stored.invoice.paidAt {
                throw BillingError(.wrongStatus, "invoice \(number) is marked paid since \(at)")
            }
            try await check(connection, stored)
            // The second is what the event is dated by: it is read back from text.
            let at = Timestamp(seconds: now.microseconds / 1_000_000)
            let event = InvoiceEvent(kind: kind, at: at.description, by: actor, reason: reason)
            let series = stored.columns["series"] ?? ""
            let chain = ChainAppender(connection: connection, now: at, by: actor)
            try await chain.lock([series])
            try await chain.append(
                [
                    ChainAppender.Entry(
                        kind: kind == .void ? .void : .paid, number: number, tenant: stored.tenantNumber,
                        subject: stored.id, documentDigest: Digest.hex(try CanonicalCoding.text(event)))
                ], to: series)
            _ = try await connection.execute(
                """
                INSERT INTO invoice_event (tenant_id, invoice_id, event, happened_at, happened_by, reason)
                VALUES ($1, $2, $3, $4, $5, $6)
                """, [stored.tenantNumber, stored.id, kind.rawValue, at.postgres, actor, reason])
        }
        return try await invoice(reference, now: now)
    }
}

extension InvoiceEvent.Kind {
    fileprivate var past: String { self == .void ? "voided" : "marked paid" }
}
