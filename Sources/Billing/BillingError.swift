/// What is wrong with what billing holds or is asked for, in words for the person who has to mend it.
package struct BillingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure. Open for new kinds: compare with the static members.
    package struct Code: Hashable, Sendable {
        package let name: String
        /// Whether it contradicts what is stored: exit status 5, HTTP 409.
        package let isConflict: Bool

        package init(_ name: String, isConflict: Bool = false) {
            self.name = name
            self.isConflict = isConflict
        }

        /// No price book of that name is stored.
        package static let unknownPriceBook = Code("unknown_price_book")
        /// The book is stored, but has no such version.
        package static let unknownPriceVersion = Code("unknown_price_version")
        /// An import that would change a stored version.
        package static let priceVersionChanged = Code("price_version_changed", isConflict: true)
        /// What is asked for can not be stored.
        package static let invalid = Code("invalid")
        /// What is stored can not be read as what it should be.
        package static let corrupt = Code("corrupt")
    }

    /// The kind of failure.
    package let code: Code
    /// What was found, where, and what to do.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
