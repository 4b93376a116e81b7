/// One thing that `price lint` says about a price book.
package struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// What kind of thing.
    package enum Kind: String, Sendable {
        /// Two prices for one quantity, or two versions for one date.
        case overlap
        /// A quantity without a price.
        case gap
        /// A price that no quantity meets.
        case unreachable
        /// One more unit moves the bill by more than the unit's price.
        case cliff
        /// The file can not be read as a price book.
        case malformed
    }

    /// What kind of thing.
    package let kind: Kind
    /// Whether the book is refused for it. A cliff is legal.
    package let isDefect: Bool
    /// Where, what, and for a cliff its size in money.
    package let message: String

    /// `cliff: version 2026-01-01, Gateway requests: at …`.
    package var description: String { "\(kind.rawValue): \(message)" }
}
