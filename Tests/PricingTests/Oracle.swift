import BigInt

@testable import Pricing

/// A second implementation of rating on BigInt, written from the formulas of the price models and from nothing else.
enum Oracle {
    /// numerator ÷ denominator to whole minor units; both may have any size, the denominator is positive.
    static func rounded(_ numerator: BigInt, over denominator: BigInt, _ mode: RoundingMode) -> BigInt {
        let doubled = numerator.magnitude * 2
        let divisor = denominator.magnitude
        let floor = numerator.magnitude / divisor
        let magnitude =
            switch mode {
            case .down: floor
            case .up: (numerator.magnitude + divisor - 1) / divisor
            case .halfUp: (doubled + divisor) / (2 * divisor)
            case .halfEven:
                doubled == (2 * floor + 1) * divisor ? floor + floor % 2 : (doubled + divisor) / (2 * divisor)
            }
        return numerator < 0 ? -BigInt(magnitude) : BigInt(magnitude)
    }

    /// The amounts of a charge's lines.
    static func lines(_ charge: Charge, _ consumed: Int64, _ mode: RoundingMode) -> [BigInt] {
        let rated = max(0, BigInt(consumed) - BigInt(charge.includedUnits))
        let million = BigInt(1_000_000)
        func amount(_ price: ExactAmount, _ units: BigInt, _ perUnits: Int64) -> BigInt {
            rounded(BigInt(price.millionths) * units, over: million * BigInt(perUnits), mode)
        }
        guard rated > 0 else { return [] }
        switch charge.model {
        case .perUnit(let price), .package(let price, .prorated): return [amount(price, rated, charge.perUnits)]
        case .package(let price, .full):
            let blocks = (rated + BigInt(charge.perUnits) - 1) / BigInt(charge.perUnits)
            return [amount(price, blocks, 1)]
        case .volume(let tiers):
            for tier in tiers where tier.upTo.map({ rated <= BigInt($0) }) ?? true {
                return [amount(tier.amount, rated, charge.perUnits) + BigInt(tier.flat)]
            }
            return []
        case .graduated(let tiers):
            var below = BigInt(0)
            var lines: [BigInt] = []
            for tier in tiers {
                let top = tier.upTo.map { min(rated, BigInt($0)) } ?? rated
                if top > below { lines.append(amount(tier.amount, top - below, charge.perUnits) + BigInt(tier.flat)) }
                below = max(below, top)
            }
            return lines
        }
    }
}
