/// A price in minor units with up to six decimals, or a percentage of that precision; kept as millionths.
package struct ExactAmount: Hashable, Sendable {
    /// Millionths in one.
    package static let scale: Int128 = 1_000_000

    /// The value times 1,000,000.
    package let millionths: Int128

    /// From millionths.
    package init(millionths: Int128) { self.millionths = millionths }

    /// A whole number of minor units.
    package init(_ whole: Int64) { millionths = Int128(whole) * Self.scale }

    /// Reads `9000` or `"40.500001"`: digits, at most six decimals, no sign, whole part within Int64. Else nil.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty, first.utf8.allSatisfy(\.isDigit), let whole = Int64(first) else {
            return nil
        }
        var fraction: Int128 = 0
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy(\.isDigit),
                let value = Int128(digits + String(repeating: "0", count: 6 - digits.utf8.count))
            else { return nil }
            fraction = value
        }
        millionths = Int128(whole) * Self.scale + fraction
    }

    /// The shortest decimal: `9000`, `40.500001`.
    package var text: String { Digits.decimal(millionths, exponent: 6, keeping: 0, grouped: false) }

    /// As money for people, never rounded: 4050.5 minor units of USD are `40.505`.
    package func grouped(in currency: Currency) -> String {
        Digits.decimal(millionths, exponent: 6 + currency.exponent, keeping: currency.exponent, grouped: true)
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}

/// An exact price: an amount for so many units, such as USD 90.00 per 1,000,000,000. It is never rounded for display.
package struct UnitPrice: Hashable, Sendable, CustomStringConvertible {
    /// Minor units for `perUnits`.
    package let amount: ExactAmount
    /// How many units the amount buys; positive.
    package let perUnits: Int64
    /// The currency of the amount.
    package let currency: Currency

    /// A price of `amount` per `perUnits`.
    package init(amount: ExactAmount, perUnits: Int64, currency: Currency) {
        self.amount = amount
        self.perUnits = perUnits
        self.currency = currency
    }

    /// `USD 90.00 per 1,000,000,000`.
    package var description: String {
        "\(currency.code) \(amount.grouped(in: currency)) per \(Digits.grouped(perUnits))"
    }
}
