import Pricing

/// One line of an invoice, rounded by itself. Σ lines = subtotal.
package struct InvoiceLine: Hashable, Sendable {
    /// What a line is for; the order on the invoice.
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case baseFee = "base_fee"
        case usage
        case minimum
        case maximum
        case discount
        /// Late usage of an earlier period (FOCUS: ChargeClass = Correction).
        case adjustment
    }

    /// The part of a ceiling or a discount that falls on another line.
    package struct Share: Hashable, Sendable {
        /// The number of that line.
        package var line: Int
        /// Negative minor units.
        package var amountMinor: Int128
    }

    /// From 1.
    package var number: Int
    package var kind: Kind
    package var name: String
    /// Its tax class; nil for a ceiling, a discount and an adjustment.
    package var lineClass: String?
    /// Such as `requests`; nil where the line is not usage.
    package var dimension: String?
    /// From 1; nil where the model has none.
    package var tier: Int?
    /// The units that the line rates.
    package var quantity: Int64?
    /// Blocks begun, of a package.
    package var blocks: Int64?
    /// The exact price: minor units with up to six decimals, such as `9000`, for `perUnits` units.
    package var priceMinor: String?
    package var perUnits: Int64?
    /// As it stands on paper: `USD 90.00 per 1,000,000,000`.
    package var price: String?
    /// Minor units added once, for entering the tier.
    package var flatMinor: Int64
    /// Rounded, in minor units.
    package var amountMinor: Int128
    /// How a ceiling or a discount is spread over the lines before it; Σ = amount.
    package var shares: [Share]
    /// Of an adjustment: the period that it corrects, `2026-10-01`, its first local date.
    package var correctsPeriod: String?
    /// Of an adjustment: the number of the invoice that it corrects.
    package var correctsInvoice: String?
}

extension InvoiceLine {
    /// A rated line.
    init(_ line: Rating.Line, number: Int) {
        self.number = number
        kind =
            switch line.kind {
            case .baseFee: .baseFee
            case .usage: .usage
            case .minimum: .minimum
            case .maximum: .maximum
            case .discount: .discount
            }
        name = line.name
        lineClass = line.lineClass
        dimension = line.dimension
        tier = line.tier
        quantity = line.quantity
        blocks = line.blocks
        priceMinor = line.price?.amount.text
        perUnits = line.price?.perUnits
        price = line.price?.description
        flatMinor = line.flatMinor
        amountMinor = line.amount.minorUnits
        shares = line.shares.map { Share(line: $0.line + 1, amountMinor: $0.amount.minorUnits) }
    }
}

extension InvoiceLine: Codable {
    private enum CodingKeys: String, CodingKey {
        case number, kind, name, dimension, tier, quantity, blocks, price, shares
        case lineClass = "class"
        case priceMinor = "price_minor"
        case perUnits = "per_units"
        case flatMinor = "flat_minor"
        case amountMinor = "amount_minor"
        case correctsPeriod = "corrects_period"
        case correctsInvoice = "corrects_invoice"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        number = try container.decode(Int.self, forKey: .number)
        kind = try container.decode(Kind.self, forKey: .kind)
        name = try container.decode(String.self, forKey: .name)
        lineClass = try container.decodeIfPresent(String.self, forKey: .lineClass)
        dimension = try container.decodeIfPresent(String.self, forKey: .dimension)
        tier = try container.decodeIfPresent(Int.self, forKey: .tier)
        quantity = try container.decodeIfPresent(Int64.self, forKey: .quantity)
        blocks = try container.decodeIfPresent(Int64.self, forKey: .blocks)
        priceMinor = try container.decodeIfPresent(String.self, forKey: .priceMinor)
        perUnits = try container.decodeIfPresent(Int64.self, forKey: .perUnits)
        price = try container.decodeIfPresent(String.self, forKey: .price)
        flatMinor = try container.decode(Int64.self, forKey: .flatMinor)
        amountMinor = try container.minorUnits(forKey: .amountMinor)
        shares = try container.decodeIfPresent([Share].self, forKey: .shares) ?? []
        correctsPeriod = try container.decodeIfPresent(String.self, forKey: .correctsPeriod)
        correctsInvoice = try container.decodeIfPresent(String.self, forKey: .correctsInvoice)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try container.encode(kind, forKey: .kind)
        try container.encode(name, forKey: .name)
        try container.encodeIfPresent(lineClass, forKey: .lineClass)
        try container.encodeIfPresent(dimension, forKey: .dimension)
        try container.encodeIfPresent(tier, forKey: .tier)
        try container.encodeIfPresent(quantity, forKey: .quantity)
        try container.encodeIfPresent(blocks, forKey: .blocks)
        try container.encodeIfPresent(priceMinor, forKey: .priceMinor)
        try container.encodeIfPresent(perUnits, forKey: .perUnits)
        try container.encodeIfPresent(price, forKey: .price)
        try container.encode(flatMinor, forKey: .flatMinor)
        try container.encode(minorUnits: amountMinor, forKey: .amountMinor)
        if !shares.isEmpty { try container.encode(shares, forKey: .shares) }
        try container.encodeIfPresent(correctsPeriod, forKey: .correctsPeriod)
        try container.encodeIfPresent(correctsInvoice, forKey: .correctsInvoice)
    }
}

extension InvoiceLine.Share: Codable {
    private enum CodingKeys: String, CodingKey {
        case line
        case amountMinor = "amount_minor"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        line = try container.decode(Int.self, forKey: .line)
        amountMinor = try container.minorUnits(forKey: .amountMinor)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(line, forKey: .line)
        try container.encode(minorUnits: amountMinor, forKey: .amountMinor)
    }
}
