/// How an exact amount becomes whole minor units. A field of the price book, printed on the invoice.
package enum RoundingMode: String, CaseIterable, Sendable {
    /// To the nearest; ties away from zero: 1234.5 → 1235, −1234.5 → −1235. What a customer's calculator does.
    case halfUp = "half_up"
    /// To the nearest; ties to the even neighbour: 1234.5 → 1234.
    case halfEven = "half_even"
    /// Toward zero.
    case down
    /// Away from zero.
    case up
}

extension RoundingMode {
    /// `factor × multiplier ÷ divisor`, exact until its one rounding. Every amount in Waybill is rounded here.
    ///
    /// The product is taken at 256 bits, so no intermediate overflows. `divisor` must be positive. Throws
    /// `amountTooLarge` when the result itself does not fit 2^127 − 1.
    package func rounded(
        _ factor: Int128, times multiplier: Int128 = 1, over divisor: Int128
    ) throws(PricingError) -> Int128 {
        let exact = try ExactQuotient(factor.magnitude, times: multiplier.magnitude, over: divisor)
        let isNegative = (factor < 0) != (multiplier < 0)
        let magnitude = exact.whole.addingReportingOverflow(raises(exact) ? 1 : 0)
        guard !magnitude.overflow, let whole = Int128(exactly: magnitude.partialValue) else {
            throw PricingError(
                .amountTooLarge, "an amount is beyond \(Int128.max) minor units; check price and quantity")
        }
        return isNegative ? -whole : whole
    }

    private func raises(_ exact: ExactQuotient) -> Bool {
        guard exact.remainder > 0 else { return false }
        let missing = exact.divisor - exact.remainder
        return switch self {
        case .halfUp: exact.remainder >= missing
        case .halfEven: exact.remainder > missing || (exact.remainder == missing && exact.whole % 2 == 1)
        case .down: false
        case .up: true
        }
    }
}

/// `factor × multiplier ÷ divisor` of magnitudes as a whole part and a remainder below the divisor.
struct ExactQuotient {
    let whole: UInt128
    let remainder: UInt128
    let divisor: UInt128

    init(_ factor: UInt128, times multiplier: UInt128, over divisor: Int128) throws(PricingError) {
        guard divisor > 0 else {
            throw PricingError(.invalidQuantity, "an amount is divided by \(divisor); the divisor must be positive")
        }
        self.divisor = divisor.magnitude
        let product = factor.multipliedFullWidth(by: multiplier)
        guard product.high < self.divisor else {
            throw PricingError(
                .amountTooLarge, "an amount is beyond \(Int128.max) minor units; check price and quantity")
        }
        (whole, remainder) =
            product.high == 0
            ? product.low.quotientAndRemainder(dividingBy: self.divisor) : self.divisor.dividingFullWidth(product)
    }
}
