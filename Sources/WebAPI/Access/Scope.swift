/// What a credential allows.
package enum Scope: String, CaseIterable, Sendable {
    case usageRead = "usage:read"
    case invoiceRead = "invoice:read"
    case invoiceWrite = "invoice:write"
    case priceWrite = "price:write"
    /// Everything, and keys, tenants and contracts besides.
    case admin

    /// Whether a tenant's own credential may hold it. Prices and other tenants are the operator's.
    package var isForTenants: Bool { self == .usageRead || self == .invoiceRead }
}

/// Whoever asks: a tenant, or the operator.
struct Principal: Sendable {
    /// A tenant, as its number and name.
    struct Tenant: Sendable, Hashable {
        let id: Int64
        let name: String
    }

    /// Names the credential in limits, idempotency keys and the audit log: `key:3f9a…`, `token:ci@acme`, `loopback`.
    let id: String
    /// Nil for the operator.
    let tenant: Tenant?
    let scopes: Set<Scope>

    func may(_ scope: Scope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }

    /// Whoever reaches a listener on loopback that asks for no key.
    static let loopback = Principal(id: "loopback", tenant: nil, scopes: Set(Scope.allCases))
}
