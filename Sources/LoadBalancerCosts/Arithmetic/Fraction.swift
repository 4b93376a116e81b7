/// An exact rational number on Int128: always reduced, the denominator above zero.
///
/// Arithmetic throws `.overflow` instead of rounding or wrapping, so an amount is either exact or an error.
package struct Fraction: Hashable, Sendable {
    package let numerator: Int128
    package let denominator: Int128

    package static let zero = Fraction(whole: 0)
    package static let one = Fraction(whole: 1)

    package init(whole: Int128) {
        numerator = whole
        denominator = 1
    }

    package init(_ whole: some BinaryInteger) {
        self.init(whole: Int128(whole))
    }

    /// `numerator / denominator`, reduced. Throws `.invalidInput` on a zero denominator.
    package init(_ numerator: Int128, over denominator: Int128) throws {
        guard denominator != 0 else {
            throw LoadBalancerCostError(.invalidInput, "\(numerator)/0 is not a number: the denominator must not be 0")
        }
        guard numerator != .min, denominator != .min else { throw Fraction.overflow }
        let divisor = Int128(greatestCommonDivisor(numerator.magnitude, denominator.magnitude))
        let sign: Int128 = denominator < 0 ? -1 : 1
        self.numerator = sign * (numerator / divisor)
        self.denominator = sign * (denominator / divisor)
    }

    static let overflow = LoadBalancerCostError(
        .overflow,
        "a quantity or an amount goes beyond the exact range of 38 digits: look for a count that is far too large, "
            + "or quantities with very many decimal places")

    package var isZero: Bool { numerator == 0 }
    package var isNegative: Bool { numerator < 0 }
}

extension Fraction: Comparable {
    package static func < (left: Fraction, right: Fraction) -> Bool {
        if left.denominator == right.denominator { return left.numerator < right.numerator }
        if left.isNegative != right.isNegative { return left.isNegative }
        // Both of one sign: compare the cross products of the magnitudes at double width, which can not overflow.
        let a = left.numerator.magnitude.multipliedFullWidth(by: right.denominator.magnitude)
        let b = right.numerator.magnitude.multipliedFullWidth(by: left.denominator.magnitude)
        let smaller = a.high == b.high ? a.low < b.low : a.high < b.high
        let equal = a.high == b.high && a.low == b.low
        return left.isNegative ? !smaller && !equal : smaller
    }
}

extension Fraction {
    package static func + (left: Fraction, right: Fraction) throws -> Fraction {
        if left.denominator == right.denominator {
            return try Fraction(exactSum(left.numerator, right.numerator), over: left.denominator)
        }
        let shared = Int128(greatestCommonDivisor(left.denominator.magnitude, right.denominator.magnitude))
        let leftFactor = right.denominator / shared
        let rightFactor = left.denominator / shared
        return try Fraction(
            exactSum(exactProduct(left.numerator, leftFactor), exactProduct(right.numerator, rightFactor)),
            over: exactProduct(left.denominator, leftFactor))
    }

    package static prefix func - (value: Fraction) -> Fraction {
        Fraction(reducedNumerator: -value.numerator, denominator: value.denominator)
    }

    package static func - (left: Fraction, right: Fraction) throws -> Fraction { try left + -right }

    package static func * (left: Fraction, right: Fraction) throws -> Fraction {
        // Cross-reduced first, so that the product overflows only if the reduced result does.
        let a = try Fraction(left.numerator, over: right.denominator)
        let b = try Fraction(right.numerator, over: left.denominator)
        return Fraction(
            reducedNumerator: try exactProduct(a.numerator, b.numerator),
            denominator: try exactProduct(a.denominator, b.denominator))
    }

    /// Throws `.invalidInput` when `right` is zero.
    package static func / (left: Fraction, right: Fraction) throws -> Fraction {
        try left * Fraction(right.denominator, over: right.numerator)
    }

    package static func * (left: Fraction, right: some BinaryInteger) throws -> Fraction {
        try left * Fraction(right)
    }

    package static func / (left: Fraction, right: some BinaryInteger) throws -> Fraction {
        try left / Fraction(right)
    }

    private init(reducedNumerator: Int128, denominator: Int128) {
        numerator = reducedNumerator
        self.denominator = denominator
    }

    /// The smallest whole number that is not below this one.
    package var roundedUp: Int128 {
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
        return remainder > 0 ? quotient + 1 : quotient
    }
}

func exactProduct(_ left: Int128, _ right: Int128) throws -> Int128 {
    // The checked product of two 128-bit numbers is an order slower, and most operands are small.
    if let small = Int64(exactly: left), let factor = Int64(exactly: right) { return Int128(small) &* Int128(factor) }
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    guard !overflow, product != .min else { throw Fraction.overflow }
    return product
}

func exactSum(_ left: Int128, _ right: Int128) throws -> Int128 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    guard !overflow, sum != .min else { throw Fraction.overflow }
    return sum
}

func leastCommonMultiple(_ left: Int128, _ right: Int128) throws -> Int128 {
    try exactProduct(left / Int128(greatestCommonDivisor(left.magnitude, right.magnitude)), right)
}

func greatestCommonDivisor(_ left: UInt128, _ right: UInt128) -> UInt128 {
    var (a, b) = (left, right)
    while b != 0 {
        // 128-bit division is an order slower than 64-bit, and most operands are small.
        if let x = UInt64(exactly: a), let y = UInt64(exactly: b) {
            (a, b) = (UInt128(y), UInt128(x % y))
        } else {
            (a, b) = (b, a % b)
        }
    }
    return a
}
