import Billing
import Pricing

/// One charge of an invoice as FOCUS counts it: discounts and ceilings are inside the lines that they lower, so that
/// BilledCost is what is paid for the line; Σ BilledCost = payable.
struct FocusCharge {
    enum Category: String {
        case usage = "Usage"
        case tax = "Tax"
        case credit = "Credit"
        case adjustment = "Adjustment"
    }

    var category: Category
    /// `1`, `1-flat`, `tax-1`, `credit-1`: unique in the invoice.
    var key: String
    var name: String
    var billed: Money
    /// Before discounts; exact where quantity and unit price are set, so it may have more decimals than billed.
    var listCost: String
    var dimension: String?
    var tier: Int?
    /// What was consumed.
    var consumed: Int64?
    var pricingQuantity: String?
    var pricingUnit: String?
    var unitPrice: String?
    /// The first local date of the period that it corrects, and the number of that invoice.
    var corrects: (period: LocalDate, invoice: String)?
    var frequency: String

    /// A fee is one month of the service: FOCUS takes a purchase for a commitment, whose effective cost is spread.
    mutating func countOnce() {
        consumed = 1
        pricingQuantity = "1"
        pricingUnit = "Months"
        unitPrice = listCost
    }

    /// The charges of an invoice.
    static func all(_ paper: InvoicePaper) throws(PricingError) -> [FocusCharge] {
        var charges: [FocusCharge] = []
        let reductions = try Reductions(paper)
        for line in paper.lines where !reductions.spread.contains(line.number) {
            charges += try line.charges(reduction: reductions.byLine[line.number])
        }
        for (index, tax) in paper.taxes.enumerated() {
            charges.append(
                FocusCharge(
                    category: .tax, key: "tax-\(index + 1)", name: "\(tax.name) \(tax.percent) %", billed: tax.amount,
                    listCost: tax.amount.decimal, corrects: tax.corrects.map { ($0, "") }, frequency: "Recurring"))
        }
        for (index, credit) in paper.credits.enumerated() {
            let amount = Money(minorUnits: -credit.amount.minorUnits, currency: credit.amount.currency)
            charges.append(
                FocusCharge(
                    category: .credit, key: "credit-\(index + 1)", name: credit.name, billed: amount,
                    listCost: amount.decimal, corrects: nil, frequency: "One-Time"))
        }
        return charges
    }
}

/// What discounts and ceilings take off each line.
private struct Reductions {
    /// By the number of the line that is lowered; negative.
    private(set) var byLine: [Int: Money] = [:]
    /// The lines whose shares are all spread; they are charges no longer.
    private(set) var spread: Set<Int> = []

    init(_ paper: InvoicePaper) throws(PricingError) {
        for line in paper.lines where line.kind == .discount || line.kind == .maximum {
            guard try InvoicePaper.sum(line.shares.map(\.amount), paper.currency) == line.amount else { continue }
            spread.insert(line.number)
            for share in line.shares {
                byLine[share.line] = try (byLine[share.line] ?? Money(minorUnits: 0, currency: paper.currency))
                    .adding(share.amount)
            }
        }
    }
}

extension InvoicePaper.Line {
    /// A line, and the fee for entering its tier apart: it has no quantity.
    fileprivate func charges(reduction: Money?) throws(PricingError) -> [FocusCharge] {
        guard kind == .usage, let quantity, let price else {
            let billed = try reduction.map { reduction throws(PricingError) in try amount.adding(reduction) } ?? amount
            let isFee = kind == .baseFee
            let isUsage = isFee || kind == .usage || kind == .adjustment
            var charge = FocusCharge(
                category: isUsage ? .usage : .adjustment, key: String(number), name: name, billed: billed,
                listCost: amount.decimal, dimension: dimension, corrects: corrects,
                frequency: isFee || kind == .minimum ? "Recurring" : "One-Time")
            if isFee { charge.countOnce() }
            return [charge]
        }
        var usage =
            try flat.map { flat throws(PricingError) in
                try amount.adding(Money(minorUnits: -flat.minorUnits, currency: flat.currency))
            } ?? amount
        let rounded = usage
        if let reduction { usage = try usage.adding(reduction) }
        let unit = Self.unit(dimension)
        var charge = FocusCharge(
            category: .usage, key: String(number), name: name, billed: usage, listCost: rounded.decimal,
            dimension: dimension, tier: tier, consumed: quantity, corrects: corrects, frequency: "Usage-Based")
        charge.pricingQuantity = String(quantity)
        charge.pricingUnit = unit
        // Blocks are bought whole where they are not prorated: then the blocks are what is priced.
        let units = blocks.map { Int128($0) * Int128(price.perUnits) } ?? Int128(quantity)
        if let priced = Decimals.quotient(units, Int128(price.perUnits)),
            let cost = price.cost(of: units)
        {
            let isWhole = blocks == nil || Self.isNear(cost, rounded)
            let pricedQuantity = isWhole ? priced : Decimals.quotient(Int128(quantity), Int128(price.perUnits))
            let listCost = isWhole ? cost : price.cost(of: Int128(quantity))
            if let pricedQuantity, let listCost {
                charge.pricingQuantity = pricedQuantity
                charge.pricingUnit = price.perUnits == 1 ? unit : "\(price.perUnits) \(unit)"
                charge.unitPrice = Decimals.price(price)
                charge.listCost = listCost
            }
        }
        guard let flat else { return [charge] }
        var fee = FocusCharge(
            category: .usage, key: "\(number)-flat", name: "\(name), fee of the tier", billed: flat,
            listCost: flat.decimal, dimension: dimension, tier: tier, corrects: nil, frequency: "Recurring")
        fee.countOnce()
        return [charge, fee]
    }

    /// Whether an exact cost rounds to the line's amount, give or take one minor unit.
    private static func isNear(_ cost: String, _ rounded: Money) -> Bool {
        guard let exact = ExactAmount(String(cost.prefix { $0 != "." })) else { return false }
        let scale = (0..<rounded.currency.exponent).reduce(Int128(1)) { scale, _ in scale * 10 }
        let major = exact.millionths / ExactAmount.scale
        return (major * scale - rounded.minorUnits).magnitude <= UInt128(scale)
    }

    private static func unit(_ dimension: String?) -> String {
        switch dimension {
        case "received_bytes", "sent_bytes": "B"
        case "new_connections": "Connections"
        case nil, "requests": "Requests"
        default: "Responses"
        }
    }
}

extension UnitPrice {
    /// What so many units cost, exact, in the currency's major unit; nil where the decimal does not end.
    fileprivate func cost(of units: Int128) -> String? {
        let (product, overflow) = units.multipliedReportingOverflow(by: amount.millionths)
        guard !overflow else { return nil }
        let scale = (0..<currency.exponent).reduce(ExactAmount.scale) { scale, _ in scale * 10 }
        let (divisor, tooLarge) = scale.multipliedReportingOverflow(by: Int128(perUnits))
        return tooLarge ? nil : Decimals.quotient(product, divisor)
    }
}
