import Metering

/// What a version of the meters would change, before it is applied.
package struct MeterPreview: Encodable, Hashable, Sendable {
    /// A counter that would be billed to somebody else, or no longer, or for the first time.
    package struct Move: Encodable, Hashable, Sendable {
        package var gateway: String
        package var counter: String
        /// Whom it is billed to: tenant, service and dimension; nil where nobody is.
        package var from: Owner?
        package var to: Owner?
        /// What it counted in the quarter hours in which it moves. Unit: the dimension's.
        package var quantity: Int64
        package var quarterHours: Int64
    }

    package struct Owner: Encodable, Hashable, Sendable {
        package var tenant: String
        package var service: String
        package var dimension: String

        init(_ binding: Binding) {
            tenant = binding.tenant
            service = binding.service
            dimension = binding.dimension.rawValue
        }
    }

    /// What a tenant gains or loses.
    package struct TenantChange: Encodable, Hashable, Sendable {
        package var tenant: String
        package var dimension: String
        package var gained: Int64
        package var lost: Int64
    }

    /// From when on the version would be in force: RFC 3339 in UTC.
    package var validFrom: String
    /// The quarter hours that are stored since then and would be aggregated again, the first and the last of them.
    package var quarterHours: Int64
    package var firstQuarterHour: String?
    package var lastQuarterHour: String?
    /// Versions that begin later, and would never come into force.
    package var supersedes: [Int64]
    package var moves: [Move]
    package var tenants: [TenantChange]
}

/// A version of the meters as it is kept.
package struct MeterVersionRecord: Encodable, Hashable, Sendable {
    package var version: Int64
    package var validFrom: String
    package var appliedAt: String
    package var appliedBy: String
    package var reason: String?
    /// Whether it is in force now.
    package var inForce: Bool
    /// The text of each meters file.
    package var meters: [String]
}
