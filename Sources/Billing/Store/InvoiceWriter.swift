import FoundationEssentials
import Metering
import PostgreSQL
import UsageStore

/// Writes prepared invoices of one transaction: set by set, never a statement an invoice.
struct InvoiceWriter {
    let connection: PostgresConnection
    let order: FinalizeOrder

    private var chain: ChainAppender { ChainAppender(connection: connection, now: order.now, by: order.by) }

    func write(_ prepared: [PreparedInvoice]) async throws -> FinalizeRun {
        try await insertInputs(prepared)
        try await insertLines(prepared)
        let notes = try prepared.flatMap { invoice in
            try invoice.late.filter { $0.late.outcome == .creditNote }.map { finding in
                (finding, try PreparedCreditNote(finding, now: order.now))
            }
        }
        // From here to COMMIT the series are locked: nothing is computed any more.
        var series = Set(prepared.map(\.due.terms.series))
        if !notes.isEmpty { series.insert(CreditNote.series) }
        try await chain.lock(series)
        var run = FinalizeRun()
        let creditNotes = CreditNoteWriter(connection: connection, chain: chain)
        run.creditNotes = try await creditNotes.write(notes.map(\.1))
        for name in Set(prepared.map(\.due.terms.series)).sorted() {
            let members = prepared.filter { $0.due.terms.series == name }
            for (year, invoices) in Dictionary(grouping: members, by: \.year).sorted(by: { $0.key < $1.key }) {
                let numbers = try await chain.numbers(name, year: year, count: invoices.count)
                try await insert(invoices, numbers, series: name)
                for (invoice, number) in zip(invoices, numbers) {
                    run.finalized.append(FinalizeRun.Finalized(invoice, number: number))
                }
            }
        }
        try await insertLate(prepared, Dictionary(uniqueKeysWithValues: notes.map { ($0.0.invoiceID, $0.1.id) }))
        try await Ledger(connection: connection, now: order.now).draw(prepared)
        _ = try await connection.execute(
            """
            DELETE FROM invoice_draft
            WHERE (tenant_id, invoice_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
            """, [prepared.map(\.due.tenant), prepared.map(\.due.invoiceID)])
        _ = try await connection.execute(
            """
            UPDATE retention_hold SET held_from = invoiced_to
            FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS new (invoiced, contract, invoiced_to)
            WHERE tenant_id = invoiced AND reason = contract AND held_from < invoiced_to
            """,
            [
                prepared.map(\.due.tenant), prepared.map { "contract \($0.due.terms.id)" },
                prepared.map(\.due.end.postgres),
            ])
        return run
    }

    private func insert(_ invoices: [PreparedInvoice], _ numbers: [String], series: String) async throws {
        let links = try await chain.append(
            zip(invoices, numbers).map { invoice, number in
                ChainAppender.Entry(
                    kind: .invoice, number: number, tenant: invoice.due.tenant, subject: invoice.due.invoiceID,
                    documentDigest: invoice.textDigest)
            }, to: series)
        _ = try await connection.execute(
            """
            INSERT INTO invoice (
                series, issued_at, tenant_id, invoice_id, contract_id, period_start, period_end, revision, number,
                position, currency, subtotal_minor, total_minor, payable_minor, requests, coverage, is_incomplete,
                inputs_digest, document
            )
            SELECT $1, $2, tenant_id, invoice_id, contract_id, period_start, period_end, revision, number, position,
                currency, subtotal::numeric, total::numeric, payable::numeric, requests, coverage, is_incomplete,
                inputs_digest, document
            FROM unnest(
                $3::bigint[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::int[], $9::text[],
                $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[],
                $17::bool[], $18::bytea[], $19::text[]
            ) AS new (
                tenant_id, invoice_id, contract_id, period_start, period_end, revision, number, position, currency,
                subtotal, total, payable, requests, coverage, is_incomplete, inputs_digest, document
            )
            """,
            [
                series, order.now.postgres, invoices.map(\.due.tenant), invoices.map(\.due.invoiceID),
                invoices.compactMap(\.due.contractID), invoices.map(\.due.start.postgres),
                invoices.map(\.due.end.postgres), invoices.map { Int32($0.due.revision) }, numbers,
                links.map(\.position), invoices.map(\.document.currency),
                invoices.map { String($0.document.subtotalMinor) }, invoices.map { String($0.document.totalMinor) },
                invoices.map { String($0.document.payableMinor) }, invoices.map(\.document.usage.requests),
                invoices.map(\.document.coverage.percent), invoices.map(\.document.coverage.isIncomplete),
                invoices.map { Digest.bytes($0.document.inputsDigest) ?? [] }, invoices.map(\.text),
            ])
    }

    private func insertInputs(_ invoices: [PreparedInvoice]) async throws {
        var tenants: [Int64] = []
        var ids: [UUID] = []
        var names: [String] = []
        var bodies: [String] = []
        for invoice in invoices {
            for part in invoice.parts {
                tenants.append(invoice.due.tenant)
                ids.append(invoice.due.invoiceID)
                names.append(part.part.rawValue)
                bodies.append(part.text)
            }
        }
        _ = try await connection.execute(
            """
            INSERT INTO invoice_input (tenant_id, invoice_id, part, body)
            SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[])
            """, [tenants, ids, names, bodies])
    }

    private func insertLines(_ invoices: [PreparedInvoice]) async throws {
        let rows = invoices.flatMap { invoice in invoice.document.lines.map { (invoice.due, $0) } }
        let lines = rows.map(\.1)
        _ = try await connection.execute(
            """
            INSERT INTO invoice_line (
                tenant_id, invoice_id, line, kind, name, class, dimension, tier, quantity, blocks, price_minor,
                per_units, flat_minor, amount_minor, corrects_period, corrects_invoice
            )
            SELECT tenant_id, invoice_id, line, kind, name, class, dimension, tier, quantity, blocks, price_minor,
                per_units, flat_minor, amount_minor::numeric, corrects_period, corrects_invoice
            FROM unnest(
                $1::bigint[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],
                $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::text[],
                $16::text[]
            ) AS new (
                tenant_id, invoice_id, line, kind, name, class, dimension, tier, quantity, blocks, price_minor,
                per_units, flat_minor, amount_minor, corrects_period, corrects_invoice
            )
            """,
            [
                rows.map(\.0.tenant), rows.map(\.0.invoiceID), lines.map { Int32($0.number) },
                lines.map(\.kind.rawValue), lines.map(\.name), lines.map(\.lineClass), lines.map(\.dimension),
                lines.map { $0.tier.map { Int32($0) } }, lines.map(\.quantity), lines.map(\.blocks),
                lines.map(\.priceMinor), lines.map(\.perUnits), lines.map(\.flatMinor),
                lines.map { String($0.amountMinor) }, lines.map(\.correctsPeriod), lines.map(\.correctsInvoice),
            ])
    }

    private func insertLate(_ invoices: [PreparedInvoice], _ notes: [UUID: UUID]) async throws {
        let findings = invoices.flatMap { invoice in invoice.late.map { (invoice.due.invoiceID, $0) } }
        guard !findings.isEmpty else { return }
        try await LateUsageWriter(connection: connection, now: order.now).write(
            findings.map { settling, finding in
                switch finding.late.outcome {
                case .adjustment: (finding, settling)
                case .creditNote: (finding, notes[finding.invoiceID])
                case .recorded, .unbilled: (finding, nil)
                }
            })
    }
}

extension PreparedInvoice {
    /// The year of the local date of issue: numbers begin again each year.
    var year: Int { Int(document.issuedOn?.prefix(4) ?? "") ?? 0 }
}

extension FinalizeRun.Finalized {
    init(_ invoice: PreparedInvoice, number: String) {
        self.number = number
        id = invoice.due.invoiceID.text
        tenant = invoice.due.terms.tenant
        month = invoice.document.period.month
        currency = invoice.document.currency
        payableMinor = invoice.document.payableMinor
        isIncomplete = invoice.document.coverage.isIncomplete
        coverage = invoice.document.coverage.percent
    }
}

/// Keeps what came late, and what became of it.
struct LateUsageWriter {
    let connection: PostgresConnection
    let now: Timestamp

    func write(_ findings: [(finding: LateUsageFinding, settledBy: UUID?)]) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO late_usage (
                tenant_id, late_usage_id, invoice_id, found_at, quantities, net_minor, gross_minor, outcome, settled_by
            )
            SELECT tenant_id, late_usage_id, invoice_id, $1, quantities, net::numeric, gross::numeric, outcome,
                settled_by
            FROM unnest(
                $2::bigint[], $3::uuid[], $4::uuid[], $5::jsonb[], $6::text[], $7::text[], $8::text[], $9::uuid[]
            ) AS new (tenant_id, late_usage_id, invoice_id, quantities, net, gross, outcome, settled_by)
            """,
            [
                now.postgres, findings.map(\.finding.tenant), findings.map { _ in UUID.version7(now) },
                findings.map(\.finding.invoiceID),
                try findings.map { PostgresJSON(try CanonicalCoding.text($0.finding.late.quantities)) },
                findings.map { String($0.finding.late.netMinor) }, findings.map { String($0.finding.late.grossMinor) },
                findings.map(\.finding.late.outcome.rawValue), findings.map(\.settledBy),
            ])
    }
}
