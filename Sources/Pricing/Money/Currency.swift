/// A currency of ISO 4217: its code and how many decimals its minor unit has.
package struct Currency: Hashable, Sendable, CustomStringConvertible {
    /// Three capital letters, such as `USD`.
    package let code: String
    /// Decimals between major and minor unit: USD 2, JPY 0, KWD 3.
    package let exponent: Int

    /// Looks the code up. An unknown code is an error: a guessed exponent would shift every amount by powers of ten.
    package init(_ code: String) throws(PricingError) {
        guard let exponent = Self.exponents[code] else {
            throw PricingError(
                .unknownCurrency,
                "\"\(code)\" is not a currency of ISO 4217; write its three capital letters, such as USD, EUR or JPY")
        }
        self.code = code
        self.exponent = exponent
    }

    /// The code.
    package var description: String { code }
}
