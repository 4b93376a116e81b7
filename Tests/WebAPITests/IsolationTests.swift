import Billing
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import PostgreSQL
import TestSupport
import Testing
import UsageStore

@testable import WebAPI

/// Every path and method of the OpenAPI document, asked by somebody who may not. Generated from the document: an operation
/// that is added is asked too.
@Suite struct IsolationTests {
    /// An operation with the ids of one tenant in its address.
    private struct Asked: Sendable {
        let operation: APIDocument.Operation
        let uri: String
        /// Whether the address itself names what is another's.
        let namesOther: Bool
    }

    /// All operations with a tenant's ids: in the path, and as `tenant=`.
    private static func all(of other: BilledTenant, keyPrefix: String) throws -> [Asked] {
        let document = try APIDocument.shipped.get()
        return document.operations.flatMap { operation -> [Asked] in
            let path = operation.path
            let ids: [String] =
                switch true {
                case path.contains("/invoices/{id}"): other.invoices
                case path.contains("/contracts/{id}"): [other.contract]
                case path.contains("/credit-notes/{id}"): [other.creditNote]
                case path.contains("/price-books/{id}"): ["cents"]
                default: [""]
                }
            let takesTenant = document.queryNames(method: operation.method, path: path).contains("tenant")
            let query = document.query(
                method: operation.method, path: path,
                changing: ["tenant": other.name, "invoice": other.number, "number": other.number, "zone": "UTC"])
            return ids.map { id in
                let address =
                    path.replacingOccurrences(of: "{id}", with: id).replacingOccurrences(
                        of: "{prefix}", with: keyPrefix
                    )
                    .replacingOccurrences(of: "{period}", with: "2024-11").replacingOccurrences(
                        of: "{name}", with: "b-1"
                    )
                    .replacingOccurrences(of: "{effective}", with: "2024-01-01")
                let price = path.contains("/forecasts/") ? (query.isEmpty ? "?" : "&") + "price_book=cents" : ""
                return Asked(
                    operation: operation, uri: address + query + price,
                    namesOther: takesTenant || (path.contains("{id}") && !path.contains("/price-books/")))
            }
        }
    }

    private static func body(_ asked: Asked) throws -> Data? {
        guard asked.operation.method == "POST" else { return nil }
        if asked.operation.path == "/v1/simulations" {
            return Data(#"{"period":"2024-11","price_book":"cents","factor":"10","hours":2}"#.utf8)
        }
        let example = try APIDocument.shipped.get().example(method: "POST", path: asked.operation.path)
        return example ?? Data("{}".utf8)
    }

    private static func endpoint(_ operation: APIDocument.Operation) throws -> Endpoint {
        try #require(
            WebAPI.endpoints.first { $0.method.rawValue == operation.method && $0.path == operation.path },
            "\(operation)")
    }

    /// Two billed tenants, and every operation with the ids of globex.
    private func withTenants(
        _ body: @Sendable (ContractClient, UsageStore, BilledTenant, _ globexKey: String) async throws -> Void
    ) async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            _ = try await BilledTenant("acme", api, key: admin, store: store)
            let globex = try await BilledTenant("globex", api, key: admin, store: store)
            try await body(api, store, globex, try await store.key(tenant: "globex", "usage:read", "invoice:read"))
        }
    }

    private static func prefix(_ key: String) -> String { String(key.dropFirst(APIKey.scheme.count).prefix(8)) }

    @Test func `With another tenant's ids everything is 404, and nothing of that tenant is said`() async throws {
        try await withTenants { api, store, globex, globexKey in
            let acme = try await store.key(tenant: "acme", "usage:read", "invoice:read")
            for asked in try Self.all(of: globex, keyPrefix: Self.prefix(globexKey)) {
                let method = try #require(HTTPRequest.Method(asked.operation.method))
                let answer = try await api.send(method, asked.uri, key: acme, body: try Self.body(asked))
                let comment: Comment = "\(method) \(asked.uri): \(answer.status.code)"
                let isOperators = try Self.endpoint(asked.operation).isOperators
                if asked.namesOther || isOperators {
                    #expect(answer.status == .notFound, comment)
                } else {
                    #expect(answer.status.code < 500 && !Self.tells(answer, of: globex), comment)
                }
            }
            // Asked by globex, the same addresses are there: they are not 404 for another reason.
            var own = 0
            for asked in try Self.all(of: globex, keyPrefix: "") where asked.namesOther {
                guard !(try Self.endpoint(asked.operation).isOperators) else { continue }
                let method = try #require(HTTPRequest.Method(asked.operation.method))
                let answer = try await api.send(method, asked.uri, key: globexKey, body: try Self.body(asked))
                #expect(answer.status == .ok || answer.status == .conflict, "\(method) \(asked.uri): \(answer.body)")
                own += 1
            }
            #expect(own >= 20)
        }
    }

    private static func tells(_ answer: TestResponse, of tenant: BilledTenant) -> Bool {
        let text = String(buffer: answer.body)
        return answer.status.code < 300
            && ([tenant.name, tenant.contract, tenant.creditNote] + tenant.invoices).contains { text.contains($0) }
    }

    @Test func `Without a credential everything is 401, and with too small a scope 403`() async throws {
        try await withTenants { api, store, globex, globexKey in
            let reader = try await store.key("usage:read")
            let prices = try await store.key("price:write")
            let tenants = [
                "usage": try await store.key(tenant: "globex", "usage:read"),
                "invoice": try await store.key(tenant: "globex", "invoice:read"),
            ]
            for asked in try Self.all(of: globex, keyPrefix: Self.prefix(globexKey)) {
                let method = try #require(HTTPRequest.Method(asked.operation.method))
                let endpoint = try Self.endpoint(asked.operation)
                let body = try Self.body(asked)
                let comment: Comment = "\(method) \(asked.uri)"
                #expect(try await api.send(method, asked.uri, body: body).status == .unauthorized, comment)
                let small = endpoint.scope == .usageRead ? prices : reader
                #expect(try await api.send(method, asked.uri, key: small, body: body).status == .forbidden, comment)
                guard !endpoint.isOperators else { continue }
                let other = endpoint.scope == .usageRead ? tenants["invoice"] : tenants["usage"]
                #expect(try await api.send(method, asked.uri, key: other, body: body).status == .forbidden, comment)
            }
        }
    }

    // MARK: - Each wall alone

    /// Which of the walls stand.
    struct Walls: Sendable, CustomTestStringConvertible {
        let check: Bool
        let rows: Bool
        var testDescription: String {
            "tenant check \(check ? "on" : "off"), row-level security \(rows ? "on" : "off")"
        }
    }

    @Test(arguments: [
        Walls(check: true, rows: true), Walls(check: true, rows: false), Walls(check: false, rows: true),
        Walls(check: false, rows: false),
    ])
    func `Each wall alone keeps tenants apart; without both this sweep finds what leaks`(walls: Walls) async throws {
        try await withTenants { api, store, globex, globexKey in
            if !walls.rows {
                for row in try await store.pool.execute(
                    "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relnamespace = current_schema()::regnamespace"
                ) {
                    let table: String = try row.decode(0)
                    _ = try await store.pool.withConnection {
                        try await $0.executeOnce("ALTER TABLE \"\(table)\" DISABLE ROW LEVEL SECURITY")
                    }
                }
            }
            let acme = try await store.key(tenant: "acme", "usage:read", "invoice:read")
            let asked = try Self.all(of: globex, keyPrefix: Self.prefix(globexKey))
            var leaks: Set<String> = []
            if walls.check {
                for asked in asked {
                    guard try await self.leaks(asked, globex, api.client, key: acme) else { continue }
                    leaks.insert(asked.operation.path)
                }
            } else {
                leaks = try await withoutCheck(store) { client in
                    var leaks: Set<String> = []
                    for asked in asked where !(try Self.endpoint(asked.operation).isOperators) {
                        guard try await self.leaks(asked, globex, client, key: nil) else { continue }
                        leaks.insert(asked.operation.path)
                    }
                    return leaks
                }
            }
            if walls.check || walls.rows {
                #expect(leaks == [])
            } else {
                // All that a tenant may ask and that is of a tenant. (verify answers in links alone.)
                #expect(
                    leaks.isSuperset(of: [
                        "/v1/usage/monthly", "/v1/usage", "/v1/usage/gaps", "/v1/invoices", "/v1/invoices/{id}",
                        "/v1/invoices/{id}/explain", "/v1/invoices/{id}/readings", "/v1/contracts",
                        "/v1/contracts/{id}",
                        "/v1/credit-notes", "/v1/credit-notes/{id}", "/v1/tenants",
                    ]), "\(leaks)")
            }
        }
    }

    /// Whether somebody else is answered, or told of the tenant.
    private func leaks(
        _ asked: Asked, _ tenant: BilledTenant, _ client: any TestClientProtocol, key: String?
    ) async throws -> Bool {
        let method = try #require(HTTPRequest.Method(asked.operation.method))
        let answer = try await client.execute(
            uri: asked.uri, method: method, headers: key.map { [.authorization: "Bearer \($0)"] } ?? [:],
            body: try Self.body(asked).map { ByteBuffer(bytes: $0) })
        let isOthers = asked.namesOther && asked.uri.contains("/invoices/")
        return answer.status.code < 300 && (isOthers || Self.tells(answer, of: tenant))
    }

    /// The endpoints as if the tenant check were gone: they are told that acme's credential is globex's. Row-level security
    /// goes by the number, which stays acme's.
    private func withoutCheck(
        _ store: UsageStore, _ body: @Sendable (any TestClientProtocol) async throws -> Set<String>
    ) async throws -> Set<String> {
        let number = try #require(try await store.tenantNumber("acme"))
        let forged = Principal(
            id: "forged", tenant: .init(id: number, name: "globex"), scopes: [.usageRead, .invoiceRead])
        var asTenants = store.pool.configuration
        asTenants.assume(role: "waybill_api")
        let pool = PostgresPool(asTenants, limits: PostgresPool.Limits(size: 2), logger: TestServer.logger)
        let stores = APIStores(tenants: UsageStore(pool: pool, logger: TestServer.logger), operators: store)
        let router = Router()
        for endpoint in WebAPI.endpoints where !endpoint.isOperators {
            router.on(RouterPath(endpoint.path), method: endpoint.method) { request, context -> Response in
                do {
                    let call = Call(
                        request: request, parameters: context.parameters,
                        query: try Query(request, allowed: endpoint.parameters), principal: forged,
                        body: Array(buffer: try await request.body.collect(upTo: 1 << 20)), stores: stores,
                        resources: APIResources(), limits: RequestLimits(), logger: context.logger)
                    return try await call.asPrincipal { try await endpoint.answer(call) }.response(to: request)
                } catch {
                    return Response(status: .notFound)
                }
            }
        }
        do {
            let leaks = try await Application(router: router, logger: TestServer.logger).test(.router) {
                try await body($0)
            }
            await pool.shutdown()
            return leaks
        } catch {
            await pool.shutdown()
            throw error
        }
    }
}
