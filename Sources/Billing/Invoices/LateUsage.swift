import Pricing

/// Usage that came after its period was finalized: the whole period re-rated at its pinned version.
///
/// With tiers this is the only right way: late units belong to the tiers of their own month, not of the next.
package struct LateUsage: Hashable, Sendable {
    /// What becomes of it.
    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// More: a line on the next invoice that names the period.
        case adjustment
        /// Less: a credit note.
        case creditNote = "credit_note"
        /// Under one minor unit: recorded, not billed.
        case recorded
        /// Beyond the window: recorded as unbilled late usage, and reported.
        case unbilled
    }

    /// Periods after its own in which late usage is still billed.
    package static let window = 2

    /// What came late, by dimension; negative where usage fell. Never all zero.
    package var quantities: [String: Int64]
    package var netMinor: Int128
    package var taxes: [InvoiceTax]
    /// What each line of the corrected invoice loses; Σ = −net. Positive where the line falls.
    package var lines: [CreditNote.Line]
    package var outcome: Outcome

    /// Net and taxes.
    package var grossMinor: Int128 { taxes.reduce(netMinor) { $0 + $1.amountMinor } }

    /// Nil where nothing changed.
    ///
    /// - Parameters:
    ///   - billed: what the invoice and earlier corrections of it billed; `current`: what is counted now.
    ///   - periodsAgo: 1 where the corrected period is the one before the period that would settle it.
    package init?(
        _ price: FrozenPrice, _ period: InvoicePeriod, billed: [String: Int64], current: [String: Int64],
        periodsAgo: Int
    ) throws(BillingError) {
        quantities = [:]
        for dimension in Set(billed.keys).union(current.keys) {
            let difference = (current[dimension] ?? 0) - (billed[dimension] ?? 0)
            if difference != 0 { quantities[dimension] = difference }
        }
        if quantities.isEmpty { return nil }
        let before: Rating
        let after: Rating
        do {
            let rated = try RatedPeriod(
                start: try LocalDate(period.localStart), days: Int64(period.days), billedDays: Int64(period.billedDays))
            before = try price.version.rate(billed, over: rated)
            after = try price.version.rate(current, over: rated)
        } catch {
            throw BillingError(.invalid, error.message)
        }
        netMinor = after.subtotal.minorUnits - before.subtotal.minorUnits
        lines = Self.lines(before, after)
        taxes = []
        for rate in price.version.taxes {
            let old = before.taxes.first { $0.name == rate.name && $0.percent == rate.percent }
            let new = after.taxes.first { $0.name == rate.name && $0.percent == rate.percent }
            let taxable = (new?.taxable.minorUnits ?? 0) - (old?.taxable.minorUnits ?? 0)
            let amount = (new?.amount.minorUnits ?? 0) - (old?.amount.minorUnits ?? 0)
            guard taxable != 0 || amount != 0 else { continue }
            taxes.append(
                InvoiceTax(
                    name: rate.name, percent: rate.percent.text, taxableMinor: taxable, amountMinor: amount,
                    correctsPeriod: period.localStart))
        }
        outcome = .recorded
        let gross = grossMinor
        if gross != 0 {
            outcome = periodsAgo > Self.window ? .unbilled : gross > 0 ? .adjustment : .creditNote
        }
    }

    private struct Place: Hashable {
        var kind: Rating.Line.Kind
        var name: String
        var tier: Int?
    }

    private static func lines(_ before: Rating, _ after: Rating) -> [CreditNote.Line] {
        func place(_ line: Rating.Line) -> Place { Place(kind: line.kind, name: line.name, tier: line.tier) }
        var remaining: [Place: Int128] = [:]
        for line in after.lines { remaining[place(line), default: 0] += line.amount.minorUnits }
        var lines: [CreditNote.Line] = []
        for (index, line) in before.lines.enumerated() {
            let now = remaining.removeValue(forKey: place(line)) ?? 0
            guard line.amount.minorUnits != now else { continue }
            lines.append(
                CreditNote.Line(
                    invoiceLine: index + 1, name: line.name, amountMinor: line.amount.minorUnits - now))
        }
        for line in after.lines {
            // A line that the invoice did not have: a commit that is no longer reached.
            guard let now = remaining.removeValue(forKey: place(line)) else { continue }
            lines.append(CreditNote.Line(invoiceLine: nil, name: line.name, amountMinor: -now))
        }
        return lines
    }
}
