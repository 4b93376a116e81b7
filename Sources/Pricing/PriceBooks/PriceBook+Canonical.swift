extension PriceBook.Version {
    /// The version as bytes that depend on nothing but its meaning: hash them for its digest.
    ///
    /// They are UTF-8 JSON without white space, keys in a fixed order, amounts as decimal strings; a book of this one
    /// version in the format of price books, so ``PriceBook/init(yaml:file:)`` reads them back.
    package var canonicalBytes: [UInt8] { Array(canonicalText.utf8) }

    /// ``canonicalBytes`` as text.
    package var canonicalText: String {
        CanonicalJSON.object([
            ("id", .text(bookID)), ("currency", .text(currency.code)), ("rounding", .text(rounding.rawValue)),
            (
                "versions",
                .list([
                    .object([
                        ("effective", .text(effective.description)), ("base_fee", canonical(baseFee)),
                        ("minimum", canonical(minimum)), ("maximum", canonical(maximum)),
                        ("charges", .list(charges.map(\.canonical))), ("discounts", .list(discounts.map(\.canonical))),
                        ("taxes", .list(taxes.map(\.canonical))),
                    ])
                ])
            ),
        ]).text
    }

    private func canonical(_ amount: PriceBook.PeriodAmount?) -> CanonicalJSON {
        guard let amount else { return .null }
        return .object([
            ("amount_minor", .text(amount.amount.text)), ("prorate", .text(amount.isProratedByDays ? "days" : "none")),
        ])
    }
}

extension Charge {
    fileprivate var canonical: CanonicalJSON {
        let common: [(String, CanonicalJSON)] = [
            ("dimension", .text(dimension)), ("name", .text(name)), ("class", .text(lineClass)),
            ("per_units", .integer(perUnits)), ("included_units", .integer(includedUnits)),
        ]
        return switch model {
        case .graduated(let tiers):
            .object(common + [("model", .text("graduated")), ("tiers", .list(tiers.map(\.canonical)))])
        case .volume(let tiers):
            .object(common + [("model", .text("volume")), ("tiers", .list(tiers.map(\.canonical)))])
        case .package(let amount, let partial):
            .object(
                common + [
                    ("model", .text("package")), ("amount_minor", .text(amount.text)),
                    ("partial", .text(partial.rawValue)),
                ])
        case .perUnit(let amount):
            .object(common + [("model", .text("per_unit")), ("amount_minor", .text(amount.text))])
        }
    }
}

extension Charge.Tier {
    fileprivate var canonical: CanonicalJSON {
        .object([
            ("up_to", upTo.map(CanonicalJSON.integer) ?? .null), ("amount_minor", .text(amount.text)),
            ("flat_minor", .integer(flat)),
        ])
    }
}

extension Discount {
    fileprivate var canonical: CanonicalJSON {
        let reduced: (String, CanonicalJSON) =
            switch reduction {
            case .percent(let percent): ("percent", .text(percent.text))
            case .amount(let amount): ("amount_minor", .text(amount.text))
            }
        return .object([
            ("name", .text(name)), reduced, ("charge", chargeName.map(CanonicalJSON.text) ?? .null),
            ("from", from.map { .text($0.description) } ?? .null),
            ("until", until.map { .text($0.description) } ?? .null),
        ])
    }
}

extension TaxRate {
    fileprivate var canonical: CanonicalJSON {
        .object([
            ("name", .text(name)), ("percent", .text(percent.text)),
            ("classes", classes.map { .list($0.map(CanonicalJSON.text)) } ?? .null),
        ])
    }
}

/// JSON with one spelling for each value.
private enum CanonicalJSON {
    case null
    case integer(Int64)
    case text(String)
    case list([CanonicalJSON])
    case object([(String, CanonicalJSON)])

    var text: String {
        switch self {
        case .null: "null"
        case .integer(let value): String(value)
        case .text(let value): Self.quoted(value)
        case .list(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.0) + ":" + $0.1.text }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
