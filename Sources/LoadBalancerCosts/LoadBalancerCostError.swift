/// Why a cost could not be computed: what was found, where (file, line, field), and what to do.
package struct LoadBalancerCostError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private let name: String

        /// A file, a field or an option that can not be read as what it must be.
        package static let invalidInput = Code(name: "invalidInput")
        /// A price or a divisor that the catalogue does not hold.
        package static let missingPrice = Code(name: "missingPrice")
        /// Several prices for one item, where exactly one is expected.
        package static let ambiguousPrice = Code(name: "ambiguousPrice")
        /// Amounts of two currencies that would be added or compared.
        package static let mixedCurrencies = Code(name: "mixedCurrencies")
        /// A gateway that had no traffic in the period.
        package static let noTraffic = Code(name: "noTraffic")
        /// A fee that its price book can not rate.
        package static let notRated = Code(name: "notRated")
        /// A quantity or an amount beyond the exact range.
        package static let overflow = Code(name: "overflow")
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
