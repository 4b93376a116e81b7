/// A tax on top of the net amount.
///
/// ```yaml
/// - name: VAT
///   percent: "19"
///   classes: [base_fee, usage, minimum]   # every class when absent
///   rounded: invoice                      # invoice | per_line; invoice unless told
/// ```
package struct TaxRate: Hashable, Sendable {
    /// Its name on the invoice.
    package let name: String
    /// Percent of the taxable net.
    package let percent: ExactAmount
    /// The classes of lines that are taxed; nil for all.
    package let classes: [String]?
    /// Where the tax becomes whole minor units.
    package let rounded: Rounding

    /// A tax rate.
    package init(name: String, percent: ExactAmount, classes: [String]?, rounded: Rounding = .invoice) {
        self.name = name
        self.percent = percent
        self.classes = classes
        self.rounded = rounded
    }

    /// Where a tax is rounded.
    package enum Rounding: String, CaseIterable, Sendable {
        /// Once, on the sum of what the rate taxes.
        case invoice
        /// On each line, for jurisdictions that ask for it.
        case perLine = "per_line"
    }
}
