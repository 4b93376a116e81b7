/// What a period costs: the lines, in the order base fee, charges, minimum, maximum, discounts; then the taxes.
///
/// Σ lines = subtotal; subtotal + Σ taxes = total.
package struct Rating: Hashable, Sendable {
    /// The version that rated it.
    package let version: PriceBook.Version
    /// The period.
    package let period: RatedPeriod
    /// Each charge's quantity before and after its included units.
    package let usage: [ChargedUsage]
    /// Every line, rounded by itself.
    package let lines: [Line]
    /// One for each rate, rounded once.
    package let taxes: [Tax]
    /// The net amount.
    package let subtotal: Money
    /// What is to be paid, before credits.
    package let total: Money

    /// The quantity of a charge.
    package struct ChargedUsage: Hashable, Sendable {
        /// The charge's name.
        package let chargeName: String
        /// Its dimension.
        package let dimension: String
        /// What was consumed.
        package let consumed: Int64
        /// What of it was included.
        package let included: Int64
        /// What was rated: the rest.
        package var rated: Int64 { consumed - included }
    }

    /// A tax line.
    package struct Tax: Hashable, Sendable {
        /// Its name.
        package let name: String
        /// Its rate.
        package let percent: ExactAmount
        /// Whether it was rounded once, or line by line.
        package let rounded: TaxRate.Rounding
        /// The net of the taxed classes, discounts taken off.
        package let taxable: Money
        /// The tax.
        package let amount: Money
    }
}

extension Rating {
    /// One line of an invoice.
    package struct Line: Hashable, Sendable {
        /// What a line is for; its order on the invoice.
        package enum Kind: String, Sendable {
            case baseFee = "base_fee"
            case usage
            case minimum
            case maximum
            case discount
        }

        /// What it is for.
        package let kind: Kind
        /// Its name on the invoice.
        package let name: String
        /// Its tax class; nil for a ceiling and a discount, which lower the lines that they are spread over.
        package let lineClass: String?
        /// The dimension of usage.
        package let dimension: String?
        /// The tier, from 1; nil where the model has none.
        package let tier: Int?
        /// The units rated by this line.
        package let quantity: Int64?
        /// Blocks begun, of a package.
        package let blocks: Int64?
        /// The exact price of a usage line.
        package let price: UnitPrice?
        /// Minor units added once, for entering the tier.
        package let flatMinor: Int64
        /// Minor units, rounded.
        package let amount: Money
        /// How a ceiling or a discount is spread over the lines before it; Σ = amount.
        package let shares: [Share]
    }

    /// The part of a ceiling or a discount that falls on another line.
    package struct Share: Hashable, Sendable {
        /// The index of that line in `lines`.
        package let line: Int
        /// Negative minor units.
        package let amount: Money
    }
}
