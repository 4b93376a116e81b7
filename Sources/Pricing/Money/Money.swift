/// An amount of money: whole minor units of one currency.
package struct Money: Hashable, Sendable {
    /// Minor units: cents of USD, whole yen of JPY, fils of KWD.
    package let minorUnits: Int128
    /// The currency.
    package let currency: Currency

    /// An amount in minor units.
    package init(minorUnits: Int128, currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// Reads a decimal of major units, such as `499.99` or `500`, that has no more decimals than the currency.
    package init(decimal text: String, currency: Currency) throws(PricingError) {
        let scale = (0..<currency.exponent).reduce(Int128(1)) { power, _ in power * 10 }
        guard let exact = ExactAmount(text), exact.millionths * scale % ExactAmount.scale == 0 else {
            throw PricingError(
                .invalidQuantity,
                "\"\(text)\" is not an amount of \(currency): write digits, with up to \(currency.exponent) decimals")
        }
        self.init(minorUnits: exact.millionths * scale / ExactAmount.scale, currency: currency)
    }

    /// The sum. Throws on two currencies, and beyond 2^127 − 1 minor units.
    package func adding(_ other: Money) throws(PricingError) -> Money {
        guard currency == other.currency else {
            throw PricingError(
                .currencyMismatch, "\(currency) and \(other.currency) can not be added; convert one first")
        }
        return Money(minorUnits: try minorUnits.adding(other.minorUnits), currency: currency)
    }
}

extension Int128 {
    /// A sum of minor units that refuses to wrap.
    func adding(_ other: Int128) throws(PricingError) -> Int128 {
        let (sum, overflow) = addingReportingOverflow(other)
        guard !overflow else {
            throw PricingError(.amountTooLarge, "a sum is beyond \(Int128.max) minor units; check price and quantity")
        }
        return sum
    }
}

extension Sequence where Element == Int128 {
    /// The sum of minor units, refusing to wrap.
    func total() throws(PricingError) -> Int128 {
        var sum: Int128 = 0
        for amount in self { sum = try sum.adding(amount) }
        return sum
    }
}

extension Money: CustomStringConvertible {
    /// Code and grouped amount for people: `USD 1,170.00`.
    package var description: String { "\(currency.code) \(grouped)" }

    /// The grouped amount without its code: `1,170.00`.
    package var grouped: String { Digits.decimal(minorUnits, exponent: currency.exponent, grouped: true) }

    /// The plain decimal for machines: `1170.00`.
    package var decimal: String { Digits.decimal(minorUnits, exponent: currency.exponent, grouped: false) }
}
