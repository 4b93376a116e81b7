import Ingest
import Logging
import Metering
import ServiceLifecycle
import UnixSignals
import UsageStore

/// The parts of `waybill serve`: each a service of one group, stopped in the reverse order of their start.
struct Server {
    enum Role: String, CaseIterable {
        case ingest, aggregate, api
    }

    struct Settings {
        var roles: Set<Role> = Set(Role.allCases)
        var grpcListen: ListenAddress
        var api: APIService
        var commitInterval: Interval
        var aggregateInterval: Interval
        var retention = Retention.standard
        /// The text of each meters file.
        var meters: [String]
        /// They are the shipped ones: put in force only where no version is known.
        var metersAreShipped = false
        var ingest = IngestSettings()
        /// Where sums of delta sources are kept; made where there are such sources.
        var spoolDirectory = ""
    }

    let settings: Settings
    let logger: Logger

    /// Serves until SIGTERM or SIGINT, or until the task is cancelled. On leaving, receivers stop first, then the last
    /// readings are committed and aggregated.
    ///
    /// - Parameter announce: told what listens where.
    func run(_ store: UsageStore, announce: @escaping @Sendable (Listening) -> Void) async throws {
        try await store.putInForce(
            meters: settings.meters, onlyIfNone: settings.metersAreShipped, now: WallClock.now())
        let collect =
            try await store.metersInForce(at: WallClock.now())?.collect
            ?? MetersFiles.meters(settings.meters).collect
        var services: [any Service] = []
        if settings.roles.contains(.aggregate) {
            services.append(
                AggregateLoop(
                    store: store, interval: settings.aggregateInterval.duration, retention: settings.retention,
                    logger: logger))
        }
        if settings.roles.contains(.ingest) { services += try await ingest(store, collect, announce) }
        if settings.roles.contains(.api) {
            services += try await settings.api.services(store, logger: logger, announce: announce)
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
        case statsd(String, host: String, port: Int)
        case otlpHTTP(host: String, port: Int)
        case api(host: String, port: Int)
        case operations(host: String, port: Int)
    }

    private func ingest(
        _ store: UsageStore, _ collect: CollectPatterns, _ announce: @escaping @Sendable (Listening) -> Void
    ) async throws -> [any Service] {
        let now: @Sendable () -> Timestamp = { WallClock.now() }
        let settings = self.settings.ingest
        var configuration = IngestWorker.Configuration()
        configuration.commitInterval = self.settings.commitInterval.duration
        configuration.limits = settings.names
        configuration.deltaGateways = settings.deltaGateways
        configuration.ignoredTags = settings.ignoredTags
        configuration.heldReadings = settings.heldReadings
        let deltas = settings.hasDeltas ? try await takeUpOdometers(store, collect) : nil
        let worker = IngestWorker(
            store: store, collect: collect, configuration: configuration, odometers: deltas?.book, logger: logger,
            now: now)
        let otlp = OTLPReceiver(
            identity: settings.otlp, worker: worker, store: store, collect: collect, limits: settings.names)
        let budget = InFlightBudget(limit: settings.inFlightBytes)
        let evidence = EvidenceBook()
        var services: [any Service] = [
            CommitLoop(worker),
            EvidenceLoop(
                book: evidence, store: store, interval: configuration.commitInterval, logger: logger, now: now),
        ]
        if let deltas { services.append(deltas.loop) }
        var tls: ServerTLS?
        if let files = settings.tls?.files {
            let made = try ServerTLS(files, logger: logger)
            services.append(made)
            tls = made
        }
        var receiver = MetricsServiceReceiver.Configuration(
            host: self.settings.grpcListen.host, port: self.settings.grpcListen.port,
            largestMessage: settings.largestMessage)
        receiver.streamsPerPeer = settings.streamsPerPeer
        services.append(
            MetricsServiceReceiver(
                configuration: receiver, streams: worker, otlp: otlp, evidence: evidence, budget: budget, tls: tls,
                access: GatewayAccess(gateways: settings.tls?.gateways), now: { WallClock.now().microseconds },
                logger: logger, onListening: { announce(.metricsService(host: $0.host, port: $0.port)) }))
        if let http = settings.otlpHTTP {
            services.append(
                try RESTService(
                    on: http, named: "OTLP by HTTP", announce: { announce(.otlpHTTP(host: http.host, port: $0)) }
                ) { onListening in
                    try OTLPHTTP.application(
                        otlp, evidence: evidence, address: http, budget: budget,
                        largestMessage: settings.largestMessage, tls: tls,
                        access: GatewayAccess(gateways: settings.tls?.gateways), logger: logger,
                        onListening: onListening)
                })
        }
        if let book = deltas?.book { services += statsd(book, tls, now, announce) }
        for pull in settings.pulls {
            services.append(
                PrometheusPuller(
                    configuration: pull, worker: worker, collect: collect, limits: settings.names, logger: logger,
                    now: now))
        }
        return services
    }

    private func statsd(
        _ book: OdometerBook, _ tls: ServerTLS?, _ now: @escaping @Sendable () -> Timestamp,
        _ announce: @escaping @Sendable (Listening) -> Void
    ) -> [any Service] {
        let statsd = settings.ingest.statsd
        let senders = StatsdSenders(rules: statsd.senders)
        var services: [any Service] = []
        if let udp = statsd.udp {
            var configuration = StatsdUDPReceiver.Configuration(host: udp.host, port: udp.port)
            configuration.threads = Int(clamping: statsd.threads)
            configuration.receiveBuffer = Int(clamping: statsd.receiveBuffer)
            services.append(
                StatsdUDPReceiver(
                    configuration: configuration, senders: senders, book: book, logger: logger, now: now,
                    onListening: { announce(.statsd("UDP", host: $0.host, port: $0.port)) }))
        }
        if let tcp = statsd.tcp {
            services.append(
                StatsdTCPReceiver(
                    host: tcp.host, port: tcp.port, senders: senders, book: book, tls: tls,
                    access: GatewayAccess(gateways: settings.ingest.tls?.gateways), logger: logger, now: now,
                    onListening: { announce(.statsd("TCP", host: $0.host, port: $0.port)) }))
        }
        return services
    }

    /// The odometers of before, each at the higher of spool and stored tape, and the loop that seals them.
    private func takeUpOdometers(
        _ store: UsageStore, _ collect: CollectPatterns
    ) async throws -> (book: OdometerBook, loop: SealLoop) {
        let spool = try Spool(files: DiskSpoolFiles(settings.spoolDirectory))
        let recovery = spool.recovery
        var standing = recovery.odometers
        for stored in try await store.odometers(of: spool.epoch) {
            let key = OdometerKey(source: stored.source, gateway: stored.gateway, instance: stored.instance)
            standing[key] = standing[key]?.merged(with: stored.sealing) ?? stored.sealing
        }
        if recovery.segments > 0 || recovery.damagedSegments > 0 {
            logger.notice(
                "the spool was taken up",
                metadata: [
                    "odometers": "\(standing.count)", "segments": "\(recovery.segments)",
                    "damaged_segments": "\(recovery.damagedSegments)", "dropped_bytes": "\(recovery.droppedBytes)",
                ])
        }
        var limits = OdometerBook.Limits()
        limits.names = settings.ingest.names
        let book = OdometerBook(epoch: spool.epoch, collect: collect, resuming: standing, limits: limits)
        return (book, SealLoop(book: book, spool: spool, logger: logger, now: { WallClock.now() }))
    }
}
