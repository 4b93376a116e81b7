import FoundationEssentials
package import Metering
import PostgreSQL
import Pricing
import UsageStore

/// Late usage as operators see it.
package struct LateUsageEntry: Hashable, Sendable, Encodable {
    package var tenant: String
    package var invoice: String
    package var quantities: [String: Int64]
    package var netMinor: Int128
    package var grossMinor: Int128
    package var currency: String
    /// `open` where the next invoice will bear it.
    package var outcome: String
    package var foundAt: String?

    private enum CodingKeys: String, CodingKey {
        case tenant, invoice, quantities, currency, outcome
        case netMinor = "net_minor"
        case grossMinor = "gross_minor"
        case foundAt = "found_at"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tenant, forKey: .tenant)
        try container.encode(invoice, forKey: .invoice)
        try container.encode(quantities, forKey: .quantities)
        try container.encode(minorUnits: netMinor, forKey: .netMinor)
        try container.encode(minorUnits: grossMinor, forKey: .grossMinor)
        try container.encode(currency, forKey: .currency)
        try container.encode(outcome, forKey: .outcome)
        try container.encodeIfPresent(foundAt, forKey: .foundAt)
    }
}

extension BillingStore {
    /// Looks for late usage of all finalized invoices. What fell is credited, what lies beyond the window or under one
    /// minor unit is recorded; what is to be billed stays open for the next invoice. Returns all there is, open last.
    package func settleLateUsage(by actor: String, now: Timestamp) async throws -> [LateUsageEntry] {
        var open: [LateUsageEntry] = []
        for terms in try await contracts() {
            open += try await transaction(by: actor) { connection in
                let tenant = try await tenantNumber(terms.tenant, on: connection)
                _ = try await connection.execute(
                    "SELECT FROM contract WHERE tenant_id = $1 ORDER BY contract_id FOR NO KEY UPDATE", [tenant])
                let due = DuePeriod(
                    tenant: tenant, terms: terms, period: try terms.period(containing: now.microseconds),
                    invoiceID: UUID.version7(now), revision: 1)
                var prices = PriceTable()
                // As far back as consumption records are kept.
                let floors = try await connection.execute(
                    "SELECT dropped_before FROM retention_floor WHERE subject = 'consumption'")
                let floor =
                    try floors.first.map { Timestamp(try $0.decode(0, as: PostgresTimestamp.self)) } ?? .earliest
                let found = try await LateUsageReader(connection: connection)
                    .find([due], prices: &prices, self, reach: 3660)[0]
                    .filter { (Timestamp($0.period.start) ?? .earliest) >= floor }
                let settled = found.filter { $0.late.outcome != .adjustment }
                let notes = try settled.filter { $0.late.outcome == .creditNote }
                    .map { try PreparedCreditNote($0, now: now) }
                let chain = ChainAppender(connection: connection, now: now, by: actor)
                if !notes.isEmpty {
                    try await chain.lock([CreditNote.series])
                    _ = try await CreditNoteWriter(connection: connection, chain: chain).write(notes)
                }
                if !settled.isEmpty {
                    try await LateUsageWriter(connection: connection, now: now).write(
                        settled.map { finding in
                            (finding, notes.first { $0.invoiceID == finding.invoiceID }?.id)
                        })
                }
                return found.filter { $0.late.outcome == .adjustment }.map { LateUsageEntry($0) }
            }
        }
        return try await lateUsage() + open
    }

    /// The late usage that is settled or recorded, in the order in which it was found.
    package func lateUsage() async throws -> [LateUsageEntry] {
        try await pool.execute(
            """
            SELECT tenant.name, invoice.number, quantities, net_minor::text, gross_minor::text, invoice.currency, outcome,
                found_at
            FROM late_usage JOIN invoice USING (tenant_id, invoice_id) JOIN tenant USING (tenant_id)
            ORDER BY found_at, invoice.number, late_usage_id
            """
        ).map { row in
            LateUsageEntry(
                tenant: try row.decode(0), invoice: try row.decode(1),
                quantities: try CanonicalCoding.value(
                    from: try row.decode(2, as: PostgresJSON.self).text, "late usage"),
                netMinor: try row.minorUnits(3), grossMinor: try row.minorUnits(4), currency: try row.decode(5),
                outcome: try row.decode(6),
                foundAt: Timestamp(try row.decode(7, as: PostgresTimestamp.self)).description)
        }
    }
}

extension LateUsageEntry {
    fileprivate init(_ finding: LateUsageFinding) {
        tenant = finding.terms.tenant
        invoice = finding.number
        quantities = finding.late.quantities
        netMinor = finding.late.netMinor
        grossMinor = finding.late.grossMinor
        currency = finding.terms.currency
        outcome = "open"
        foundAt = nil
    }
}
