import FoundationEssentials
import Metering
import PostgreSQL
import UsageStore

extension BillingStore {
    /// Verifies one finalized invoice: stored rows, inputs, price version, consumption, tapes, credits, events, chain.
    package func verify(_ reference: String) async throws -> Verification {
        // Its document is not read here: it may be what was tampered with.
        let ids = try await pool.execute(
            "SELECT tenant_id, invoice_id FROM invoice WHERE number = $1 OR invoice_id::text = lower($1) LIMIT 1",
            [reference])
        guard let row = ids.first else {
            throw BillingError(
                .unknownInvoice, "there is no finalized invoice \(reference); waybill invoice list shows them")
        }
        let tenant: Int64 = try row.decode(0)
        var verification = try await verify(tenant: tenant, id: try row.decode(1))
        verification.links.append(
            try await pool.withConnection { try await AuditCheck(connection: $0).link(tenant: tenant) })
        return verification
    }

    /// Verifies every invoice, the chains as wholes, and every credit note. Calls back after each invoice.
    package func verifyAll(
        _ each: (Verification) throws -> Void = { _ in }
    ) async throws -> [Verification] {
        let ids = try await pool.execute("SELECT tenant_id, invoice_id FROM invoice ORDER BY series, number")
        var all: [Verification] = []
        var tapes = TapeCheck()
        for row in ids {
            let verification = try await verify(tenant: try row.decode(0), id: try row.decode(1), &tapes)
            try each(verification)
            all.append(verification)
        }
        for verification in try await pool.withConnection({ try await ChainCheck(connection: $0).chains() }) {
            try each(verification)
            all.append(verification)
        }
        let audit = try await pool.withConnection { try await AuditCheck(connection: $0).link() }
        let beside = Verification(number: "beside the invoices", links: [audit])
        try each(beside)
        all.append(beside)
        return all
    }

    private func verify(tenant: Int64, id: UUID) async throws -> Verification {
        var tapes = TapeCheck()
        return try await verify(tenant: tenant, id: id, &tapes)
    }

    private func verify(tenant: Int64, id: UUID, _ tapes: inout TapeCheck) async throws -> Verification {
        var kept = tapes
        defer { tapes = kept }
        return try await pool.transaction(.repeatableRead) { connection in
            let rows = try await InvoiceRows(tenant: tenant, id: id, on: connection)
            var links = [DocumentCheck.link(rows.document, rows.inputs), rows.copies()]
            links.append(try await ChainCheck(connection: connection).link(rows))
            guard
                let inputs = try? InvoiceInputs(
                    parts: rows.inputs, price: { text throws(BillingError) in try FrozenPrice(canonical: text) })
            else { return Verification(number: rows.number, links: links) }
            links.append(try await MoneyCheck(connection: connection).priceVersion(inputs))
            links.append(try await MoneyCheck(connection: connection).credits(rows))
            let consumption = try await ConsumptionCheck(connection: connection, tenant: tenant).compare(rows, inputs)
            let tape = try await kept.link(inputs, self, connection)
            links.append(consumption.link(tapes: tape))
            links.append(tape)
            return Verification(number: rows.number, links: links)
        }
    }
}

/// All rows of an invoice as they are stored, read without trust.
struct InvoiceRows {
    let tenant: Int64
    let id: UUID
    private(set) var number = ""
    private(set) var document = ""
    private(set) var inputs: [InputPart: String] = [:]
    private(set) var tenantName: String?
    private(set) var columns: [String: String] = [:]
    private(set) var lines: [[String: String]] = []
    private(set) var events: [InvoiceEvent] = []

    init(tenant: Int64, id: UUID, on connection: PostgresConnection) async throws {
        self.tenant = tenant
        self.id = id
        let key: [any PostgresEncodable] = [tenant, id]
        let invoices = try await connection.execute(
            """
            SELECT document, (SELECT name FROM tenant WHERE tenant.tenant_id = invoice.tenant_id), ARRAY[
                'invoice_id', invoice_id::text, 'contract_id', contract_id::text,
                'period_start', (extract(epoch FROM period_start) * 1000000)::bigint::text,
                'period_end', (extract(epoch FROM period_end) * 1000000)::bigint::text, 'revision', revision::text,
                'series', series, 'number', number, 'position', position::text, 'currency', currency,
                'subtotal_minor', subtotal_minor::text, 'total_minor', total_minor::text,
                'payable_minor', payable_minor::text, 'requests', requests::text, 'coverage', coverage,
                'is_incomplete', is_incomplete::text,
                'issued_at', (extract(epoch FROM issued_at) * 1000000)::bigint::text,
                'inputs_digest', encode(inputs_digest, 'hex')
            ]
            FROM invoice WHERE tenant_id = $1 AND invoice_id = $2
            """, key)
        guard let invoice = invoices.first else { return }
        document = try invoice.decode(0)
        tenantName = try invoice.decode(1)
        columns = Self.pairs(try invoice.decode(2))
        number = columns["number"] ?? ""
        let stored = try await connection.execute(
            "SELECT part, body FROM invoice_input WHERE tenant_id = $1 AND invoice_id = $2", key)
        for row in stored {
            if let part = InputPart(rawValue: try row.decode(0)) { inputs[part] = try row.decode(1, as: String.self) }
        }
        lines = try await connection.execute(
            """
            SELECT ARRAY[
                'number', line::text, 'kind', kind, 'name', name, 'class', COALESCE(class, ''),
                'dimension', COALESCE(dimension, ''), 'tier', COALESCE(tier::text, ''),
                'quantity', COALESCE(quantity::text, ''), 'blocks', COALESCE(blocks::text, ''),
                'price_minor', COALESCE(price_minor, ''), 'per_units', COALESCE(per_units::text, ''),
                'flat_minor', flat_minor::text, 'amount_minor', amount_minor::text,
                'corrects_period', COALESCE(corrects_period, ''), 'corrects_invoice', COALESCE(corrects_invoice, '')
            ]
            FROM invoice_line WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY line
            """, key
        ).map { Self.pairs(try $0.decode(0)) }
        events = try await connection.execute(
            """
            SELECT event, happened_at, happened_by, reason FROM invoice_event
            WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY happened_at
            """, key
        ).compactMap { row in
            guard let kind = InvoiceEvent.Kind(rawValue: try row.decode(0)) else { return nil }
            return InvoiceEvent(
                kind: kind, at: Timestamp(try row.decode(1, as: PostgresTimestamp.self)).description,
                by: try row.decode(2), reason: try row.decode(3))
        }
    }

    var isVoid: Bool { events.contains { $0.kind == .void } }

    private static func pairs(_ list: [String]) -> [String: String] {
        var pairs: [String: String] = [:]
        for index in stride(from: 0, to: list.count - 1, by: 2) { pairs[list[index]] = list[index + 1] }
        return pairs
    }

    /// The columns beside the document say the same as the document.
    func copies() -> Verification.Link {
        let name = "rows beside the document"
        guard let document = try? CanonicalCoding.value(InvoiceDocument.self, from: document, "") else {
            return Verification.Link(name, .broken, ["the stored document can not be read"])
        }
        func microseconds(_ text: String?) -> String {
            text.flatMap { Timestamp($0) }.map { String($0.microseconds) } ?? ""
        }
        let expected: [(String, String)] = [
            ("invoice_id", document.id ?? ""), ("contract_id", document.contractID),
            ("period_start", microseconds(document.period.start)), ("period_end", microseconds(document.period.end)),
            ("revision", String(document.revision)), ("currency", document.currency),
            ("subtotal_minor", String(document.subtotalMinor)), ("total_minor", String(document.totalMinor)),
            ("payable_minor", String(document.payableMinor)), ("requests", String(document.usage.requests)),
            ("coverage", document.coverage.percent), ("is_incomplete", String(document.coverage.isIncomplete)),
            ("issued_at", microseconds(document.issuedAt)), ("inputs_digest", document.inputsDigest),
        ]
        var findings = expected.filter { columns[$0.0] != $0.1 }
            .map { "invoice.\($0.0) is \(columns[$0.0] ?? "missing"), the document says \($0.1)" }
        if tenantName != document.tenant {
            findings.append(
                "the invoice lies under tenant \(tenantName ?? "nobody"), the document says \(document.tenant)")
        }
        for (index, line) in document.lines.enumerated() {
            guard let row = lines.first(where: { $0["number"] == String(line.number) }) else {
                findings.append("line \(line.number) is missing")
                continue
            }
            for (column, value) in line.columns where row[column] != value {
                findings.append("line \(index + 1): \(column) is \(row[column] ?? ""), the document says \(value)")
            }
        }
        let numbers = Set(document.lines.map { String($0.number) })
        for row in lines where !numbers.contains(row["number"] ?? "") {
            findings.append("line \(row["number"] ?? "") was added")
        }
        return Verification.Link(
            name, broken: findings, holds: "the invoice's row and its \(lines.count) lines say what the document says")
    }
}

extension InvoiceLine {
    fileprivate var columns: [(String, String)] {
        [
            ("kind", kind.rawValue), ("name", name), ("class", lineClass ?? ""), ("dimension", dimension ?? ""),
            ("tier", tier.map(String.init) ?? ""), ("quantity", quantity.map(String.init) ?? ""),
            ("blocks", blocks.map(String.init) ?? ""), ("price_minor", priceMinor ?? ""),
            ("per_units", perUnits.map(String.init) ?? ""), ("flat_minor", String(flatMinor)),
            ("amount_minor", String(amountMinor)), ("corrects_period", correctsPeriod ?? ""),
            ("corrects_invoice", correctsInvoice ?? ""),
        ]
    }
}
