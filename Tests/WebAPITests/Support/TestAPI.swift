import Foundation
import Hummingbird
import HummingbirdTesting
import LoadBalancerCosts
import Logging
import Metering
import PostgreSQL
import Pricing
import Reports
import Savings
import TestSupport
import UsageStore
import WebAPI

/// The routes over a database of their own with one tenant's 110 requests of 2024-11-05, one of them at 23:30 UTC.
func withAPI(_ body: @Sendable (any TestClientProtocol, UsageStore) async throws -> Void) async throws {
    try await withTestAPI(.init(authentication: .none, openAPI: try Shipped.text("docs/openapi.yaml"))) {
        try await $0.commitTraffic()
    } body: { client, store, _ in
        try await body(client, store)
    }
}

/// The same routes without keys, each answer held against the OpenAPI document.
func withOpenAPI(_ body: @Sendable (ContractClient) async throws -> Void) async throws {
    try await withAPI { client, _ in try await body(ContractClient(client: client)) }
}

/// The routes behind keys, as they are served: tenants' requests through the role that row-level security binds. acme
/// has 110 requests, globex 7.
func withGuardedAPI(
    tokens: TokenConfiguration? = nil, limits: RequestLimits = RequestLimits(), forms: InvoiceForms? = nil,
    _ body: @Sendable (ContractClient, UsageStore) async throws -> Void
) async throws {
    try await withGuardedStores(tokens: tokens, limits: limits, forms: forms) { api, store, _ in
        try await body(api, store)
    }
}

/// The same, with the stores that the routes read from.
func withGuardedStores(
    tokens: TokenConfiguration? = nil, limits: RequestLimits = RequestLimits(), forms: InvoiceForms? = nil,
    _ body: @Sendable (ContractClient, UsageStore, APIStores) async throws -> Void
) async throws {
    let document = try Shipped.text("docs/openapi.yaml")
    let resources = APIResources(
        forms: try forms ?? InvoiceForms(Shipped.templates(), script: Shipped.path("reports/print.py")),
        catalogue: try Shipped.prices(),
        feeBook: .init(
            try PriceBook(
                yaml: Shipped.text("config/price-books/standard.yaml").replacing("2026-01-01", with: "2024-01-01"),
                file: "s"), source: ""))
    try await withTestAPI(.init(tokens: tokens, limits: limits, resources: resources, openAPI: document)) {
        try await $0.commitTraffic()
        try await $0.commitTraffic(of: "globex", stream: 2, requests: [(43_260, 7)])
    } body: { client, store, stores in
        try await body(ContractClient(client: client), store, stores)
    }
}

private func withTestAPI(
    _ configuration: WebAPI.Configuration, prepare: @Sendable (UsageStore) async throws -> Void,
    body: @Sendable (any TestClientProtocol, UsageStore, APIStores) async throws -> Void
) async throws {
    try await TestServer.withDatabase { database in
        let logger = TestServer.logger
        let limits = PostgresPool.Limits(reconnect: .milliseconds(1))
        let pool = PostgresPool(database, limits: limits, logger: logger)
        var asTenants = database
        asTenants.assume(role: "waybill_api")
        let tenantPool = PostgresPool(asTenants, limits: limits, logger: logger)
        var asOperators = database
        asOperators.assume(role: "waybill_billing")
        let operatorPool = PostgresPool(asOperators, limits: limits, logger: logger)
        func end() async {
            for pool in [pool, tenantPool, operatorPool] { await pool.shutdown() }
        }
        do {
            _ = try await Migrations(directory: Shipped.path("migrations")).run(on: database, logger: logger)
            try await pool.execute("UPDATE metering_start SET made_at = '2024-01-01 00:00:00+00'")
            let store = UsageStore(pool: pool, logger: logger)
            try await prepare(store)
            let stores =
                configuration.authentication == .none
                ? APIStores(tenants: store, operators: store)
                : APIStores(
                    tenants: UsageStore(pool: tenantPool, logger: logger),
                    operators: UsageStore(pool: operatorPool, logger: logger))
            let api = try await WebAPI(stores, configuration: configuration)
            let application = Application(router: api.router(), logger: logger)
            try await application.test(.router) { try await body(CheckedClient(base: $0), store, stores) }
        } catch {
            await end()
            throw error
        }
        await end()
    }
}

extension Shipped {
    static func templates() throws -> ReportTemplates { try ReportTemplates(directory: path("reports")) }

    static func prices() throws -> PriceCatalogue {
        let names = try FileManager.default.contentsOfDirectory(atPath: path("config/prices")).filter {
            $0.hasSuffix(".yaml")
        }
        return try PriceCatalogue(
            files: names.sorted().map { PriceFile(name: $0, text: try text("config/prices/" + $0)) })
    }
}

extension UsageStore {
    fileprivate func commitTraffic(
        of tenant: String = "acme", stream: Int64 = 1,
        requests: [(Int64, Double)] = [(43_260, 100), (43_320, 109), (84_600, 110)]
    ) async throws {
        let meters = try Shipped.meters()
        // 2024-11-05T00:00:00Z
        let day = Timestamp(seconds: 1_730_764_800)
        try await putInForce(meters: [meters], now: day)
        var tape = StreamTape(stream: StreamID(rawValue: stream), collect: .everything)
        for (seconds, value) in requests {
            let time = day.advanced(byMicroseconds: seconds * 1_000_000)
            tape.receiveTime(sentMilliseconds: time.microseconds / 1000, receivedAt: time)
            if tape.wants(Array("http.tenant_\(tenant).downstream_rq_completed".utf8).span) {
                tape.receiveCounter(value)
            }
            if tape.wants(Array("server.uptime".utf8).span) { tape.receiveGauge(Double(seconds - 43_200)) }
        }
        tape.end()
        let identity = StreamIdentity(gateway: "edge", instance: "envoy-\(stream)", bootID: "boot-\(stream)")
        _ = try await commit([StreamCommit(identity: identity, tape: tape, stored: StoredStream())])
        try await aggregate()
    }
}

extension TestResponse {
    var json: [String: Any] {
        get throws {
            try JSONSerialization.jsonObject(with: Data(body.readableBytesView)) as? [String: Any] ?? [:]
        }
    }
}
