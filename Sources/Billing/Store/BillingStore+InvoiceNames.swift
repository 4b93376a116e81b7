import PostgreSQL

/// What names a stored invoice, without its document.
package struct InvoiceName: Hashable, Sendable {
    package var number: String
    package var tenant: String
    package var isVoid: Bool
}

extension BillingStore {
    /// The finalized and void invoices of the periods that start in a month, by number. A month may hold a million of
    /// them: their documents stay in the database.
    package func invoiceNames(month: String) async throws -> [InvoiceName] {
        try await pool.withConnection { connection in
            try await connection.execute(
                """
                SELECT invoice.number, tenant.name, EXISTS (
                    SELECT FROM invoice_event
                    WHERE invoice_event.tenant_id = invoice.tenant_id
                        AND invoice_event.invoice_id = invoice.invoice_id AND event = 'void'
                )
                FROM invoice JOIN tenant USING (tenant_id)
                WHERE document::json -> 'period' ->> 'month' = $1
                ORDER BY invoice.number COLLATE "C"
                """, [month]
            ).map { InvoiceName(number: try $0.decode(0), tenant: try $0.decode(1), isVoid: try $0.decode(2)) }
        }
    }
}
