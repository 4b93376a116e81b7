package import Metering
package import UsageStore

/// A key in the making: for whom, and what it allows.
package struct NewAPIKey: Sendable {
    package struct Refused: Error { package let message: String }

    private let name: String
    private let tenant: String?
    private let scopes: [String]
    private let expiresAt: Timestamp?

    /// - Parameter tenant: nil for the operator.
    package init(name: String, tenant: String?, scopes: [String], expiresAt: Timestamp?) {
        self.name = name
        self.tenant = tenant
        self.scopes = scopes
        self.expiresAt = expiresAt
    }

    /// The scopes in their own order, each once.
    ///
    /// - Throws: ``Refused`` that names the scope and what is known.
    package static func checked(_ names: [String], forTenant: Bool) throws(Refused) -> [String] {
        let known = Scope.allCases.filter { !forTenant || $0.isForTenants }.map(\.rawValue)
        guard !names.isEmpty else {
            throw Refused(message: "no scope is named; known are \(known.joined(separator: ", "))")
        }
        for name in names where !known.contains(name) {
            throw Refused(
                message: "\(name) is not a scope \(forTenant ? "of a tenant's key" : "of an operator's key"); "
                    + "known are \(known.joined(separator: ", "))")
        }
        return Scope.allCases.map(\.rawValue).filter { names.contains($0) }
    }

    /// Makes the key and stores what may be stored of it.
    ///
    /// - Throws: `UsageStoreError` with `unknownTenant`.
    package func store(in store: UsageStore) async throws -> APIKey { try await stored(in: store).key }

    func stored(in store: UsageStore) async throws -> (key: APIKey, stored: StoredAPIKey) {
        var generator = SystemRandomNumberGenerator()
        let key = APIKey(using: &generator)
        let stored = try await store.addAPIKey(
            prefix: key.prefix, digest: key.digest, name: name, tenant: tenant, scopes: scopes, expiresAt: expiresAt)
        return (key, stored)
    }
}
