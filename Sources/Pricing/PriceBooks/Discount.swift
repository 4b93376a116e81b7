/// A reduction before tax, of one charge or of the whole invoice.
///
/// ```yaml
/// - name: Launch discount
///   percent: "12.5"                  # or amount_minor: 5000
///   charge: Gateway requests         # the invoice when absent
///   from: 2026-01-01                 # periods that start in [from, until); either may be absent
///   until: 2026-07-01
/// ```
package struct Discount: Hashable, Sendable {
    /// Its name on the invoice.
    package let name: String
    /// How much.
    package let reduction: Reduction
    /// The charge it is taken from; nil for the whole invoice.
    package let chargeName: String?
    /// The first start of a period that has it.
    package let from: LocalDate?
    /// The first start of a period that no longer has it.
    package let until: LocalDate?

    /// A share, or a sum.
    package enum Reduction: Hashable, Sendable {
        /// Percent of each line, rounded once a line.
        case percent(ExactAmount)
        /// Minor units, allocated to the lines by largest remainder.
        case amount(ExactAmount)
    }

    /// Whether a period that starts on the date has it.
    package func applies(toPeriodStarting date: LocalDate) -> Bool {
        (from.map { $0 <= date } ?? true) && (until.map { date < $0 } ?? true)
    }
}
