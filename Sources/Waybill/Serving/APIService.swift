import Hummingbird
import Logging
import PostgreSQL
import ServiceLifecycle
import UsageStore
import WebAPI

/// REST and its operations listener as services, each on connections of its own: tenants' requests go through the role
/// that row-level security binds, operators' through the one that may change invoices.
struct APIService: Sendable {
    static let tenantsRole = "waybill_api"
    static let operatorsRole = "waybill_billing"

    let address: ListenAddress
    let configuration: WebAPI.Configuration
    let operations: ListenAddress?

    /// The services, and what ends their connections.
    func services(
        _ store: UsageStore, logger: Logger, announce: @escaping @Sendable (Server.Listening) -> Void
    ) async throws -> [any Service] {
        let stores = APIStores(
            tenants: try await connections(store, as: Self.tenantsRole, size: 8, logger),
            operators: try await connections(store, as: Self.operatorsRole, size: 4, logger))
        let statistics = RequestStatistics()
        let api = try await api(stores, statistics)
        var services: [any Service] = [
            PoolService(pools: [stores.tenants.pool, stores.operators.pool]),
            try RESTService(
                on: address, named: "REST", announce: { announce(.api(host: address.host, port: $0)) }
            ) { onListening in
                try api.application(host: address.host, port: address.port, logger: logger, onListening: onListening)
            },
        ]
        if let operations {
            services.append(
                RESTService(
                    on: operations, named: "the operations listener",
                    announce: { announce(.operations(host: operations.host, port: $0)) }
                ) { onListening in
                    Operations(stores.operators, statistics: statistics).application(
                        host: operations.host, port: operations.port, logger: logger, onListening: onListening)
                })
        }
        return services
    }

    private func api(_ stores: APIStores, _ statistics: RequestStatistics) async throws -> WebAPI {
        do {
            return try await WebAPI(stores, configuration: configuration, statistics: statistics)
        } catch let error as WebAPI.ConfigurationError {
            throw CommandError(.usage, error.message)
        }
    }

    private func connections(
        _ store: UsageStore, as role: String, size: Int, _ logger: Logger
    ) async throws -> UsageStore {
        var configuration = store.pool.configuration
        configuration.statementTimeout = .seconds(10)
        if try await store.canAssume(role: role) {
            configuration.assume(role: role)
        } else {
            logger.warning(
                "REST works with the rights of the database's user: it may not become \(role); see docs/operating.md")
        }
        var limits = PostgresPool.Limits()
        limits.size = size
        limits.wait = .seconds(5)
        limits.reconnect = .seconds(2)
        return UsageStore(pool: PostgresPool(configuration, limits: limits, logger: logger), logger: logger)
    }
}

/// Holds pools until the services above it have ended.
private struct PoolService: Service {
    let pools: [PostgresPool]

    func run() async throws {
        try? await gracefulShutdown()
        for pool in pools { await pool.shutdown() }
    }
}
