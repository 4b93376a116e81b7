import Pricing

/// What lowers a finalized invoice: it refers to the invoice's lines, and never credits more than they were.
package struct CreditNote: Hashable, Sendable {
    /// The series of credit notes.
    package static let series = "CN"

    /// A credited line.
    package struct Line: Hashable, Sendable {
        /// The number of the invoice's line; nil for one that the invoice did not have.
        package var invoiceLine: Int?
        package var name: String
        /// Minor units credited, net; negative where the line rose.
        package var amountMinor: Int128
    }

    package var id: String
    /// `CN-2026-000001`; nil until it is issued.
    package var number: String?
    package var invoiceID: String
    package var invoiceNumber: String
    package var tenant: String
    package var currency: String
    package var seller: Party
    package var buyer: Party
    package var issuedAt: String
    package var reason: String
    package var lines: [Line]
    /// Σ lines.
    package var netMinor: Int128
    /// Credited taxes, positive.
    package var taxes: [InvoiceTax]
    /// Net and taxes: positive.
    package var totalMinor: Int128
    /// What was counted less, by dimension; empty where the note is not for usage.
    package var quantities: [String: Int64]
}

extension CreditNote.Line: Codable {
    private enum CodingKeys: String, CodingKey {
        case name
        case invoiceLine = "invoice_line"
        case amountMinor = "amount_minor"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        invoiceLine = try container.decodeIfPresent(Int.self, forKey: .invoiceLine)
        name = try container.decode(String.self, forKey: .name)
        amountMinor = try container.minorUnits(forKey: .amountMinor)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(invoiceLine, forKey: .invoiceLine)
        try container.encode(name, forKey: .name)
        try container.encode(minorUnits: amountMinor, forKey: .amountMinor)
    }
}

extension CreditNote: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, number, tenant, currency, seller, buyer, reason, lines, taxes, quantities
        case invoiceID = "invoice_id"
        case invoiceNumber = "invoice_number"
        case issuedAt = "issued_at"
        case netMinor = "net_minor"
        case totalMinor = "total_minor"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        number = try container.decodeIfPresent(String.self, forKey: .number)
        invoiceID = try container.decode(String.self, forKey: .invoiceID)
        invoiceNumber = try container.decode(String.self, forKey: .invoiceNumber)
        tenant = try container.decode(String.self, forKey: .tenant)
        currency = try container.decode(String.self, forKey: .currency)
        seller = try container.decode(Party.self, forKey: .seller)
        buyer = try container.decode(Party.self, forKey: .buyer)
        issuedAt = try container.decode(String.self, forKey: .issuedAt)
        reason = try container.decode(String.self, forKey: .reason)
        lines = try container.decode([Line].self, forKey: .lines)
        netMinor = try container.minorUnits(forKey: .netMinor)
        taxes = try container.decode([InvoiceTax].self, forKey: .taxes)
        totalMinor = try container.minorUnits(forKey: .totalMinor)
        quantities = try container.decode([String: Int64].self, forKey: .quantities)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encodeIfPresent(number, forKey: .number)
        try container.encode(invoiceID, forKey: .invoiceID)
        try container.encode(invoiceNumber, forKey: .invoiceNumber)
        try container.encode(tenant, forKey: .tenant)
        try container.encode(currency, forKey: .currency)
        try container.encode(seller, forKey: .seller)
        try container.encode(buyer, forKey: .buyer)
        try container.encode(issuedAt, forKey: .issuedAt)
        try container.encode(reason, forKey: .reason)
        try container.encode(lines, forKey: .lines)
        try container.encode(minorUnits: netMinor, forKey: .netMinor)
        try container.encode(taxes, forKey: .taxes)
        try container.encode(minorUnits: totalMinor, forKey: .totalMinor)
        try container.encode(quantities, forKey: .quantities)
    }
}

extension CreditNote {
    /// The note for usage that fell.
    init(
        _ late: LateUsage, id: String, invoiceID: String, invoiceNumber: String, terms: ContractTerms,
        period: InvoicePeriod, issuedAt: String
    ) {
        self.id = id
        self.invoiceID = invoiceID
        self.invoiceNumber = invoiceNumber
        tenant = terms.tenant
        currency = terms.currency
        seller = terms.seller
        buyer = terms.buyer
        self.issuedAt = issuedAt
        reason = "Usage of the period from \(period.localStart) was corrected downward"
        lines = late.lines
        netMinor = -late.netMinor
        taxes = late.taxes.map { tax in
            var credited = tax
            credited.taxableMinor = -tax.taxableMinor
            credited.amountMinor = -tax.amountMinor
            return credited
        }
        totalMinor = -late.grossMinor
        quantities = late.quantities
    }

    /// A note that an operator issues for lines of an invoice; taxes follow the lines' classes.
    ///
    /// - Parameter amounts: net minor units by line number, each 1 or more.
    package init(
        _ invoice: InvoiceDocument, price: FrozenPrice, amounts: [(line: Int, amountMinor: Int128)], reason: String,
        id: String, issuedAt: String
    ) throws(BillingError) {
        self.id = id
        invoiceID = invoice.id ?? ""
        invoiceNumber = invoice.number ?? ""
        tenant = invoice.tenant
        currency = invoice.currency
        seller = invoice.seller
        buyer = invoice.buyer
        self.issuedAt = issuedAt
        self.reason = reason
        lines = []
        var net: Int128 = 0
        for (number, amount) in amounts {
            guard let line = invoice.lines.first(where: { $0.number == number }) else {
                throw BillingError(
                    .invalid, "invoice \(invoiceNumber) has no line \(number); it has \(invoice.lines.count)")
            }
            guard amount > 0, amount <= line.amountMinor else {
                throw BillingError(
                    .overCredited,
                    "line \(number) of \(invoiceNumber) is \(line.amountMinor) minor units; "
                        + "credit 1 to \(max(0, line.amountMinor)), not \(amount)")
            }
            net += amount
            lines.append(Line(invoiceLine: number, name: line.name, amountMinor: amount))
        }
        netMinor = net
        taxes = []
        for rate in price.version.taxes {
            let taxed = amounts.filter { entry in
                guard let name = invoice.lines.first(where: { $0.number == entry.line })?.lineClass else {
                    return false
                }
                return rate.classes?.contains(name) ?? true
            }
            let taxable = taxed.reduce(0 as Int128) { $0 + $1.amountMinor }
            guard taxable > 0 else { continue }
            let tax: Int128
            do {
                tax = try price.version.rounding.rounded(
                    taxable, times: rate.percent.millionths, over: 100 * ExactAmount.scale)
            } catch {
                throw BillingError(.invalid, error.message)
            }
            taxes.append(
                InvoiceTax(
                    name: rate.name, percent: rate.percent.text, taxableMinor: taxable, amountMinor: tax,
                    correctsPeriod: nil))
        }
        totalMinor = taxes.reduce(net) { $0 + $1.amountMinor }
        quantities = [:]
    }
}
