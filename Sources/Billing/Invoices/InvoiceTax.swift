/// A tax, rounded once for its rate.
package struct InvoiceTax: Hashable, Sendable {
    package var name: String
    /// Percent with up to six decimals: `19`, `7.5`.
    package var percent: String
    /// The net of the taxed lines, discounts taken off. Minor units.
    package var taxableMinor: Int128
    package var amountMinor: Int128
    /// Of the tax on an adjustment: the first local date of the period that it corrects.
    package var correctsPeriod: String?
}

extension InvoiceTax: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, percent
        case taxableMinor = "taxable_minor"
        case amountMinor = "amount_minor"
        case correctsPeriod = "corrects_period"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        percent = try container.decode(String.self, forKey: .percent)
        taxableMinor = try container.minorUnits(forKey: .taxableMinor)
        amountMinor = try container.minorUnits(forKey: .amountMinor)
        correctsPeriod = try container.decodeIfPresent(String.self, forKey: .correctsPeriod)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(percent, forKey: .percent)
        try container.encode(minorUnits: taxableMinor, forKey: .taxableMinor)
        try container.encode(minorUnits: amountMinor, forKey: .amountMinor)
        try container.encodeIfPresent(correctsPeriod, forKey: .correctsPeriod)
    }
}

/// What a prepaid credit pays of an invoice.
package struct InvoiceCredit: Hashable, Sendable {
    /// The credit's id.
    package var id: String
    /// Its name on paper: `Prepaid credit`, `Credit note CN-2026-000001`.
    package var name: String
    /// The first local date on which it can no longer be used; nil for never.
    package var expires: String?
    /// Positive minor units.
    package var amountMinor: Int128

    package init(id: String, name: String, expires: String?, amountMinor: Int128) {
        self.id = id
        self.name = name
        self.expires = expires
        self.amountMinor = amountMinor
    }
}

extension InvoiceCredit: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, name, expires
        case amountMinor = "amount_minor"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        name = try container.decode(String.self, forKey: .name)
        expires = try container.decodeIfPresent(String.self, forKey: .expires)
        amountMinor = try container.minorUnits(forKey: .amountMinor)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encodeIfPresent(expires, forKey: .expires)
        try container.encode(minorUnits: amountMinor, forKey: .amountMinor)
    }
}
