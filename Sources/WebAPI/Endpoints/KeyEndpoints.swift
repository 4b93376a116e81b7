import HTTPTypes
import Metering
import Pricing
import UsageStore

/// `/v1/keys`: the operator's API keys.
enum KeyEndpoints {
    static let all = [
        Endpoint(.get, "/v1/keys", .admin, operators: true, parameters: ["tenant", "limit", "cursor"], answer: list),
        Endpoint(.post, "/v1/keys", .admin, operators: true, answer: create),
        Endpoint(.delete, "/v1/keys/{prefix}", .admin, operators: true, answer: revoke),
    ]

    private struct Body: Decodable {
        let name: String
        let tenant: String?
        let scopes: [String]
        let expiresAt: String?
    }

    /// A key as it is answered. `key` is there once: in the answer that made it.
    struct Item: Encodable, Sendable {
        let prefix: String
        let name: String
        let tenant: String?
        let scopes: [String]
        let createdAt: String
        let expiresAt: String?
        let revokedAt: String?
        let lastUsedAt: String?
        let key: String?

        init(_ stored: StoredAPIKey, key: String? = nil) {
            prefix = stored.prefix
            name = stored.name
            tenant = stored.tenant
            scopes = stored.scopes
            createdAt = stored.createdAt.description
            expiresAt = stored.expiresAt?.description
            revokedAt = stored.revokedAt?.description
            lastUsedAt = stored.lastUsedAt?.description
            self.key = key
        }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let size = try call.pageSize()
        let list = "keys\u{0}" + (try call.query.text("tenant") ?? "")
        let cursor = try call.query.text("cursor").map { try Cursor($0, list: list, keys: 1) }
        let keys = try await call.store.apiKeys(
            tenant: try call.query.text("tenant"), after: cursor?.after[0] ?? "", limit: size + 1)
        return try .json(Page(keys.map { Item($0) }, size: size, list: list) { [$0.prefix] })
    }

    private static func create(_ call: Call) async throws -> Answer {
        let body = try call.json(Body.self, keys: ["name", "tenant", "scopes", "expires_at"])
        guard (1...64).contains(body.name.unicodeScalars.count), !body.name.utf8.contains(0) else {
            throw Problem.unprocessable("name", rule: "length", "is not 1 to 64 characters")
        }
        let scopes: [String]
        do {
            scopes = try NewAPIKey.checked(body.scopes, forTenant: body.tenant != nil)
        } catch {
            throw Problem.unprocessable("scopes", rule: "enum", error.message)
        }
        var expires: Timestamp?
        if let text = body.expiresAt {
            do {
                expires = Timestamp(microseconds: try RFC3339.microseconds(text))
            } catch {
                throw Problem.unprocessable("expires_at", rule: "format", error.message)
            }
        }
        if let tenant = body.tenant, try await call.store.tenantNumber(tenant) == nil {
            throw Problem.unprocessable("tenant", rule: "unknown", "there is no tenant \(tenant)")
        }
        let (key, stored) = try await NewAPIKey(
            name: body.name, tenant: body.tenant, scopes: scopes, expiresAt: expires
        ).stored(in: call.store)
        var answer = try Answer.json(Item(stored, key: key.text), status: 201)
        answer.headers[.location] = "/v1/keys/" + key.prefix
        answer.headers[.cacheControl] = "no-store"
        return answer
    }

    private static func revoke(_ call: Call) async throws -> Answer {
        let prefix = try call.path("prefix")
        guard call.principal.id != "key:" + prefix else {
            throw Problem.conflict("a key does not revoke itself: nobody may be left to make another; use a second key")
        }
        guard try await call.store.revokeAPIKey(prefix) else { throw Problem.notFound("there is no key \(prefix)") }
        call.stores.recentKeys.forgetAll()
        return .nothing
    }
}

extension Call {
    /// How many entries of a list are asked for: 100 unless told.
    func pageSize() throws -> Int { try query.integer("limit", in: 1...limits.page) ?? 100 }
}
