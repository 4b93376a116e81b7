/// The whole calculation as JSON: what an invoice, a report and `GET /v1/invoices` carry of it.
///
/// ```json
/// {"price_book":"standard","effective":"2026-01-01","rounding":"half_up","currency":"USD",
///  "usage":[{"charge":"Gateway requests","dimension":"requests","consumed":12,"included":2,"rated":10}],
///  "lines":[{"kind":"usage","name":"Gateway requests","class":"usage","dimension":"requests","tier":1,
///            "quantity":10,"blocks":null,"price":{"amount_minor":"9000","per_units":1000000000},"flat_minor":0,
///            "amount_minor":9000}],
///  "subtotal_minor":9000,
///  "taxes":[{"name":"VAT","percent":"19","rounded":"invoice","taxable_minor":9000,"amount_minor":1710}],
///  "total_minor":10710}
/// ```
/// Every amount is in the minor unit of `currency`; a price may have decimals and is a string. A ceiling or discount has
/// `shares`, `[{"line":0,"amount_minor":-5}]`: by index, what it takes off each line.
extension Rating: Encodable {
    private enum Key: String, CodingKey {
        case effective, rounding, currency, usage, lines, taxes
        case priceBook = "price_book"
        case subtotalMinor = "subtotal_minor"
        case totalMinor = "total_minor"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(version.bookID, forKey: .priceBook)
        try container.encode(version.effective.description, forKey: .effective)
        try container.encode(version.rounding.rawValue, forKey: .rounding)
        try container.encode(version.currency.code, forKey: .currency)
        try container.encode(usage, forKey: .usage)
        try container.encode(lines, forKey: .lines)
        try container.encode(subtotal.minorUnits, forKey: .subtotalMinor)
        try container.encode(taxes, forKey: .taxes)
        try container.encode(total.minorUnits, forKey: .totalMinor)
    }
}

extension Rating.ChargedUsage: Encodable {
    private enum Key: String, CodingKey {
        case charge, dimension, consumed, included, rated
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(chargeName, forKey: .charge)
        try container.encode(dimension, forKey: .dimension)
        try container.encode(consumed, forKey: .consumed)
        try container.encode(included, forKey: .included)
        try container.encode(rated, forKey: .rated)
    }
}

extension Rating.Line: Encodable {
    private enum Key: String, CodingKey {
        case kind, name, dimension, tier, quantity, blocks, price, shares
        case lineClass = "class"
        case flatMinor = "flat_minor"
        case amountMinor = "amount_minor"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind.rawValue, forKey: .kind)
        try container.encode(name, forKey: .name)
        try container.encode(lineClass, forKey: .lineClass)
        try container.encode(dimension, forKey: .dimension)
        try container.encode(tier, forKey: .tier)
        try container.encode(quantity, forKey: .quantity)
        try container.encode(blocks, forKey: .blocks)
        try container.encode(price, forKey: .price)
        try container.encode(flatMinor, forKey: .flatMinor)
        try container.encode(amount.minorUnits, forKey: .amountMinor)
        if !shares.isEmpty { try container.encode(shares, forKey: .shares) }
    }
}

extension Rating.Share: Encodable {
    private enum Key: String, CodingKey {
        case line
        case amountMinor = "amount_minor"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(line, forKey: .line)
        try container.encode(amount.minorUnits, forKey: .amountMinor)
    }
}

extension Rating.Tax: Encodable {
    private enum Key: String, CodingKey {
        case name, percent, rounded
        case taxableMinor = "taxable_minor"
        case amountMinor = "amount_minor"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(percent.text, forKey: .percent)
        try container.encode(rounded.rawValue, forKey: .rounded)
        try container.encode(taxable.minorUnits, forKey: .taxableMinor)
        try container.encode(amount.minorUnits, forKey: .amountMinor)
    }
}

extension UnitPrice: Encodable {
    private enum Key: String, CodingKey {
        case amountMinor = "amount_minor"
        case perUnits = "per_units"
    }

    /// `{"amount_minor":"9000","per_units":1000000000}`
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(amount.text, forKey: .amountMinor)
        try container.encode(perUnits, forKey: .perUnits)
    }
}

extension Money: Encodable {
    private enum Key: String, CodingKey {
        case currency
        case amountMinor = "amount_minor"
    }

    /// `{"amount_minor":70037,"currency":"USD"}`
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(minorUnits, forKey: .amountMinor)
        try container.encode(currency.code, forKey: .currency)
    }
}
