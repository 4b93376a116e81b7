import PostgreSQL
import UsageStore

/// Rows against what the audit log says that they were made as, column by column.
///
/// It covers what no hash covers, for nothing on an invoice is computed from it any more: the number of a price version
/// and who imported it, drafts, grants of credit, late usage. A trigger writes the log, so a row that was changed without
/// one differs from it.
struct AuditCheck {
    let connection: PostgresConnection

    /// Of all tenants, or of what one tenant's invoices rest on.
    func link(tenant: Int64? = nil) async throws -> Verification.Link {
        let rows = try await connection.execute(
            """
            WITH stored AS (
                SELECT 'price_book_version' AS subject, price_book_version_id::text AS key,
                    to_jsonb(price_book_version) - 'canonical' AS row
                FROM price_book_version
                UNION ALL SELECT 'contract', contract_id::text, to_jsonb(contract) FROM contract
                WHERE $1::bigint IS NULL OR tenant_id = $1
                UNION ALL SELECT 'prepaid_credit', credit_id::text, to_jsonb(prepaid_credit) FROM prepaid_credit
                WHERE $1::bigint IS NULL OR tenant_id = $1
                UNION ALL SELECT 'invoice_draft', invoice_id::text, to_jsonb(invoice_draft) FROM invoice_draft
                WHERE $1::bigint IS NULL OR tenant_id = $1
                UNION ALL SELECT 'late_usage', late_usage_id::text, to_jsonb(late_usage) FROM late_usage
                WHERE $1::bigint IS NULL OR tenant_id = $1
                UNION ALL SELECT 'credit_note', credit_note_id::text, to_jsonb(credit_note) - 'document' FROM credit_note
                WHERE $1::bigint IS NULL OR tenant_id = $1
            ), logged AS (
                SELECT DISTINCT ON (subject, key) subject, key, after AS row FROM (
                    SELECT audit_log_id, subject, after, COALESCE(after, before) ->> CASE subject
                        WHEN 'price_book_version' THEN 'price_book_version_id' WHEN 'contract' THEN 'contract_id'
                        WHEN 'prepaid_credit' THEN 'credit_id' WHEN 'invoice_draft' THEN 'invoice_id'
                        WHEN 'late_usage' THEN 'late_usage_id' ELSE 'credit_note_id'
                    END AS key
                    FROM audit_log
                    WHERE subject IN (
                        'price_book_version', 'contract', 'prepaid_credit', 'invoice_draft', 'late_usage', 'credit_note')
                        AND ($1::bigint IS NULL OR subject = 'price_book_version'
                            OR (COALESCE(after, before) ->> 'tenant_id')::bigint = $1)
                ) AS entries ORDER BY subject, key, audit_log_id DESC
            )
            SELECT COALESCE(stored.subject, logged.subject), COALESCE(stored.key, logged.key), stored.row IS NOT NULL,
                logged.row IS NOT NULL, (
                    SELECT string_agg(name, ', ' ORDER BY name)
                    FROM jsonb_object_keys(stored.row || logged.row) AS name
                    WHERE (stored.row -> name) IS DISTINCT FROM (logged.row -> name)
                )
            FROM stored FULL JOIN (SELECT * FROM logged WHERE row IS NOT NULL) AS logged USING (subject, key)
            WHERE stored.row IS DISTINCT FROM logged.row ORDER BY 1, 2 LIMIT 100
            """, [tenant])
        let findings = try rows.map { row in
            let place = "\(try row.decode(0, as: String.self)) \(try row.decode(1, as: String.self))"
            guard try row.decode(2, as: Bool.self) else { return "\(place) is missing: the audit log has it" }
            guard try row.decode(3, as: Bool.self) else { return "\(place) is in no entry of the audit log" }
            return "\(place): \(try row.decode(4, as: String?.self) ?? "it") is not as the audit log has it"
        }
        return Verification.Link(
            "rows in the audit log", broken: findings,
            holds: "price versions, contracts, credits, drafts, late usage and credit notes are as they were made")
    }
}
