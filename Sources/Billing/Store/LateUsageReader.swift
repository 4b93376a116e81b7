import FoundationEssentials
import Metering
import PostgreSQL
import Pricing
import UsageStore

/// Late usage of one finalized invoice, with what settles it.
struct LateUsageFinding: Sendable {
    var tenant: Int64
    var invoiceID: UUID
    var number: String
    var terms: ContractTerms
    var period: InvoicePeriod
    var late: LateUsage

    /// The line on the next invoice, where that is the outcome.
    var adjustment: Adjustment? {
        guard late.outcome == .adjustment else { return nil }
        return Adjustment(
            period: period.localStart, invoiceID: invoiceID.text, invoiceNumber: number, quantities: late.quantities,
            netMinor: late.netMinor, taxes: late.taxes)
    }
}

/// Compares what finalized invoices billed with what is counted now.
struct LateUsageReader {
    let connection: PostgresConnection

    private static let dimensions: [Dimension] = [
        .requests, .newConnections, .receivedBytes, .sentBytes, .responses1xx, .responses2xx, .responses3xx,
        .responses4xx, .responses5xx,
    ]

    /// Of each due period: what came late for the contract's invoices of the few periods before it.
    ///
    /// - Parameter reach: how many days before the due period a corrected period may start.
    func find(
        _ due: [DuePeriod], prices: inout PriceTable, _ store: BillingStore, reach: Int64 = 130
    ) async throws -> [[LateUsageFinding]] {
        var findings = [[LateUsageFinding]](repeating: [], count: due.count)
        let rows = try await connection.execute(
            """
            SELECT wanted.place, invoice.tenant_id, invoice.invoice_id, invoice.number,
                (document::json -> 'usage' -> 'quantities')::text,
                (
                    SELECT json_agg(quantities)::text FROM late_usage
                    WHERE late_usage.tenant_id = invoice.tenant_id AND late_usage.invoice_id = invoice.invoice_id
                        AND NOT EXISTS (
                            SELECT FROM invoice_event AS void
                            WHERE void.tenant_id = late_usage.tenant_id AND void.invoice_id = late_usage.settled_by
                                AND void.event = 'void'
                        )
                ),
                invoice.period_start, invoice.period_end
            FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[])
                WITH ORDINALITY AS wanted (tenant_id, contract_id, start_at, place)
            JOIN invoice ON invoice.tenant_id = wanted.tenant_id AND invoice.contract_id = wanted.contract_id
                AND invoice.period_start < start_at AND invoice.period_start >= start_at - $4 * interval '1 day'
            WHERE NOT EXISTS (
                SELECT FROM invoice_event AS void
                WHERE void.tenant_id = invoice.tenant_id AND void.invoice_id = invoice.invoice_id
                    AND void.event = 'void'
            )
            ORDER BY wanted.place, invoice.period_start
            """,
            [due.map(\.tenant), due.compactMap(\.contractID), due.map(\.start.postgres), reach])
        let counted = try await counted(in: rows)
        for (number, row) in rows.enumerated() {
            let place = Int(try row.decode(0, as: Int64.self)) - 1
            var billed: [String: Int64] = try CanonicalCoding.value(from: try row.decode(4), "billed quantities")
            if let late = try row.decode(5, as: String?.self) {
                let entries: [[String: Int64]] = try CanonicalCoding.value(from: late, "late usage")
                for entry in entries { billed.merge(entry) { $0 + $1 } }
            }
            billed = billed.filter { $0.value != 0 }
            let current = counted[Int64(number + 1)] ?? [:]
            guard billed != current else { continue }
            let invoice: UUID = try row.decode(2)
            let inputs = try await inputs(of: invoice, tenant: try row.decode(1))
            let ago = Self.periods(from: inputs.period.localStart, to: due[place].period.startDate)
            guard
                let late = try LateUsage(
                    inputs.price, inputs.period, billed: billed, current: current, periodsAgo: ago)
            else { continue }
            findings[place].append(
                LateUsageFinding(
                    tenant: try row.decode(1), invoiceID: invoice, number: try row.decode(3), terms: inputs.terms,
                    period: inputs.period, late: late))
        }
        return findings
    }

    /// What is counted now in the invoices' periods, by their place; nothing of one without records.
    private func counted(in invoices: PostgresRows) async throws -> [Int64: [String: Int64]] {
        guard !invoices.isEmpty else { return [:] }
        let rows = try await connection.execute(
            """
            SELECT place, sum(requests)::bigint, sum(new_connections)::bigint, sum(received_bytes)::bigint,
                sum(sent_bytes)::bigint, sum(responses_1xx)::bigint, sum(responses_2xx)::bigint,
                sum(responses_3xx)::bigint, sum(responses_4xx)::bigint, sum(responses_5xx)::bigint
            FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])
                WITH ORDINALITY AS period (tenant_id, start_at, end_at, place)
            JOIN consumption ON consumption.tenant_id = period.tenant_id AND quarter_hour >= start_at
                AND quarter_hour < end_at
            GROUP BY place
            """,
            [
                try invoices.map { try $0.decode(1, as: Int64.self) },
                try invoices.map { try $0.decode(6, as: PostgresTimestamp.self) },
                try invoices.map { try $0.decode(7, as: PostgresTimestamp.self) },
            ])
        var counted: [Int64: [String: Int64]] = [:]
        for row in rows {
            let place: Int64 = try row.decode(0)
            for (index, dimension) in Self.dimensions.enumerated() {
                let sum: Int64 = try row.decode(index + 1)
                if sum != 0 { counted[place, default: [:]][dimension.rawValue] = sum }
            }
        }
        return counted
    }

    private func inputs(of invoice: UUID, tenant: Int64) async throws -> InvoiceInputs {
        let rows = try await connection.execute(
            """
            SELECT part, body FROM invoice_input
            WHERE tenant_id = $1 AND invoice_id = $2 AND part IN ('terms', 'price', 'coverage')
            """, [tenant, invoice])
        var parts: [InputPart: String] = [:]
        for row in rows {
            guard let part = InputPart(rawValue: try row.decode(0)) else { continue }
            parts[part] = try row.decode(1, as: String.self)
        }
        return try InvoiceInputs(parts: parts) { text throws(BillingError) in try FrozenPrice(canonical: text) }
    }

    /// How many periods lie between two starts, both of one anchor.
    private static func periods(from start: String, to end: LocalDate) -> Int {
        guard let start = try? LocalDate(start) else { return .max }
        return end.year * 12 + end.month - start.year * 12 - start.month
    }
}
