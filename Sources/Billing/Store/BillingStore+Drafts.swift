import FoundationEssentials
package import Metering
import PostgreSQL
package import Pricing
import UsageStore

/// A draft: an invoice of a period that is over, with an id and without a number.
package struct DraftSummary: Hashable, Sendable, Encodable {
    package var id: String
    package var tenant: String
    package var contract: String
    package var month: String
    package var revision: Int
}

/// A draft as a list shows it; its amounts are computed when it is read.
package struct ListedDraft: Hashable, Sendable {
    package var id: String
    package var tenant: String
    package var currency: String
    package var period: InvoicePeriod
}

extension BillingStore {
    /// The drafts there are, by id.
    ///
    /// - Parameters:
    ///   - month: in which the period starts, in the contract's zone.
    ///   - id: only those after this one.
    package func drafts(
        tenant: String? = nil, month: String? = nil, after id: String? = nil, limit: Int64 = 1000
    ) async throws -> [ListedDraft] {
        try await pool.execute(
            """
            SELECT contract_id, tenant.name, price_book, pinned_version::text, currency, zone, anchor_day, grace_hours,
                on_incomplete, series, starts_on::text, ends_on::text, seller, buyer, invoice_id, period_start
            FROM invoice_draft JOIN contract USING (tenant_id, contract_id) JOIN tenant USING (tenant_id)
            WHERE ($1::text IS NULL OR tenant.name = $1)
                AND ($2::text IS NULL OR to_char(period_start AT TIME ZONE zone, 'YYYY-MM') = $2)
                AND ($3::text IS NULL OR invoice_id::text > $3)
            ORDER BY invoice_id::text LIMIT $4
            """, [tenant, month, id, limit]
        ).map { row in
            let terms = try ContractTerms(row)
            let start = Timestamp(try row.decode(15, as: PostgresTimestamp.self))
            return ListedDraft(
                id: try row.decode(14, as: UUID.self).text, tenant: terms.tenant, currency: terms.currency,
                period: try InvoicePeriod(try terms.period(containing: start.microseconds), terms))
        }
    }

    /// Whose draft it is; nil where there is no draft of that id.
    package func tenantOfDraft(_ id: String) async throws -> String? {
        let rows = try await pool.execute(
            "SELECT tenant.name FROM invoice_draft JOIN tenant USING (tenant_id) WHERE invoice_id::text = lower($1)",
            [id])
        return try rows.first?.decode(0)
    }

    /// Makes the drafts of all periods that are over and have neither an invoice nor a draft. Returns all that there are.
    package func draft(contract id: String? = nil, by actor: String, now: Timestamp) async throws -> [DraftSummary] {
        var contracts: [ContractTerms] = []
        if let id { contracts = [try await contract(id)] } else { contracts = try await self.contracts() }
        var drafts: [DraftSummary] = []
        for terms in contracts {
            drafts += try await transaction(by: actor) { connection in
                let tenant = try await tenantNumber(terms.tenant, on: connection)
                _ = try await connection.execute(
                    "SELECT FROM contract WHERE tenant_id = $1 FOR NO KEY UPDATE", [tenant])
                var order = FinalizeOrder(now: now, by: actor)
                order.contract = terms.id
                var reader = DueReader(connection: connection, order: order)
                let due = try await reader.all(of: terms, tenant: tenant)
                for period in due {
                    _ = try await connection.execute(
                        """
                        INSERT INTO invoice_draft (
                            tenant_id, invoice_id, contract_id, period_start, period_end, revision, drafted_at, drafted_by
                        )
                        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                        ON CONFLICT (tenant_id, contract_id, period_start) DO NOTHING
                        """,
                        [
                            tenant, period.invoiceID, period.contractID, period.start.postgres, period.end.postgres,
                            Int32(period.revision), now.postgres, actor,
                        ])
                }
                return due.map { period in
                    DraftSummary(
                        id: period.invoiceID.text, tenant: terms.tenant, contract: terms.id,
                        month: String(period.period.startDate.description.prefix(7)), revision: period.revision)
                }
            }
        }
        return drafts
    }

    /// What the invoice of a contract's period would say now. Nothing is stored. The same function as finalize, over the
    /// same reads.
    package func preview(contract id: String, month: String, now: Timestamp) async throws -> Invoice {
        let terms = try await contract(id)
        let period: BillingPeriod
        do {
            period = try terms.period(month: month)
            guard try terms.covers(period) else {
                throw BillingError(
                    .invalid,
                    "the contract runs from \(terms.startsOn) to \(terms.endsOn ?? "open"); it does not bill the period "
                        + "from \(period.startDate)")
            }
        } catch let error as PricingError {
            throw BillingError(.invalid, error.message)
        }
        let inputs = try await inputs(of: terms, period, now: now)
        return Invoice(document: try InvoiceDocument(inputs), status: .preview)
    }

    /// The inputs as they are now, from one snapshot.
    package func inputs(of terms: ContractTerms, _ period: BillingPeriod, now: Timestamp) async throws -> InvoiceInputs
    {
        try await pool.transaction(.repeatableRead) { connection in
            let tenant = try await tenantNumber(terms.tenant, on: connection)
            let due = DuePeriod(
                tenant: tenant, terms: terms, period: period, invoiceID: UUID.version7(now), revision: 1)
            var reader = InputsReader(store: self, connection: connection, now: now, isPreview: true)
            return try await reader.read([due])[0].get()
        }
    }
}
