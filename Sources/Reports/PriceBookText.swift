package import Billing
import Metering
import Pricing
import UsageStore

/// Stored price books as text for a terminal.
package enum PriceBookText {
    /// One row a version.
    package static func list(_ books: [StoredPriceBook]) -> String {
        var table = TextTable([.left, .right, .left, .left, .left, .left, .left, .left])
        table.add("price book", "version", "effective", "currency", "rounding", "digest", "imported", "by")
        table.addRule()
        for stored in books.flatMap(\.versions) {
            table.add(
                stored.version.bookID, "\(stored.number)", stored.version.effective.description,
                stored.version.currency.code, stored.version.rounding.rawValue, String(stored.digestText.prefix(12)),
                String(Timestamp(stored.importedAt).description.prefix(10)), stored.importedBy)
        }
        return table.text
    }

    /// Everything that a version says.
    package static func show(_ stored: StoredPriceVersion) -> String {
        let version = stored.version
        return """
            Price book \(version.bookID), version \(stored.number), effective \(version.effective)
            \(version.currency), rounded \(version.rounding.rawValue) once a line
            imported \(Timestamp(stored.importedAt)) by \(stored.importedBy), SHA-256 \(stored.digestText)

            \(prices(version))
            """
    }

    private static func prices(_ version: PriceBook.Version) -> String {
        var table = TextTable([.left, .left, .left])
        for (name, amount) in [
            ("Base fee", version.baseFee), ("Minimum", version.minimum), ("Maximum", version.maximum),
        ] {
            guard let amount else { continue }
            table.add(
                name, amount.isProratedByDays ? "a part of a period pays its days" : "in full for a part of a period",
                "\(version.currency) \(amount.amount.grouped(in: version.currency))")
        }
        for charge in version.charges { add(charge, version.currency, to: &table) }
        for discount in version.discounts {
            let range = [discount.from.map { "from \($0)" }, discount.until.map { "until \($0)" }].compactMap { $0 }
            let amount =
                switch discount.reduction {
                case .percent(let percent): "-\(percent.text) %"
                case .amount(let amount): "-\(version.currency) \(amount.grouped(in: version.currency))"
                }
            table.add(
                discount.name, (["on \(discount.chargeName ?? "the invoice")"] + range).joined(separator: ", "), amount)
        }
        for tax in version.taxes {
            let place = tax.rounded == .perLine ? ", rounded on each line" : ""
            table.add(
                tax.name, "on \(tax.classes?.joined(separator: ", ") ?? "every line")\(place)", "\(tax.percent.text) %")
        }
        return table.text
    }

    private static func add(_ charge: Charge, _ currency: Currency, to table: inout TextTable) {
        let free = charge.includedUnits > 0 ? ", \(Digits.grouped(charge.includedUnits)) included" : ""
        func price(_ amount: ExactAmount) -> String {
            UnitPrice(amount: amount, perUnits: charge.perUnits, currency: currency).description
        }
        func addTiers(_ model: String, _ tiers: [Charge.Tier]) {
            table.add(charge.name, "\(charge.dimension), \(model)\(free)", "")
            for tier in tiers {
                let range = tier.upTo.map { "up to \(Digits.grouped($0))" } ?? (tiers.count > 1 ? "above" : "all")
                let flat = Money(minorUnits: Int128(tier.flat), currency: currency)
                table.add("", "  " + range, price(tier.amount) + (tier.flat > 0 ? " + \(flat)" : ""))
            }
        }
        switch charge.model {
        case .graduated(let tiers): addTiers("graduated", tiers)
        case .volume(let tiers): addTiers("volume", tiers)
        case .perUnit(let amount): table.add(charge.name, "\(charge.dimension), per_unit\(free)", price(amount))
        case .package(let amount, let partial):
            let begun = partial == .full ? "a begun block in full" : "a begun block by its share"
            table.add(charge.name, "\(charge.dimension), package, \(begun)\(free)", price(amount))
        }
    }
}
