/// What stands on paper and is sealed: everything of an invoice but what happens to it later.
package struct InvoiceDocument: Hashable, Sendable {
    /// What computed it: a change of arithmetic changes this.
    package static let engine = "waybill-billing/1"

    package var engine = Self.engine
    /// A UUIDv7, from draft on; nil in a preview.
    package var id: String?
    /// `INV-2026-000001`, from finalize on.
    package var number: String?
    /// From 1; n + 1 only after n is void.
    package var revision: Int
    /// The local date of finalizing, in the contract's zone.
    package var issuedOn: String?
    /// When it was finalized: RFC 3339, UTC.
    package var issuedAt: String?
    package var tenant: String
    package var contractID: String
    package var seller: Party
    package var buyer: Party
    package var currency: String
    package var period: InvoicePeriod
    package var price: InvoicePrice
    package var lines: [InvoiceLine]
    /// Σ lines.
    package var subtotalMinor: Int128
    package var taxes: [InvoiceTax]
    /// Subtotal + Σ taxes.
    package var totalMinor: Int128
    /// The prepaid credits drawn on.
    package var credits: [InvoiceCredit]
    /// Total − Σ credits; never negative.
    package var payableMinor: Int128
    package var usage: InvoiceUsage
    package var coverage: InvoiceCoverage
    package var readings: ReadingsAnnex
    /// The frozen inputs by part with their SHA-256, hexadecimal.
    package var inputs: [InputDigest]
    /// SHA-256 over the parts: what the invoice was computed from.
    package var inputsDigest: String
}

/// The period as it stands on paper.
package struct InvoicePeriod: Hashable, Sendable, Codable {
    /// Year and month in which it starts: `2026-11`.
    package var month: String
    package var zone: String
    /// The version of the IANA rules that it was made with: `2026a`.
    package var zoneRules: String
    package var anchorDay: Int
    /// RFC 3339, UTC: [start, end).
    package var start: String
    package var end: String
    /// Local dates: [first day, first day after).
    package var localStart: String
    package var localEnd: String
    /// `744`, `720.5`.
    package var hours: String
    package var days: Int
    /// Local days that the contract covers; fixed fees are prorated by them.
    package var billedDays: Int

    private enum CodingKeys: String, CodingKey {
        case month, zone, start, end, hours, days
        case zoneRules = "zone_rules"
        case anchorDay = "anchor_day"
        case localStart = "local_start"
        case localEnd = "local_end"
        case billedDays = "billed_days"
    }
}

/// The prices that rated it.
package struct InvoicePrice: Hashable, Sendable, Codable {
    package var book: String
    /// The effective date of the version.
    package var version: String
    /// SHA-256 of the version's canonical bytes, hexadecimal.
    package var digest: String
    /// `half_up`, …
    package var rounding: String
}

/// What was used.
package struct InvoiceUsage: Hashable, Sendable, Codable {
    /// Requests of one local day.
    package struct Day: Hashable, Sendable, Codable {
        package var date: String
        package var requests: Int64
    }

    package var requests: Int64
    /// `requests` with the gaps' bounds added; `upper` is nil where a gap has none.
    package var lower: Int64
    package var upper: Int64?
    /// By dimension.
    package var quantities: [String: Int64]
    package var days: [Day]
}

/// A part of the inputs and its digest.
package struct InputDigest: Hashable, Sendable, Codable {
    package var part: String
    package var digest: String
}
