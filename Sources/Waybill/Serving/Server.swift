import Hummingbird
import Ingest
import Logging
import Metering
import ServiceLifecycle
import UnixSignals
import UsageStore
import WebAPI

/// The parts of `waybill serve`: each a service of one group, stopped in the reverse order of their start.
struct Server {
    enum Role: String, CaseIterable {
        case ingest, aggregate, api
    }

    struct Settings {
        var roles: Set<Role> = Set(Role.allCases)
        var grpcListen: ListenAddress
        var apiListen: ListenAddress
        var commitInterval: Interval
        var aggregateInterval: Interval
        var retention = Retention.standard
        /// The text of each meters file.
        var meters: [String]
    }

    let settings: Settings
    let logger: Logger

    /// Serves until SIGTERM or SIGINT, or until the task is cancelled. On leaving, receivers stop first, then the last
    /// readings are committed and aggregated.
    ///
    /// - Parameter announce: told what listens where.
    func run(_ store: UsageStore, announce: @escaping @Sendable (Listening) -> Void) async throws {
        try await store.putInForce(meters: settings.meters, now: WallClock.now())
        var services: [any Service] = []
        if settings.roles.contains(.aggregate) {
            services.append(
                AggregateLoop(
                    store: store, interval: settings.aggregateInterval.duration, retention: settings.retention,
                    logger: logger))
        }
        if settings.roles.contains(.ingest) { services += try ingest(store, announce) }
        if settings.roles.contains(.api) {
            let address = settings.apiListen
            services.append(
                RESTService(on: address, announce: announce) { onListening in
                    WebAPI.application(
                        store, host: address.host, port: address.port, logger: logger, onListening: onListening)
                })
        }
        var configuration = ServiceGroupConfiguration(
            services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // An Envoy that does not let go of its stream must not keep the last commit from being made.
        configuration.maximumGracefulShutdownDuration = .seconds(9)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// What listens where.
    enum Listening: Sendable {
        case metricsService(host: String, port: Int)
        case api(host: String, port: Int)
    }

    private func ingest(
        _ store: UsageStore, _ announce: @escaping @Sendable (Listening) -> Void
    ) throws -> [any Service] {
        var configuration = IngestWorker.Configuration()
        configuration.commitInterval = settings.commitInterval.duration
        let worker = IngestWorker(
            store: store, collect: try MetersFiles.meters(settings.meters).collect, configuration: configuration,
            logger: logger)
        let receiver = MetricsServiceReceiver(
            configuration: .init(host: settings.grpcListen.host, port: settings.grpcListen.port), streams: worker,
            budget: InFlightBudget(), now: { WallClock.now().microseconds }, logger: logger,
            onListening: { announce(.metricsService(host: $0.host, port: $0.port)) })
        return [CommitLoop(worker), receiver]
    }
}
