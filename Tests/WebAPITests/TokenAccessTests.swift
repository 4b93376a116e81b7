import Foundation
import HTTPTypes
import HummingbirdTesting
import JWTKit
import TestSupport
import Testing
import UsageStore

@testable import WebAPI

/// Tokens (JWT): each attack by its name.
@Suite struct TokenAccessTests {
    private struct Claims: JWTPayload {
        var iss = "https://issuer.example"
        var aud: [String] = ["waybill"]
        var sub = "ci"
        var exp = Int(Date.now.timeIntervalSince1970) + 60
        var nbf: Int?
        var tenant: String? = "acme"
        var scope = "usage:read"

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    /// An issuer with an EC key `ec` and an RSA key `rsa`, whose public halves lie in a JWKS file.
    private struct Issuer {
        let ec = ES256PrivateKey()
        let other = ES256PrivateKey()
        let file: String

        init() throws {
            let parameters = ec.publicKey.parameters
            func url(_ text: String?) -> String {
                (text ?? "").replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                    .replacingOccurrences(of: "=", with: "")
            }
            let jwks = """
                {"keys":[{"kty":"EC","kid":"ec","alg":"ES256","crv":"P-256","x":"\(url(parameters?.x))","y":"\(url(parameters?.y))"}]}
                """
            file = try TestServer.scratchDirectory("jwks") + "/jwks.json"
            try jwks.write(toFile: file, atomically: true, encoding: .utf8)
        }

        func token(_ claims: Claims = Claims(), kid: String = "ec", key: ES256PrivateKey? = nil) async throws -> String
        {
            let keys = JWTKeyCollection()
            await keys.add(ecdsa: key ?? ec, kid: JWKIdentifier(string: kid))
            return try await keys.sign(claims, kid: JWKIdentifier(string: kid))
        }

        /// A token whose header is replaced, with or without a signature.
        func forged(header: String, signature: String = "AAAA") async throws -> String {
            let parts = try await token().split(separator: ".")
            return [base64(header), String(parts[1]), signature].joined(separator: ".")
        }

        func base64(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().replacingOccurrences(of: "+", with: "-")
                .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        }
    }

    private static let usage = "/v1/usage/monthly?period=2024-11"

    @Test func `A token's tenant sees its own`() async throws {
        let issuer = try Issuer()
        try await withGuardedAPI(
            tokens: TokenConfiguration(keysFile: issuer.file, issuer: "https://issuer.example", audience: "waybill")
        ) { api, _ in
            let token = try await issuer.token()
            #expect(try await api.send(.get, Self.usage, key: token).json["requests"] as? Int == 110)
            #expect(try await api.send(.get, Self.usage + "&tenant=globex", key: token).status == .notFound)
            // What the token claims beyond a tenant's rights is not given.
            let admin = try await issuer.token(Claims(scope: "usage:read admin"))
            #expect(try await api.send(.get, "/v1/keys", key: admin).status == .notFound)
        }
    }

    @Test func `A token that is wrong in any way is refused`() async throws {
        let issuer = try Issuer()
        let now = Int(Date.now.timeIntervalSince1970)
        let jwks = try String(contentsOfFile: issuer.file, encoding: .utf8)
        let hmac = JWTKeyCollection()
        await hmac.add(hmac: .init(stringLiteral: jwks), digestAlgorithm: .sha256, kid: "ec")
        var tokens: [(String, String)] = [
            ("expired", try await issuer.token(Claims(exp: now - 1))),
            ("not yet valid", try await issuer.token(Claims(nbf: now + 600))),
            ("another issuer", try await issuer.token(Claims(iss: "https://evil.example"))),
            ("another audience", try await issuer.token(Claims(aud: ["other"]))),
            ("no tenant", try await issuer.token(Claims(tenant: nil))),
            ("an unknown tenant", try await issuer.token(Claims(tenant: "nobody"))),
            ("an unknown key", try await issuer.token(kid: "nope")),
            ("a path as key id", try await issuer.token(kid: "../../../../dev/null")),
            ("another's signature", try await issuer.token(key: issuer.other)),
            ("alg none", try await issuer.forged(header: #"{"alg":"none","kid":"ec","typ":"JWT"}"#)),
            ("alg none, no signature", try await issuer.forged(header: #"{"alg":"none","kid":"ec"}"#, signature: "")),
            ("alg NoNe", try await issuer.forged(header: #"{"alg":"NoNe","kid":"ec"}"#)),
            ("RS256 with an EC key", try await issuer.forged(header: #"{"alg":"RS256","kid":"ec"}"#)),
            ("no key id", try await issuer.forged(header: #"{"alg":"ES256"}"#)),
            ("not a token", "a.b.c"), ("two parts", "a.b"),
            ("HS256 with the public key as secret", try await hmac.sign(Claims(), kid: "ec")),
        ]
        let parts = try await issuer.token().split(separator: ".").map(String.init)
        let payload = issuer.base64(
            #"{"iss":"https://issuer.example","aud":["waybill"],"sub":"x","exp":9999999999,"tenant":"globex","scope":"usage:read"}"#
        )
        tokens.append(("another payload", [parts[0], payload, parts[2]].joined(separator: ".")))
        try await withGuardedAPI(
            tokens: TokenConfiguration(keysFile: issuer.file, issuer: "https://issuer.example", audience: "waybill")
        ) { [tokens] api, _ in
            for (name, token) in tokens {
                let answer = try await api.send(.get, Self.usage, key: token)
                #expect(answer.status == .unauthorized, "\(name)")
            }
        }
    }

    @Test(arguments: [
        (#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#, "kty RSA, EC or OKP"),
        (#"{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}"#, "has no kid"),
        (#"{"keys":[{"kty":"RSA","kid":"a","n":"x","e":"AQAB","d":"x"}]}"#, "private part"),
        (#"{"keys":[]}"#, "not a JWKS"), ("[]", "not a JWKS"), ("", "not a JWKS"),
    ])
    func `A key file that can not be trusted is refused by name`(text: String, reason: String) async throws {
        let file = try TestServer.scratchDirectory("jwks") + "/jwks.json"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let error = await #expect(throws: TokenVerifier.Refused.self) {
            _ = try await TokenVerifier(
                TokenConfiguration(keysFile: file, issuer: "i", audience: "a"), logger: TestServer.logger)
        }
        #expect(
            error?.reason.contains(reason) == true && error?.reason.contains(file) == true,
            "\(String(describing: error))")
    }

    @Test func `A changed key file is read without a restart, and a bad one leaves the keys of before`() async throws {
        let (issuer, next) = (try Issuer(), try Issuer())
        var configuration = TokenConfiguration(
            keysFile: issuer.file, issuer: "https://issuer.example", audience: "waybill")
        configuration.lookInterval = .zero
        let verifier = try await TokenVerifier(configuration, logger: TestServer.logger)
        let (old, new) = (try await issuer.token(), try await next.token())
        func holds(_ token: String) async -> Bool { (try? await verifier.verify(token)) != nil }
        #expect(await holds(old))
        #expect(await !holds(new))
        func put(_ text: String) throws { try text.write(toFile: issuer.file, atomically: true, encoding: .utf8) }
        try put(try String(contentsOfFile: next.file, encoding: .utf8))
        #expect(await holds(new))
        #expect(await !holds(old))
        for bad in ["", "{", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","kid":"ec","k":"c2VjcmV0"}]}"#] {
            try put(bad)
            #expect(await holds(new), "\(bad)")
            #expect(await !holds(old), "\(bad)")
        }
        try FileManager.default.removeItem(atPath: issuer.file)
        #expect(await holds(new))
        try put(try String(contentsOfFile: next.file, encoding: .utf8))
        #expect(await holds(new))
    }
}
