import Foundation
import JWTKit
import Logging
import Synchronization

/// How tokens (JWT) are judged. Keys come from a file that the operator puts there: the API asks nobody outside.
package struct TokenConfiguration: Sendable {
    /// A JWKS file.
    package var keysFile: String
    package var issuer: String
    package var audience: String
    /// The claim that names the tenant. A token without it is an operator's only where `operatorsMayLackTenant`.
    package var tenantClaim: String
    /// Whether a token without a tenant claim is the operator's. Off unless told.
    package var operatorsMayLackTenant: Bool
    /// How often at most the file is looked at: a changed one is read, a bad one leaves the keys of before.
    package var lookInterval: Duration = .seconds(1)

    package init(
        keysFile: String, issuer: String, audience: String, tenantClaim: String = "tenant",
        operatorsMayLackTenant: Bool = false
    ) {
        self.keysFile = keysFile
        self.issuer = issuer
        self.audience = audience
        self.tenantClaim = tenantClaim
        self.operatorsMayLackTenant = operatorsMayLackTenant
    }
}

/// Verifies tokens: algorithm on the list and fit for the key that `kid` names, signature, issuer, audience, times.
final class TokenVerifier: Sendable {
    struct Verified: Sendable {
        let subject: String
        let tenant: String?
        let scopes: Set<Scope>
    }

    struct Refused: Error { let reason: String }

    /// Asymmetric ones alone: what verifies must not be able to sign.
    static let algorithms: Set = ["ES256", "ES384", "RS256", "PS256", "EdDSA"]
    private static let longest = 8_192

    private let configuration: TokenConfiguration
    private let logger: Logger
    private let now: @Sendable () -> Date
    private let state: Mutex<State>

    private struct State {
        var keys: TokenKeys
        var stamp: TokenKeys.Stamp?
        var lookedAt: ContinuousClock.Instant
    }

    /// - Throws: ``Refused`` with the file and the remedy where the JWKS can not be used.
    init(
        _ configuration: TokenConfiguration, logger: Logger, now: @escaping @Sendable () -> Date = { Date() }
    ) async throws {
        self.configuration = configuration
        self.logger = logger
        self.now = now
        let stamp = TokenKeys.Stamp(of: configuration.keysFile)
        let keys = try await TokenKeys(file: configuration.keysFile)
        state = Mutex(State(keys: keys, stamp: stamp, lookedAt: .now))
    }

    /// The keys of the file as it is, or as it was when it could last be read.
    private func currentKeys() async -> TokenKeys {
        let (keys, isDue) = state.withLock { state in
            let isDue = state.lookedAt.duration(to: .now) >= configuration.lookInterval
            if isDue { state.lookedAt = .now }
            return (state.keys, isDue)
        }
        guard isDue else { return keys }
        let stamp = TokenKeys.Stamp(of: configuration.keysFile)
        let isNew = state.withLock { state in
            defer { state.stamp = stamp }
            return state.stamp != stamp
        }
        guard isNew else { return keys }
        do {
            let keys = try await TokenKeys(file: configuration.keysFile)
            state.withLock { $0.keys = keys }
            logger.notice("the JWKS file changed and was read", metadata: ["keys": "\(keys.kinds.keys.sorted())"])
            return keys
        } catch {
            logger.error(
                "the JWKS file changed and can not be used: the keys of before hold until it is mended",
                metadata: ["reason": "\((error as? Refused)?.reason ?? "\(error)")"])
            return keys
        }
    }

    func verify(_ token: String) async throws -> Verified {
        guard token.utf8.count <= Self.longest else { throw Refused(reason: "longer than \(Self.longest) bytes") }
        let header = try Self.header(of: token)
        guard let algorithm = header.alg, Self.algorithms.contains(algorithm) else {
            throw Refused(reason: "its algorithm is not one of \(Self.algorithms.sorted())")
        }
        let keys = await currentKeys()
        // A name in a table, never a path.
        guard let kid = header.kid, let kind = keys.kinds[kid] else { throw Refused(reason: "its key id is unknown") }
        guard kind == Self.kind(of: algorithm) else { throw Refused(reason: "its algorithm does not fit its key") }
        let claims = try await keys.collection.verify(token, as: Claims.self)
        let now = now().timeIntervalSince1970
        guard claims.number("exp").map({ now < $0 }) ?? false else { throw Refused(reason: "it has expired") }
        guard claims.number("nbf").map({ $0 <= now + 5 }) ?? true else { throw Refused(reason: "not valid yet") }
        guard claims.texts("iss") == [configuration.issuer] else { throw Refused(reason: "another issuer") }
        guard claims.texts("aud").contains(configuration.audience) else { throw Refused(reason: "another audience") }
        let tenant = claims.texts(configuration.tenantClaim).first
        guard tenant?.isEmpty != true, tenant != nil || configuration.operatorsMayLackTenant else {
            throw Refused(reason: "it names no tenant")
        }
        let words = claims.texts("scope").flatMap { $0.split(separator: " ").map(String.init) }
        return Verified(
            subject: claims.texts("sub").first ?? "unnamed", tenant: tenant,
            scopes: Set(words.compactMap { Scope(rawValue: $0) }))
    }

    private static func kind(of algorithm: String) -> String {
        switch algorithm {
        case "ES256", "ES384": "EC"
        case "EdDSA": "OKP"
        default: "RSA"
        }
    }

    private struct Header: Decodable {
        let alg: String?
        let kid: String?
    }

    private static func header(of token: String) throws -> Header {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
            throw Refused(reason: "it is not a signed token")
        }
        var text = parts[0].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        guard let data = Data(base64Encoded: text) else { throw Refused(reason: "its header is not base64url") }
        return try JSONDecoder().decode(Header.self, from: data)
    }
}

/// All claims of a token, of which the verifier reads a few.
private struct Claims: JWTPayload {
    private let values: [String: Value]

    enum Value: Codable, Sendable {
        case text(String)
        case texts([String])
        case number(Double)
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let texts = try? container.decode([String].self) {
                self = .texts(texts)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .other
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .texts(let texts): try container.encode(texts)
            case .number(let number): try container.encode(number)
            case .other: try container.encodeNil()
            }
        }
    }

    init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: Value].self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }

    func verify(using algorithm: some JWTAlgorithm) async throws {}

    func texts(_ name: String) -> [String] {
        switch values[name] {
        case .text(let text): [text]
        case .texts(let texts): texts
        default: []
        }
    }

    func number(_ name: String) -> Double? {
        guard case .number(let number) = values[name] else { return nil }
        return number
    }
}
