import HTTPTypes
import Hummingbird
import Logging
import PostgreSQL
import UsageStore

/// Who may ask.
package enum AuthenticationMode: String, CaseIterable, Sendable {
    /// API keys, and tokens where a JWKS is configured.
    case keys
    /// Nobody is asked: for loopback alone.
    case none
}

/// From a request's credential to the principal.
struct Authentication: Sendable {
    let mode: AuthenticationMode
    let tokens: TokenVerifier?
    let stores: APIStores

    func principal(of request: Request) async throws -> Principal {
        guard let header = request.headers[.authorization] else {
            if mode == .none { return .loopback }
            throw Problem.unauthorized("send a credential: Authorization: Bearer waybill_…")
        }
        let parts = header.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem.unauthorized("the credential is not of the form: Authorization: Bearer …")
        }
        let credential = parts[1]
        if credential.hasPrefix(APIKey.scheme) { return try await principal(ofKey: credential) }
        guard let tokens else { throw Self.refused }
        let token: TokenVerifier.Verified
        do {
            token = try await tokens.verify(credential)
        } catch {
            throw Self.refused
        }
        guard let name = token.tenant else {
            return Principal(id: "token:\(token.subject)", tenant: nil, scopes: token.scopes)
        }
        // What a tenant's token claims beyond a tenant's rights is not given.
        guard let id = try await stores.operators.tenantNumber(name) else { throw Self.refused }
        return Principal(
            id: "token:\(token.subject)@\(name)", tenant: .init(id: id, name: name),
            scopes: token.scopes.filter(\.isForTenants))
    }

    private func principal(ofKey text: String) async throws -> Principal {
        guard let digest = APIKey(text)?.digest else { throw Self.refused }
        let found = try await stores.recentKeys.key(digest) { try await stores.tenants.useAPIKey(digest: digest) }
        guard let stored = found else { throw Self.refused }
        let scopes = Set(stored.scopes.compactMap { Scope(rawValue: $0) })
        return Principal(
            id: "key:\(stored.prefix)", tenant: stored.tenant.map { .init(id: $0.id, name: $0.name) }, scopes: scopes)
    }

    /// One answer for all that is wrong with a credential: it tells nobody how close a guess was.
    private static var refused: Problem {
        .unauthorized("the credential is unknown, expired or revoked")
    }
}
