extension Charge {
    /// The lines of a quantity. Included units are taken off first; a tier without units gives no line.
    func lines(
        consumed: Int64, currency: Currency, rounding: RoundingMode
    ) throws(PricingError) -> [Rating.Line] {
        let rated = consumed - min(consumed, includedUnits)
        guard rated > 0 else { return [] }
        switch model {
        case .graduated(let tiers):
            var lines: [Rating.Line] = []
            var below: Int64 = 0
            for (index, tier) in tiers.enumerated() where rated > below {
                let upper = min(rated, tier.upTo ?? rated)
                guard upper > below else { continue }
                lines.append(try line(upper - below, tier, index, currency, rounding))
                below = upper
            }
            return lines
        case .volume(let tiers):
            guard let index = tiers.firstIndex(where: { rated <= $0.upTo ?? rated }) else { return [] }
            return [try line(rated, tiers[index], index, currency, rounding)]
        case .package(let amount, let partial):
            let blocks = rated / perUnits + (rated % perUnits == 0 ? 0 : 1)
            let minor =
                switch partial {
                case .full: try rounding.rounded(amount.millionths, times: Int128(blocks), over: ExactAmount.scale)
                case .prorated: try minorUnits(amount, rated, rounding)
                }
            return [usageLine(rated, amount, minor, currency, blocks: blocks)]
        case .perUnit(let amount):
            return [usageLine(rated, amount, try minorUnits(amount, rated, rounding), currency)]
        }
    }

    private func line(
        _ quantity: Int64, _ tier: Tier, _ index: Int, _ currency: Currency, _ rounding: RoundingMode
    ) throws(PricingError) -> Rating.Line {
        let minor = try minorUnits(tier.amount, quantity, rounding).adding(Int128(tier.flat))
        return usageLine(quantity, tier.amount, minor, currency, tier: index + 1, flat: tier.flat)
    }

    /// amount × quantity ÷ per_units, rounded once. At most (2^63)² < 2^127: it fits at any price and quantity.
    private func minorUnits(
        _ amount: ExactAmount, _ quantity: Int64, _ rounding: RoundingMode
    ) throws(PricingError) -> Int128 {
        try rounding.rounded(amount.millionths, times: Int128(quantity), over: ExactAmount.scale * Int128(perUnits))
    }

    private func usageLine(
        _ quantity: Int64, _ amount: ExactAmount, _ minor: Int128, _ currency: Currency, tier: Int? = nil,
        blocks: Int64? = nil, flat: Int64 = 0
    ) -> Rating.Line {
        Rating.Line(
            kind: .usage, name: name, lineClass: lineClass, dimension: dimension, tier: tier, quantity: quantity,
            blocks: blocks, price: UnitPrice(amount: amount, perUnits: perUnits, currency: currency), flatMinor: flat,
            amount: Money(minorUnits: minor, currency: currency), shares: [])
    }
}
