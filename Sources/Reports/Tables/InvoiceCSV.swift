import Billing
import Pricing

/// An invoice as CSV, one row a line, tax and credit: Σ amount = what is to be paid.
package struct InvoiceCSV {
    private let paper: InvoicePaper

    package init(_ paper: InvoicePaper) {
        self.paper = paper
    }

    static let head = [
        "invoice", "status", "tenant", "period_start", "period_end", "kind", "line", "description", "dimension", "tier",
        "quantity", "price", "per_units", "amount", "currency", "corrects_period", "corrects_invoice",
    ]

    package var text: String {
        var table = CSVTable(Self.head)
        for line in paper.lines {
            table.add(
                common + [
                    .exact(line.kind.rawValue), .exact(String(line.number)), .text(line.name), .text(line.dimension),
                    .exact(line.tier.map(String.init)), .exact(line.quantity.map(String.init)),
                    .exact(line.price.map { Decimals.price($0) }), .exact(line.price.map { String($0.perUnits) }),
                    .exact(line.amount.decimal), .exact(paper.currency.code),
                    .exact(line.corrects.map { $0.period.description }), .text(line.corrects?.invoice),
                ])
        }
        for tax in paper.taxes {
            table.add(
                row("tax", "\(tax.name) \(tax.percent) %", tax.amount.decimal, corrects: tax.corrects?.description))
        }
        for credit in paper.credits {
            let amount = Money(minorUnits: -credit.amount.minorUnits, currency: credit.amount.currency)
            table.add(row("credit", credit.name, amount.decimal))
        }
        return table.text
    }

    private var common: [CSVTable.Cell] {
        [
            .text(paper.number ?? paper.id), .exact(paper.status.rawValue), .text(paper.tenant),
            .exact(paper.period.start), .exact(paper.period.end),
        ]
    }

    private func row(_ kind: String, _ name: String, _ amount: String, corrects: String? = nil) -> [CSVTable.Cell] {
        common + [
            .exact(kind), .exact(nil), .text(name), .exact(nil), .exact(nil), .exact(nil), .exact(nil), .exact(nil),
            .exact(amount), .exact(paper.currency.code), .exact(corrects), .exact(nil),
        ]
    }
}

/// Exact decimals for machines: no grouping, a point, no exponent.
enum Decimals {
    /// A price's amount in the currency's major unit: 9000 minor units of USD are `90.00`.
    static func price(_ price: UnitPrice) -> String {
        price.amount.grouped(in: price.currency).filter { $0 != "," }
    }

    /// numerator ÷ denominator as a decimal that ends, or nil where it does not: 1 ÷ 3, or more than 38 digits.
    static func quotient(_ numerator: Int128, _ denominator: Int128) -> String? {
        guard denominator > 0 else { return nil }
        var scaled = numerator.magnitude
        var divisor = denominator.magnitude
        let common = divisorInCommon(scaled, divisor)
        scaled /= common
        divisor /= common
        var places = 0
        while scaled % divisor != 0 {
            let (next, overflow) = scaled.multipliedReportingOverflow(by: 10)
            guard !overflow, places < 36 else { return nil }
            let again = divisorInCommon(next, divisor)
            scaled = next / again
            divisor /= again
            places += 1
        }
        return (numerator < 0 ? "-" : "") + decimal(scaled / divisor, places: places)
    }

    /// `units ÷ 10^places`, without further zeros.
    static func decimal(_ units: UInt128, places: Int) -> String {
        let digits = String(units)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let whole = padded.dropLast(places)
        var fraction = padded.suffix(places)
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
    }

    private static func divisorInCommon(_ left: UInt128, _ right: UInt128) -> UInt128 {
        var (a, b) = (left, right)
        while b != 0 { (a, b) = (b, a % b) }
        return max(a, 1)
    }
}
