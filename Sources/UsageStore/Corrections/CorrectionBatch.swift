import Metering
import PostgreSQL

/// A named batch of corrections: usage from elsewhere that is laid over the tapes' result as a whole, or not at all.
package struct CorrectionBatch: Encodable, Hashable, Sendable {
    /// `proposed` → `applied` → `reverted`. A batch that was reverted stays so: propose it anew under another name.
    package enum State: String, Encodable, Hashable, Sendable {
        case proposed
        case applied
        case reverted
    }

    /// What a batch was made of.
    package enum Kind: String, Encodable, Hashable, Sendable {
        case file
        case captures
        case evidence
    }

    package var name: String
    package var kind: Kind
    /// A file's name, captures, evidence.
    package var source: String
    package var reason: String?
    package var state: State
    /// Who proposed, applied and reverted it, and when: RFC 3339 in UTC.
    package var proposedAt: String
    package var proposedBy: String
    package var appliedAt: String?
    package var appliedBy: String?
    package var revertedAt: String?
    package var revertedBy: String?
    /// How many quantities it holds.
    package var rows: Int64

    init(_ row: PostgresRow) throws {
        name = try row.decode(0)
        source = try row.decode(1)
        reason = try row.decode(2)
        proposedAt = try row.timestamp(3).description
        proposedBy = try row.decode(4)
        let applied = try row.optionalTimestamp(5)
        let reverted = try row.optionalTimestamp(7)
        appliedAt = applied?.description
        appliedBy = try row.decode(6)
        revertedAt = reverted?.description
        revertedBy = try row.decode(8)
        rows = try row.decode(9)
        kind = Kind(rawValue: try row.decode(10)) ?? .file
        state = reverted != nil ? .reverted : applied != nil ? .applied : .proposed
    }
}

/// What a batch makes of a tenant's dimension: before, the change, and after, over the quarter hours that it touches.
package struct CorrectionDifference: Encodable, Hashable, Sendable {
    package var tenant: String
    package var gateway: String
    package var service: String
    package var dimension: String
    package var from: String
    /// The end of the last quarter hour.
    package var to: String
    package var quarterHours: Int64
    /// What the records hold without this batch.
    package var before: Int64
    package var change: Int64
    package var after: Int64
}

/// Why a batch can not be proposed, applied or reverted.
package struct CorrectionRefusal: Error, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// The batch is not in a state for it, or its name is taken.
        package static let conflict = Code("conflict")
        /// Something in its rows.
        package static let rows = Code("rows")
        package static let unknown = Code("unknown")
    }

    package let code: Code
    package let message: String
    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
