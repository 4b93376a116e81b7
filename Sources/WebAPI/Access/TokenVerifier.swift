import Foundation
import JWTKit
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
    private let keys: JWTKeyCollection
    /// The key type by key id.
    private let kinds: [String: String]
    private let now: @Sendable () -> Date

    /// - Throws: ``Refused`` with the file and the remedy where the JWKS can not be used.
    init(_ configuration: TokenConfiguration, now: @escaping @Sendable () -> Date = { Date() }) async throws {
        let file = configuration.keysFile
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Refused(reason: "the JWKS file \(file) can not be read")
        }
        guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let entries = object["keys"] as? [[String: Any]], !entries.isEmpty
        else { throw Refused(reason: "\(file) is not a JWKS: expected {\"keys\": [{\"kty\": …, \"kid\": …}]}") }
        var kinds: [String: String] = [:]
        for (index, entry) in entries.enumerated() {
            guard let kid = entry["kid"] as? String, !kid.isEmpty else {
                throw Refused(reason: "\(file): key \(index + 1) has no kid; give it one, for tokens name it")
            }
            guard let kind = entry["kty"] as? String, ["RSA", "EC", "OKP"].contains(kind) else {
                throw Refused(
                    reason: "\(file): key \(kid) is not of kty RSA, EC or OKP; a shared secret (oct) is not taken")
            }
            guard entry["d"] == nil else {
                throw Refused(reason: "\(file): key \(kid) holds its private part; put the public one there")
            }
            guard kinds.updateValue(kind, forKey: kid) == nil else {
                throw Refused(reason: "\(file): there are two keys of kid \(kid)")
            }
        }
        self.configuration = configuration
        self.kinds = kinds
        self.now = now
        keys = JWTKeyCollection()
        do {
            try await keys.add(jwksJSON: String(decoding: data, as: UTF8.self))
        } catch {
            throw Refused(reason: "\(file): a key can not be used: \(error)")
        }
    }

    func verify(_ token: String) async throws -> Verified {
        guard token.utf8.count <= Self.longest else { throw Refused(reason: "longer than \(Self.longest) bytes") }
        let header = try Self.header(of: token)
        guard let algorithm = header.alg, Self.algorithms.contains(algorithm) else {
            throw Refused(reason: "its algorithm is not one of \(Self.algorithms.sorted())")
        }
        // A name in a table, never a path.
        guard let kid = header.kid, let kind = kinds[kid] else { throw Refused(reason: "its key id is unknown") }
        guard kind == Self.kind(of: algorithm) else { throw Refused(reason: "its algorithm does not fit its key") }
        let claims = try await keys.verify(token, as: Claims.self)
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
