import BigInt

@testable import Pricing

extension Oracle {
    /// What an invoice says, by a second implementation on BigInt: written from the rules, in their order.
    struct Invoice: Equatable {
        var lines: [BigInt] = []
        var taxes: [BigInt] = []
        var total: BigInt = 0
    }

    private struct Line {
        var kind: Rating.Line.Kind
        var name: String
        /// Nil for what lowers other lines.
        var lineClass: String?
        var amount: BigInt
        /// After ceiling and discounts.
        var net: BigInt
    }

    static func invoice(
        _ version: PriceBook.Version, _ quantities: [String: Int64], days: Int64, billedDays: Int64, start: LocalDate
    ) -> Invoice {
        let million = BigInt(1_000_000)
        func period(_ amount: PriceBook.PeriodAmount) -> BigInt {
            let share: (BigInt, BigInt) = amount.isProratedByDays ? (BigInt(billedDays), BigInt(days)) : (1, 1)
            return rounded(BigInt(amount.amount.millionths) * share.0, over: million * share.1, version.rounding)
        }
        func percent(_ percent: ExactAmount, of amount: BigInt) -> BigInt {
            rounded(amount * BigInt(percent.millionths), over: million * 100, version.rounding)
        }
        var lines: [Line] = []
        func add(_ kind: Rating.Line.Kind, _ name: String, _ lineClass: String, _ amount: BigInt) {
            lines.append(Line(kind: kind, name: name, lineClass: lineClass, amount: amount, net: amount))
        }
        func lower(_ kind: Rating.Line.Kind, _ name: String, _ parts: [(index: Int, amount: BigInt)]) {
            let sum = parts.map(\.amount).reduce(0, +)
            guard sum > 0 else { return }
            for part in parts { lines[part.index].net -= part.amount }
            lines.append(Line(kind: kind, name: name, lineClass: nil, amount: -sum, net: 0))
        }
        if let fee = version.baseFee.map(period), fee > 0 { add(.baseFee, "", "base_fee", fee) }
        for charge in version.charges {
            for amount in self.lines(charge, quantities[charge.dimension] ?? 0, version.rounding) {
                add(.usage, charge.name, charge.lineClass, amount)
            }
        }
        func usage() -> [Int] { lines.indices.filter { lines[$0].kind == .usage || lines[$0].kind == .minimum } }
        if let minimum = version.minimum.map(period) {
            let missing = minimum - usage().map { lines[$0].amount }.reduce(0, +)
            if missing > 0 { add(.minimum, "", "minimum", missing) }
        }
        if let maximum = version.maximum.map(period) {
            let above = usage().map { lines[$0].amount }.reduce(0, +) - maximum
            if above > 0 { lower(.maximum, "", shares(of: above, over: usage().map { ($0, lines[$0].net) })) }
        }
        for discount in version.discounts where discount.applies(toPeriodStarting: start) {
            let lowered = lines.indices.filter { index in
                let line = lines[index]
                return line.lineClass != nil
                    && (discount.chargeName == nil || line.kind == .usage && line.name == discount.chargeName)
            }
            switch discount.reduction {
            case .percent(let rate): lower(.discount, "", lowered.map { ($0, percent(rate, of: lines[$0].net)) })
            case .amount(let amount):
                let whole = min(
                    rounded(BigInt(amount.millionths), over: million, version.rounding),
                    lowered.map { lines[$0].net }.reduce(0, +))
                lower(.discount, "", shares(of: whole, over: lowered.map { ($0, lines[$0].net) }))
            }
        }
        var invoice = Invoice(lines: lines.map(\.amount))
        for tax in version.taxes {
            let taxed = lines.filter { line in line.lineClass.map { tax.classes?.contains($0) ?? true } ?? false }
            guard !taxed.isEmpty else { continue }
            switch tax.rounded {
            case .invoice: invoice.taxes.append(percent(tax.percent, of: taxed.map(\.net).reduce(0, +)))
            case .perLine: invoice.taxes.append(taxed.map { percent(tax.percent, of: $0.net) }.reduce(0, +))
            }
        }
        invoice.total = (invoice.lines + invoice.taxes).reduce(0, +)
        return invoice
    }

    /// Largest remainder; ties to the line that stands first.
    private static func shares(of whole: BigInt, over lines: [(index: Int, net: BigInt)]) -> [(
        index: Int, amount: BigInt
    )] {
        guard whole > 0 else { return lines.map { ($0.index, 0) } }
        let sum = lines.map(\.net).reduce(0, +)
        var parts = lines.map { line in (index: line.index, amount: whole * line.net / sum) }
        let missing = Int(whole - parts.map(\.amount).reduce(0, +))
        let order = lines.indices.sorted { left, right in
            let remainders = [left, right].map { whole * lines[$0].net % sum }
            return remainders[0] == remainders[1] ? left < right : remainders[0] > remainders[1]
        }
        for index in order.prefix(missing) { parts[index].amount += 1 }
        return parts
    }
}
