extension PriceBook.Version {
    /// Reads what ``canonicalBytes`` wrote. Throws `invalidPriceBook` when it is something else.
    package init(canonicalBytes: [UInt8]) throws(PricingError) {
        let book = try PriceBook(yaml: String(decoding: canonicalBytes, as: UTF8.self), file: "canonical form")
        guard book.versions.count == 1, let version = book.versions.first, version.canonicalBytes == canonicalBytes
        else {
            throw PricingError(
                .invalidPriceBook, "canonical form: these are not the canonical bytes of one price book version")
        }
        self = version
    }

    /// The version as bytes that depend on nothing but its meaning: hash them for its digest.
    ///
    /// They are UTF-8 JSON without white space, keys in a fixed order, amounts as decimal strings; a book of this one
    /// version in the format of price books, so ``PriceBook/init(yaml:file:)`` reads them back.
    package var canonicalBytes: [UInt8] { Array(canonicalText.utf8) }

    /// ``canonicalBytes`` as text.
    package var canonicalText: String { canonical.text }

    private var canonical: CanonicalJSON {
        .object([
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
        ])
    }

    private func canonical(_ amount: PriceBook.PeriodAmount?) -> CanonicalJSON {
        guard let amount else { return .null }
        return .object([
            ("amount_minor", .text(amount.amount.text)), ("prorate", .text(amount.isProratedByDays ? "days" : "none")),
        ])
    }
}

/// The canonical form as a value of a larger JSON text.
extension PriceBook.Version: Encodable {
    /// Writes the shape of a price book of this one version.
    package func encode(to encoder: any Encoder) throws { try canonical.encode(to: encoder) }
}

extension Charge {
    fileprivate var canonical: CanonicalJSON {
        let common: [(String, CanonicalJSON)] = [
            ("dimension", .text(dimension)), ("name", .text(name)), ("class", .text(lineClass)),
            ("per_units", .integer(Int128(perUnits))), ("included_units", .integer(Int128(includedUnits))),
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
            ("up_to", upTo.map { .integer(Int128($0)) } ?? .null), ("amount_minor", .text(amount.text)),
            ("flat_minor", .integer(Int128(flat))),
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
            ("rounded", .text(rounded.rawValue)),
        ])
    }
}
