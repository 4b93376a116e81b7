/// A rating in the making: the lines so far, and what of each is left to discount and tax.
struct RatingDraft {
    let version: PriceBook.Version
    let period: RatedPeriod
    private var usage: [Rating.ChargedUsage] = []
    private var lines: [Rating.Line] = []
    /// Minor units of each line after the ceiling and discounts spread over it; 0 for those themselves.
    private var net: [Int128] = []

    init(version: PriceBook.Version, period: RatedPeriod) {
        self.version = version
        self.period = period
    }

    mutating func addBaseFee() throws(PricingError) {
        guard let fee = version.baseFee else { return }
        append(.baseFee, "Base fee", class: "base_fee", try periodMinorUnits(fee))
    }

    mutating func add(_ charge: Charge, consumed: Int64) throws(PricingError) {
        let included = min(consumed, charge.includedUnits)
        usage.append(
            Rating.ChargedUsage(
                chargeName: charge.name, dimension: charge.dimension, consumed: consumed, included: included))
        for line in try charge.lines(consumed: consumed, currency: version.currency, rounding: version.rounding) {
            lines.append(line)
            net.append(line.amount.minorUnits)
        }
    }

    /// true-up = max(0, minimum − charges).
    mutating func addTrueUp() throws(PricingError) {
        guard let minimum = version.minimum else { return }
        let missing = try periodMinorUnits(minimum).adding(-(try capped.map { net[$0] }.total()))
        if missing > 0 { append(.minimum, "Minimum", class: "minimum", missing) }
    }

    /// cap = −max(0, charges + true-up − maximum), spread over them by largest remainder.
    mutating func addCap() throws(PricingError) {
        guard let maximum = version.maximum else { return }
        let above = try capped.map { net[$0] }.total().adding(-(try periodMinorUnits(maximum)))
        if above > 0 { try reduce(.maximum, "Maximum", capped, by: try shares(of: above, over: capped)) }
    }

    mutating func add(_ discount: Discount) throws(PricingError) {
        let eligible = lines.indices.filter { index in
            guard let chargeName = discount.chargeName else { return lines[index].lineClass != nil }
            return lines[index].kind == .usage && lines[index].name == chargeName
        }
        let parts: [Int128]
        switch discount.reduction {
        case .percent(let percent):
            var rounded: [Int128] = []
            for index in eligible { rounded.append(try percentage(percent, of: net[index])) }
            parts = rounded
        case .amount(let amount):
            let whole = try version.rounding.rounded(amount.millionths, over: ExactAmount.scale)
            parts = try shares(of: min(whole, try eligible.map { net[$0] }.total()), over: eligible)
        }
        try reduce(.discount, discount.name, eligible, by: parts)
    }

    func taxed() throws(PricingError) -> Rating {
        let subtotal = try lines.lazy.map(\.amount.minorUnits).total()
        var taxes: [Rating.Tax] = []
        for rate in version.taxes {
            let taxed = lines.indices.filter { index in
                lines[index].lineClass.map { rate.classes?.contains($0) ?? true } ?? false
            }
            guard !taxed.isEmpty else { continue }
            let taxable = try taxed.map { net[$0] }.total()
            taxes.append(
                Rating.Tax(
                    name: rate.name, percent: rate.percent, rounded: rate.rounded, taxable: money(taxable),
                    amount: money(try tax(rate, on: taxed, taxable: taxable))))
        }
        let total = try taxes.lazy.map(\.amount.minorUnits).total().adding(subtotal)
        return Rating(
            version: version, period: period, usage: usage, lines: lines, taxes: taxes, subtotal: money(subtotal),
            total: money(total))
    }

    /// Rounded once on the whole, or on each line where the rate asks for it.
    private func tax(_ rate: TaxRate, on lines: [Int], taxable: Int128) throws(PricingError) -> Int128 {
        guard rate.rounded == .perLine else { return try percentage(rate.percent, of: taxable) }
        var sum: Int128 = 0
        for index in lines { sum = try sum.adding(try percentage(rate.percent, of: net[index])) }
        return sum
    }

    /// The lines that minimum and maximum speak of.
    private var capped: [Int] {
        lines.indices.filter { lines[$0].kind == .usage || lines[$0].kind == .minimum }
    }

    /// The billed days' share of a period's amount, rounded once.
    private func periodMinorUnits(_ amount: PriceBook.PeriodAmount) throws(PricingError) -> Int128 {
        let (billed, days) = amount.isProratedByDays ? (period.billedDays, period.days) : (1, 1)
        return try version.rounding.rounded(
            amount.amount.millionths, times: Int128(billed), over: ExactAmount.scale * Int128(days))
    }

    private func percentage(_ percent: ExactAmount, of minorUnits: Int128) throws(PricingError) -> Int128 {
        try version.rounding.rounded(minorUnits, times: percent.millionths, over: 100 * ExactAmount.scale)
    }

    private func shares(of whole: Int128, over indices: [Int]) throws(PricingError) -> [Int128] {
        try Allocation.shares(of: whole, by: indices.map { (key: $0, weight: net[$0]) })
    }

    private func money(_ minorUnits: Int128) -> Money { Money(minorUnits: minorUnits, currency: version.currency) }

    /// A line that takes `parts` off the lines at `indices`; none when they sum to nothing.
    private mutating func reduce(
        _ kind: Rating.Line.Kind, _ name: String, _ indices: [Int], by parts: [Int128]
    ) throws(PricingError) {
        let sum = try parts.total()
        guard sum > 0 else { return }
        var shares: [Rating.Share] = []
        for (index, part) in zip(indices, parts) where part != 0 {
            net[index] -= part
            shares.append(Rating.Share(line: index, amount: money(-part)))
        }
        append(kind, name, class: nil, -sum, shares: shares)
    }

    private mutating func append(
        _ kind: Rating.Line.Kind, _ name: String, class lineClass: String?, _ minorUnits: Int128,
        shares: [Rating.Share] = []
    ) {
        guard minorUnits != 0 else { return }
        lines.append(
            Rating.Line(
                kind: kind, name: name, lineClass: lineClass, dimension: nil, tier: nil, quantity: nil, blocks: nil,
                price: nil, flatMinor: 0, amount: money(minorUnits), shares: shares))
        net.append(lineClass == nil ? 0 : minorUnits)
    }
}
