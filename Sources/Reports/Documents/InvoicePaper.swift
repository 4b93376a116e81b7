package import Billing
package import Pricing

// Every rendering of invoices, usage and comparisons.
//
//   Documents/   what stands on paper, as values: `InvoicePaper` of an invoice or a preview, `UsagePaper` of a month
//   Language/    labels, numbers and dates of a locale file
//   Text/        for a terminal, 80 columns
//   Pages/       HTML by the Mustache templates of reports/; the same page is printed as PDF
//   Tables/      CSV
//   Focus/       FOCUS datasets: Cost and Usage 1.4 and 1.2, Invoice Detail 1.4
//   Charts/      SVG
//   Printing/    WeasyPrint, the one part that starts a process
//
// A paper computes nothing but sums of what the invoice says: amounts come rounded, and are only added.

/// What stands on an invoice's paper, of a stored invoice and of a preview alike.
///
/// Σ charges = subtotal; subtotal + Σ discounts = net; net + Σ taxes = total; total − Σ credits = payable.
package struct InvoicePaper: Sendable {
    /// The period in local dates and in UTC.
    package struct Period: Hashable, Sendable {
        package var month: String
        package var zone: String
        package var anchorDay: Int
        /// RFC 3339: [start, end).
        package var start: String
        package var end: String
        /// [first day, first day after).
        package var localStart: LocalDate
        package var localEnd: LocalDate
    }

    /// One line, rounded by itself.
    package struct Line: Sendable {
        package var number: Int
        package var kind: InvoiceLine.Kind
        package var name: String
        package var dimension: String?
        package var tier: Int?
        package var quantity: Int64?
        package var blocks: Int64?
        package var price: UnitPrice?
        /// Added once, for entering the tier; nil where there is none.
        package var flat: Money?
        package var amount: Money
        /// How a discount or a ceiling is spread over other lines, by their number; Σ = amount.
        package var shares: [(line: Int, amount: Money)]
        /// Of an adjustment: the first local date of the period that it corrects, and the invoice's number.
        package var corrects: (period: LocalDate, invoice: String)?
    }

    package struct Tax: Hashable, Sendable {
        package var name: String
        /// `19`, `7.5`.
        package var percent: String
        package var taxable: Money
        package var amount: Money
        package var corrects: LocalDate?
    }

    package struct Credit: Hashable, Sendable {
        package var id: String
        package var name: String
        /// Positive.
        package var amount: Money
    }

    package var status: Invoice.Status
    package var number: String?
    package var id: String?
    package var revision: Int
    package var issuedOn: LocalDate?
    package var issuedAt: String?
    package var voidedAt: String?
    package var paidAt: String?
    package var tenant: String
    package var contractID: String?
    package var seller: Party?
    package var buyer: Party?
    package var currency: Currency
    package var period: Period
    package var book: String
    package var bookVersion: LocalDate
    package var bookDigest: String?
    package var rounding: RoundingMode
    package var lines: [Line]
    package var taxes: [Tax]
    package var credits: [Credit]
    /// Σ charges.
    package var subtotal: Money
    /// Σ lines.
    package var net: Money
    package var total: Money
    package var payable: Money
    /// Requests counted, and with the gaps' bounds added; `upper` is nil where a gap has none.
    package var requests: Int64
    package var lower: Int64
    package var upper: Int64?
    /// Requests of each local day.
    package var days: [(date: LocalDate, requests: Int64)]
    package var coverage: InvoiceCoverage
    /// Up to when the count goes, of a preview.
    package var asOf: String?
    package var readings: ReadingsAnnex?
    package var seal: InvoiceSeal?
    package var inputsDigest: String?
    package var engine: String
    /// The same traffic behind load balancers, where it was asked for.
    package var comparison: PaperComparison?

    /// Everything but discounts, in the order of the invoice.
    package var charges: [Line] { lines.filter { $0.kind != .discount } }
    package var discounts: [Line] { lines.filter { $0.kind == .discount } }

    /// The sum of amounts, refusing to wrap.
    static func sum(_ amounts: [Money], _ currency: Currency) throws(PricingError) -> Money {
        var sum = Money(minorUnits: 0, currency: currency)
        for amount in amounts { sum = try sum.adding(amount) }
        return sum
    }
}

/// The cost of the same traffic behind load balancers, as an invoice shows it.
package struct PaperComparison: Hashable, Sendable {
    package struct Row: Hashable, Sendable {
        package var name: String
        /// Amounts in the comparison's currency as decimals, rounded for reading.
        package var total: String
        /// Below zero where the gateway of one's own costs more; nil for own itself.
        package var saving: String?
        package var savingPercent: String?

        package init(name: String, total: String, saving: String?, savingPercent: String?) {
            self.name = name
            self.total = total
            self.saving = saving
            self.savingPercent = savingPercent
        }
    }

    package var gateway: String
    package var region: String
    package var currency: String
    package var rows: [Row]

    package init(gateway: String, region: String, currency: String, rows: [Row]) {
        self.gateway = gateway
        self.region = region
        self.currency = currency
        self.rows = rows
    }
}
