/// What went wrong in a price, a period or an amount, in words for the person who has to mend it.
package struct PricingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure. Open for new kinds: compare with the static members.
    package struct Code: Hashable, Sendable {
        let name: String

        /// A currency code that is not in ISO 4217.
        package static let unknownCurrency = Code(name: "unknown_currency")
        /// A time zone that is not in the IANA database.
        package static let unknownZone = Code(name: "unknown_zone")
        /// A date, month, anchor day or instant that can not be read.
        package static let invalidDate = Code(name: "invalid_date")
        /// A price book that breaks its format.
        package static let invalidPriceBook = Code(name: "invalid_price_book")
        /// An import that would alter a version which is already in use.
        package static let versionChanged = Code(name: "version_changed")
        /// No version of the price book is in force at the date.
        package static let noVersionInForce = Code(name: "no_version_in_force")
        /// A quantity or a number of days that no period can have.
        package static let invalidQuantity = Code(name: "invalid_quantity")
        /// Too few days are known to say what is usual.
        package static let tooLittleHistory = Code(name: "too_little_history")
        /// An amount beyond 2^127 − 1 minor units.
        package static let amountTooLarge = Code(name: "amount_too_large")
        /// Amounts of two currencies in one sum.
        package static let currencyMismatch = Code(name: "currency_mismatch")
    }

    /// The kind of failure.
    package let code: Code
    /// What was found, where, and what to do.
    package let message: String

    /// An error with its message for a person.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    package var description: String { message }
}
