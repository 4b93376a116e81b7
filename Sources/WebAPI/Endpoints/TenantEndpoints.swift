import Billing
import HTTPTypes
import UsageStore

/// `/v1/tenants`: who is metered. A tenant's own credential sees itself alone.
enum TenantEndpoints {
    static let all = [
        Endpoint(.get, "/v1/tenants", .usageRead, parameters: ["limit", "cursor"], answer: list),
        Endpoint(.post, "/v1/tenants", .admin, operators: true, answer: add),
    ]

    private struct Body: Decodable {
        let name: String
    }

    private static func add(_ call: Call) async throws -> Answer {
        let name = try call.json(Body.self, keys: ["name"]).name
        guard (1...128).contains(name.unicodeScalars.count), !name.utf8.contains(0) else {
            throw Problem.unprocessable("name", rule: "length", "is not 1 to 128 characters")
        }
        try await call.billing.addTenant(name, by: call.principal.id)
        return try .json(ListedTenant(name: name, confirmed: true), status: 201)
    }

    private static func list(_ call: Call) async throws -> Answer {
        let size = try call.pageSize()
        let cursor = try call.query.text("cursor").map { try Cursor($0, list: "tenants", keys: 1) }
        var tenants = try await call.store.tenants(after: cursor?.after[0] ?? "", limit: size + 1)
        // Where row-level security is on, nobody else is in it.
        if let own = call.principal.tenant { tenants.removeAll { $0.name != own.name } }
        return try .json(Page(tenants, size: size, list: "tenants") { [$0.name] })
    }
}
