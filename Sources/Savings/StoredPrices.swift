package import LoadBalancerCosts
package import UsageStore

extension PriceRow {
    /// A stored price.
    package init(_ stored: LoadBalancerPrice) throws {
        guard let amount = Fraction(decimal: stored.amount) else {
            throw LoadBalancerCostError(
                .missingPrice,
                "the stored price \(stored.item) in \(stored.region) is '\(stored.amount)', which is no amount")
        }
        self.init(
            region: stored.region, item: stored.item,
            price: ListPrice(
                amount: amount, currency: stored.currency, source: "\(stored.source) (imported)",
                date: stored.effectiveOn, inferred: stored.inferred))
    }
}

extension CatalogueDefinition {
    /// A stored definition.
    package init(_ stored: LoadBalancerDefinition) throws {
        guard let kind = Kind(rawValue: stored.kind) else {
            throw LoadBalancerCostError(
                .missingPrice,
                "the stored definition \(stored.name) is of the kind '\(stored.kind)', which is not known")
        }
        self.init(
            kind: kind, name: stored.name, text: stored.definition,
            origin: PriceOrigin(
                source: "\(stored.source) (imported)", date: stored.effectiveOn, inferred: stored.inferred))
    }
}

extension LoadBalancerPrice {
    /// A price as it is stored: in force from `effective` on, or from its source's date.
    package init(_ row: PriceRow, effective: EffectiveDay? = nil, file: String) throws {
        self.init(
            region: row.region, item: row.item,
            effectiveOn: try effective?.text
                ?? EffectiveDay.of(row.price.date, "\(row.item) in \(row.region)", file: file),
            amount: row.price.amount.decimal(places: 37), currency: row.price.currency, source: row.price.source,
            inferred: row.price.inferred)
    }
}

extension LoadBalancerDefinition {
    /// A definition as it is stored: in force from `effective` on, or from its source's date.
    package init(_ definition: CatalogueDefinition, effective: EffectiveDay? = nil, file: String) throws {
        self.init(
            kind: definition.kind.rawValue, name: definition.name,
            effectiveOn: try effective?.text ?? EffectiveDay.of(definition.origin.date, definition.key, file: file),
            definition: definition.text, source: definition.origin.source, inferred: definition.origin.inferred)
    }
}

/// From which day on something holds, as `2026-09-01`.
package struct EffectiveDay: Hashable, Sendable {
    package let text: String

    /// A day, or a month for its first day; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard [[4, 2], [4, 2, 2]].contains(parts.map(\.count)),
            text.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "-") }), let month = Int(parts[1]),
            (1...12).contains(month), parts.count == 2 || (1...31).contains(Int(parts[2]) ?? 0)
        else { return nil }
        self.text = parts.count == 2 ? text + "-01" : text
    }

    static func of(_ date: String, _ name: String, file: String) throws -> String {
        guard let day = EffectiveDay(date) else {
            throw LoadBalancerCostError(
                .invalidInput, "\(file): \(name) is effective from '\(date)', which is no date such as 2026-09-01")
        }
        return day.text
    }
}
