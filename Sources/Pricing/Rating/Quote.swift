/// What a full period of a quantity would cost, in the JSON shape of `waybill quote`.
///
/// ```json
/// {"currency":"USD","lines":[{"name":"Gateway requests","tier":1,"quantity":1000000000,"amount_minor":9000}],
///  "subtotal_minor":9000,"total_minor":9000}
/// ```
/// `tier` is null for package and per_unit, `quantity` too for lines that are not usage; package lines add `blocks`;
/// `taxes` is there when the price book has any.
package struct Quote: Encodable, Sendable {
    /// The full calculation.
    package let rating: Rating

    /// A quote of a rating.
    package init(_ rating: Rating) { self.rating = rating }

    /// Writes the shape above.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(rating.version.currency.code, forKey: .currency)
        try container.encode(rating.lines.map(Line.init), forKey: .lines)
        try container.encode(rating.subtotal.minorUnits, forKey: .subtotalMinor)
        if !rating.version.taxes.isEmpty { try container.encode(rating.taxes.map(Tax.init), forKey: .taxes) }
        try container.encode(rating.total.minorUnits, forKey: .totalMinor)
    }

    /// The shape above as one line of text, keys in its order. As quick as a start of the program has to be: no encoder.
    package var json: String {
        var members: [(String, CanonicalJSON)] = [
            ("currency", .text(rating.version.currency.code)), ("lines", .list(rating.lines.map(Self.json))),
            ("subtotal_minor", .integer(rating.subtotal.minorUnits)),
        ]
        if !rating.version.taxes.isEmpty {
            let taxes = rating.taxes.map { tax in
                CanonicalJSON.object([
                    ("name", .text(tax.name)), ("percent", .text(tax.percent.text)),
                    ("taxable_minor", .integer(tax.taxable.minorUnits)),
                    ("amount_minor", .integer(tax.amount.minorUnits)),
                ])
            }
            members.append(("taxes", .list(taxes)))
        }
        members.append(("total_minor", .integer(rating.total.minorUnits)))
        return CanonicalJSON.object(members).text
    }

    private static func json(_ line: Rating.Line) -> CanonicalJSON {
        var members: [(String, CanonicalJSON)] = [
            ("name", .text(line.name)), ("tier", line.tier.map { .integer(Int128($0)) } ?? .null),
            ("quantity", line.quantity.map { .integer(Int128($0)) } ?? .null),
        ]
        if let blocks = line.blocks { members.append(("blocks", .integer(Int128(blocks)))) }
        members.append(("amount_minor", .integer(line.amount.minorUnits)))
        return .object(members)
    }

    private enum Key: String, CodingKey {
        case currency, lines, taxes, name, tier, quantity, blocks, percent
        case amountMinor = "amount_minor"
        case taxableMinor = "taxable_minor"
        case subtotalMinor = "subtotal_minor"
        case totalMinor = "total_minor"
    }

    private struct Line: Encodable {
        let line: Rating.Line

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(line.name, forKey: .name)
            try container.encode(line.tier, forKey: .tier)
            try container.encode(line.quantity, forKey: .quantity)
            try container.encodeIfPresent(line.blocks, forKey: .blocks)
            try container.encode(line.amount.minorUnits, forKey: .amountMinor)
        }
    }

    private struct Tax: Encodable {
        let tax: Rating.Tax

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(tax.name, forKey: .name)
            try container.encode(tax.percent.text, forKey: .percent)
            try container.encode(tax.taxable.minorUnits, forKey: .taxableMinor)
            try container.encode(tax.amount.minorUnits, forKey: .amountMinor)
        }
    }
}
