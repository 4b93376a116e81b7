import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PostgreSQL
import Testing
import UsageStore

@testable import WebAPI

/// API keys: who may, and who may not.
@Suite struct KeyAccessTests {
    private static let usage = "/v1/usage/monthly?period=2024-11"

    private func key(
        _ store: UsageStore, tenant: String? = nil, _ scopes: [String] = ["usage:read"]
    ) async throws -> String {
        try await NewAPIKey(name: "test", tenant: tenant, scopes: scopes, expiresAt: nil).store(in: store).text
    }

    @Test func `A key is 256 random bits with a checksum that finds a wrong character`() {
        var generator = SystemRandomNumberGenerator()
        let key = APIKey(using: &generator)
        #expect(key.text.utf8.count == 57)
        #expect(APIKey(key.text) == key)
        for index in key.text.indices {
            var wrong = key.text
            wrong.replaceSubrange(index...index, with: key.text[index] == "x" ? "y" : "x")
            #expect(APIKey(wrong) == nil)
        }
        #expect(APIKey(key.text + "0") == nil)
        #expect(APIKey("") == nil)
        #expect(APIKey(using: &generator) != key)
    }

    @Test func `A tenant's key sees that tenant and no other`() async throws {
        try await withGuardedAPI { api, store in
            let acme = try await key(store, tenant: "acme")
            #expect(try await api.send(.get, Self.usage, key: acme).json["requests"] as? Int == 110)
            #expect(try await api.send(.get, Self.usage + "&tenant=acme", key: acme).status == .ok)
            #expect(try await api.send(.get, Self.usage + "&tenant=globex", key: acme).status == .notFound)
            #expect(try await api.send(.get, Self.usage + "&tenant=nobody", key: acme).status == .notFound)
            let listed = try await api.send(.get, "/v1/tenants", key: acme).json["items"] as? [[String: Any]]
            #expect(listed?.map { $0["name"] as? String } == ["acme"])
            let globex = try await key(store, tenant: "globex")
            #expect(try await api.send(.get, Self.usage, key: globex).json["requests"] as? Int == 7)
        }
    }

    @Test func `The operator's key names a tenant`() async throws {
        try await withGuardedAPI { api, store in
            let operators = try await key(store)
            #expect(try await api.send(.get, Self.usage, key: operators).status == .badRequest)
            #expect(
                try await api.send(.get, Self.usage + "&tenant=globex", key: operators).json["requests"] as? Int == 7)
            let listed = try await api.send(.get, "/v1/tenants", key: operators).json["items"] as? [[String: Any]]
            #expect(listed?.map { $0["name"] as? String } == ["acme", "globex"])
        }
    }

    @Test func `A credential that does not hold gets 401, whatever is wrong with it`() async throws {
        try await withGuardedAPI { api, store in
            let revoked = try await key(store, tenant: "acme")
            #expect(try await store.revokeAPIKey(String(revoked.dropFirst(8).prefix(8))))
            let expired = try await key(store, tenant: "acme")
            try await store.pool.execute(
                "UPDATE api_key SET expires_at = now() - interval '1 second' WHERE prefix = $1",
                [String(expired.dropFirst(8).prefix(8))])
            var generator = SystemRandomNumberGenerator()
            let unknown = APIKey(using: &generator).text
            let answers = [
                try await api.send(.get, Self.usage),
                try await api.send(.get, Self.usage, key: revoked), try await api.send(.get, Self.usage, key: expired),
                try await api.send(.get, Self.usage, key: unknown),
                try await api.send(.get, Self.usage, key: String(unknown.dropLast())),
                try await api.send(.get, Self.usage, key: "waybill_"), try await api.send(.get, Self.usage, key: "x"),
                try await api.send(.get, Self.usage, headers: [.authorization: "Basic YTpi"]),
                try await api.send(.get, Self.usage, headers: [.authorization: "Bearer"]),
            ]
            #expect(answers.map(\.status.code) == Array(repeating: 401, count: answers.count))
            #expect(answers.allSatisfy { $0.headers[.wwwAuthenticate] == "Bearer realm=\"waybill\"" })
            // One answer for all: it tells nobody whether a key was ever there.
            #expect(Set(try answers[1...6].map { try $0.json["detail"] as? String }).count == 1)
        }
    }

    @Test func `A key without the scope gets 403, and a tenant's key nothing of the operator's`() async throws {
        try await withGuardedAPI { api, store in
            let reader = try await key(store)
            #expect(try await api.send(.get, "/v1/keys", key: reader).status == .forbidden)
            let invoices = try await key(store, tenant: "acme", ["invoice:read"])
            #expect(try await api.send(.get, Self.usage, key: invoices).status == .forbidden)
            let acme = try await key(store, tenant: "acme")
            #expect(try await api.send(.get, "/v1/keys", key: acme).status == .notFound)
            let admin = try await key(store, ["admin"])
            #expect(try await api.send(.get, Self.usage + "&tenant=acme", key: admin).status == .ok)
        }
    }

    @Test func `A tenant's key can not be given an operator's scope`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await key(store, ["admin"])
            let body = Data(#"{"name":"x","tenant":"acme","scopes":["usage:read","admin"]}"#.utf8)
            let answer = try await api.send(.post, "/v1/keys", key: admin, body: body)
            #expect(answer.status == .unprocessableContent)
            #expect((try answer.json["detail"] as? String)?.contains("admin is not a scope of a tenant's key") == true)
        }
    }

    @Test func `A key that is made over HTTP works until it is revoked, and is shown once`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await key(store, ["admin"])
            let body = Data(#"{"name":"grafana","tenant":"acme","scopes":["usage:read"]}"#.utf8)
            let made = try await api.send(.post, "/v1/keys", key: admin, body: body)
            #expect(made.status == .created)
            let text = try #require(try made.json["key"] as? String)
            let location = try #require(made.headers[.location])
            #expect(try await api.send(.get, Self.usage, key: text).status == .ok)
            let list = try await api.send(.get, "/v1/keys?tenant=acme", key: admin)
            #expect(!String(buffer: list.body).contains(text))
            let used = (try list.json["items"] as? [[String: Any]])?.first?["last_used_at"]
            #expect(used is String)
            #expect(try await api.send(.delete, location, key: admin).status == .noContent)
            #expect(try await api.send(.get, Self.usage, key: text).status == .unauthorized)
            #expect(try await api.send(.delete, "/v1/keys/none", key: admin).status == .notFound)
        }
    }

    @Test func `A key that is in use and ends elsewhere is let in for a second at most`() async throws {
        try await withGuardedAPI { api, store in
            for end in ["revoked_at = now()", "expires_at = now()"] {
                let text = try await key(store, tenant: "acme")
                #expect(try await api.send(.get, Self.usage, key: text).status == .ok)
                _ = try await store.pool.withConnection {
                    try await $0.executeOnce(
                        "UPDATE api_key SET \(end) WHERE revoked_at IS NULL AND expires_at IS NULL")
                }
                try await Task.sleep(for: RecentKeys.lifetime + .milliseconds(50))
                #expect(try await api.send(.get, Self.usage, key: text).status == .unauthorized, "\(end)")
            }
        }
    }

    @Test func `No column of the database holds a key`() async throws {
        try await withGuardedAPI { api, store in
            let text = try await key(store, tenant: "acme")
            _ = try await api.send(.get, Self.usage, key: text)
            let rows = try await store.pool.execute("SELECT api_key::text FROM api_key")
            for row in rows { #expect(try !row.decode(0, as: String.self).contains(text.dropFirst(16))) }
        }
    }
}
