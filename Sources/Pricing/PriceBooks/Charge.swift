/// The price of one dimension of usage.
///
/// ```yaml
/// - dimension: requests
///   name: Gateway requests           # unique in its version
///   class: usage                     # the tax class; usage unless told
///   model: graduated                 # graduated | volume | package | per_unit
///   per_units: 1000000000            # 1 unless told for per_unit; else required
///   included_units: 0                # free units, taken off before anything else
///   tiers:                           # graduated and volume
///   - {up_to: 1000000000, amount_minor: 9000, flat_minor: 0}
///   - {amount_minor: 6000}           # the last one is open
///   amount_minor: 9000               # package and per_unit
///   partial: full                    # package: full | prorated; full unless told
/// ```
package struct Charge: Hashable, Sendable {
    /// The tax class of usage that names none.
    package static let defaultClass = "usage"

    /// The quantity it prices, such as `requests`.
    package let dimension: String
    /// Its name on the invoice.
    package let name: String
    /// Its tax class.
    package let lineClass: String
    /// How many units an amount buys.
    package let perUnits: Int64
    /// Units that cost nothing, taken off first; tiers and blocks count from there.
    package let includedUnits: Int64
    /// How a quantity becomes money.
    package let model: Model

    /// A charge.
    package init(
        dimension: String, name: String, lineClass: String = defaultClass, perUnits: Int64, includedUnits: Int64 = 0,
        model: Model
    ) {
        self.dimension = dimension
        self.name = name
        self.lineClass = lineClass
        self.perUnits = perUnits
        self.includedUnits = includedUnits
        self.model = model
    }

    /// How a quantity becomes money.
    package enum Model: Hashable, Sendable {
        /// Each unit at the price of the tier it falls into; continuous and monotone while tiers have no flat amount.
        case graduated([Tier])
        /// All units at the price of the tier that the total falls into; it has cliffs.
        case volume([Tier])
        /// Blocks of `perUnits`. A begun block is paid in full, or by its share.
        case package(ExactAmount, partial: Partial)
        /// Every unit at one price.
        case perUnit(ExactAmount)
    }

    /// A range of quantities: above the tier before, up to and including `upTo`.
    package struct Tier: Hashable, Sendable {
        /// The last unit of the tier; nil in the last tier, which is open.
        package let upTo: Int64?
        /// Minor units for `perUnits`.
        package let amount: ExactAmount
        /// Minor units due once when the tier is entered.
        package let flat: Int64

        /// A tier.
        package init(upTo: Int64?, amount: ExactAmount, flat: Int64 = 0) {
            self.upTo = upTo
            self.amount = amount
            self.flat = flat
        }
    }

    /// What a begun block costs.
    package enum Partial: String, CaseIterable, Sendable {
        /// The whole block.
        case full
        /// Its share of units.
        case prorated
    }
}
