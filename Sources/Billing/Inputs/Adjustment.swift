/// Late usage of a finalized period: the period re-rated as a whole at its pinned version, less what was billed.
package struct Adjustment: Hashable, Sendable {
    /// The first local date of the corrected period.
    package var period: String
    /// The id and the number of the invoice that it corrects.
    package var invoiceID: String
    package var invoiceNumber: String
    /// What came late, by dimension; negative where usage fell.
    package var quantities: [String: Int64]
    /// The difference of the subtotals: minor units.
    package var netMinor: Int128
    /// The differences of the taxes.
    package var taxes: [InvoiceTax]

    /// Net and taxes.
    package var grossMinor: Int128 { taxes.reduce(netMinor) { $0 &+ $1.amountMinor } }

    package init(
        period: String, invoiceID: String, invoiceNumber: String, quantities: [String: Int64], netMinor: Int128,
        taxes: [InvoiceTax]
    ) {
        self.period = period
        self.invoiceID = invoiceID
        self.invoiceNumber = invoiceNumber
        self.quantities = quantities
        self.netMinor = netMinor
        self.taxes = taxes
    }
}

extension Adjustment: Codable {
    private enum CodingKeys: String, CodingKey {
        case period, quantities, taxes
        case invoiceID = "invoice_id"
        case invoiceNumber = "invoice_number"
        case netMinor = "net_minor"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        period = try container.decode(String.self, forKey: .period)
        invoiceID = try container.decode(String.self, forKey: .invoiceID)
        invoiceNumber = try container.decode(String.self, forKey: .invoiceNumber)
        quantities = try container.decode([String: Int64].self, forKey: .quantities)
        netMinor = try container.minorUnits(forKey: .netMinor)
        taxes = try container.decode([InvoiceTax].self, forKey: .taxes)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(period, forKey: .period)
        try container.encode(invoiceID, forKey: .invoiceID)
        try container.encode(invoiceNumber, forKey: .invoiceNumber)
        try container.encode(quantities, forKey: .quantities)
        try container.encode(minorUnits: netMinor, forKey: .netMinor)
        try container.encode(taxes, forKey: .taxes)
    }
}
