import Pricing

/// The arithmetic of a line in words.
struct Arithmetic {
    private let document: InvoiceDocument
    private let inputs: InvoiceInputs
    private let version: PriceBook.Version
    private let currency: Currency
    private let quantities: [String: Int64]

    init(_ document: InvoiceDocument, _ inputs: InvoiceInputs) throws(PricingError) {
        self.document = document
        self.inputs = inputs
        version = inputs.price.version
        currency = version.currency
        quantities = document.usage.quantities
    }

    func sentences(_ line: InvoiceLine) throws(PricingError) -> [String] {
        switch line.kind {
        case .usage: try usage(line)
        case .baseFee: period("The fee", version.baseFee, line)
        case .minimum:
            period("The commit", version.minimum, nil) + [
                "The charges come to \(text(charges(before: line))): \(text(line.amountMinor)) are missing."
            ]
        case .maximum:
            period("The ceiling", version.maximum, nil) + [
                "Charges and minimum come to \(text(charges(before: line))): what is above the ceiling is taken off."
            ]
        case .discount: discount(line)
        case .adjustment: adjustment(line)
        }
    }

    private func usage(_ line: InvoiceLine) throws(PricingError) -> [String] {
        guard let charge = version.charges.first(where: { $0.name == line.name && $0.dimension == line.dimension }),
            let quantity = line.quantity, let price = line.price
        else { return [] }
        let counted = quantities[charge.dimension] ?? 0
        let included = min(counted, charge.includedUnits)
        let unit = charge.dimension.replacing("_", with: " ")
        var sentences = [
            "\(Digits.grouped(counted)) \(unit) were counted in the period"
                + (included > 0
                    ? "; \(Digits.grouped(included)) are included, \(Digits.grouped(counted - included)) are rated."
                    : ".")
        ]
        switch charge.model {
        case .graduated(let tiers):
            if let tier = line.tier, tiers.indices.contains(tier - 1) {
                let from = tier > 1 ? tiers[tier - 2].upTo ?? 0 : 0
                let to = tiers[tier - 1].upTo.map { "to \(Digits.grouped($0))" } ?? "on"
                sentences.append(
                    "Tier \(tier) takes the units from \(Digits.grouped(from + 1)) \(to): \(Digits.grouped(quantity)) of them."
                )
            }
        case .volume:
            sentences.append("The whole quantity falls into tier \(line.tier ?? 1) and is rated at its price.")
        case .package(let amount, let partial):
            guard partial == .full, let blocks = line.blocks else { break }
            sentences.append(
                "They begin \(Digits.grouped(blocks)) blocks of \(Digits.grouped(charge.perUnits)); each is paid in full."
            )
            let exact = ExactAmount(millionths: amount.millionths * Int128(blocks))
            sentences.append(
                "\(Digits.grouped(blocks)) × \(currency.code) \(amount.grouped(in: currency)) = "
                    + "\(currency.code) \(exact.grouped(in: currency))" + rounded(line))
            return sentences
        case .perUnit: break
        }
        sentences.append(
            "\(Digits.grouped(quantity)) × \(price) = \(try exact(line))"
                + (line.flatMinor > 0 ? " + \(text(Int128(line.flatMinor))) for entering the tier" : "") + rounded(line)
        )
        return sentences
    }

    /// The product before its rounding, as far as six decimals of a minor unit show it.
    private func exact(_ line: InvoiceLine) throws(PricingError) -> String {
        guard let amount = line.priceMinor.flatMap({ ExactAmount($0) }), let per = line.perUnits,
            let quantity = line.quantity
        else { return "" }
        let millionths = try RoundingMode.down.rounded(amount.millionths, times: Int128(quantity), over: Int128(per))
        let back = try RoundingMode.down.rounded(millionths, times: Int128(per), over: max(1, Int128(quantity)))
        let isWhole = back == amount.millionths && quantity > 0
        return "\(currency.code) \(ExactAmount(millionths: millionths).grouped(in: currency))\(isWhole ? "" : "…")"
    }

    private func rounded(_ line: InvoiceLine) -> String {
        ", rounded \(version.rounding.rawValue.replacing("_", with: " ")) once: \(text(line.amountMinor))."
    }

    private func period(_ what: String, _ amount: PriceBook.PeriodAmount?, _ line: InvoiceLine?) -> [String] {
        guard let amount else { return [] }
        var sentence = "\(what) of a whole period is \(currency.code) \(amount.amount.grouped(in: currency))"
        if amount.isProratedByDays, document.period.billedDays < document.period.days {
            sentence += "; \(document.period.billedDays) of \(document.period.days) local days are billed"
        }
        return [sentence + (line.map { ": \(text($0.amountMinor))." } ?? ".")]
    }

    private func discount(_ line: InvoiceLine) -> [String] {
        var sentences: [String] = []
        if let discount = version.discounts.first(where: { $0.name == line.name }) {
            switch discount.reduction {
            case .percent(let percent):
                sentences.append("\(percent.text) % of each line that it applies to, rounded once a line.")
            case .amount(let amount):
                sentences.append(
                    "\(currency.code) \(amount.grouped(in: currency)), allocated to the lines by largest remainder.")
            }
        }
        let shares = line.shares.map { "line \($0.line): \(text($0.amountMinor))" }
        return sentences + (shares.isEmpty ? [] : [shares.joined(separator: ", ") + "."])
    }

    private func adjustment(_ line: InvoiceLine) -> [String] {
        guard
            let adjustment = inputs.adjustments.first(where: {
                $0.period == line.correctsPeriod && $0.invoiceNumber == line.correctsInvoice
            })
        else { return [] }
        let changes = adjustment.quantities.sorted { $0.key < $1.key }
            .map { "\($0.value > 0 ? "+" : "")\(Digits.grouped($0.value)) \($0.key.replacing("_", with: " "))" }
        return [
            "After invoice \(adjustment.invoiceNumber) was finalized, \(changes.joined(separator: ", ")) were counted for "
                + "its period.",
            "The whole period was rated again at its own prices; the difference is \(text(line.amountMinor)) net.",
        ]
    }

    private func charges(before line: InvoiceLine) -> Int128 {
        document.lines.filter { $0.number < line.number && ($0.kind == .usage || $0.kind == .minimum) }
            .reduce(0) { $0 + $1.amountMinor }
    }

    private func text(_ minorUnits: Int128) -> String {
        Money(minorUnits: minorUnits, currency: currency).description
    }
}
