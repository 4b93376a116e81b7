package import Logging
package import Metering
internal import NIOCore
internal import ServiceLifecycle
internal import Synchronization
internal import WireFormats

/// Pulls `/stats/prometheus` of Envoys at an interval: the way into an EnRoute as it is.
///
/// Values are totals, so a scrape that fails is made up for by the next one. What a process counted between its last scrape
/// and its end is lost, and a hot restart may show again what its parent had shown: the child's first values are a
/// baseline, never usage (traps 22 and 24).
package struct PrometheusPuller: Service {
    package struct Configuration: Sendable {
        package var gateway: String
        package var targets: [PrometheusTarget] = []
        /// Names that are looked up before each round: one instance for each of its addresses.
        package var names: [PrometheusTarget] = []
        /// Microseconds.
        package var interval: Int64 = 5_000_000
        package var largestScrape = 64 << 20
        package var scrapesAtOnce = 64
        /// Labels that are no part of a name.
        package var ignoredTags: Set<String> = []

        package init(gateway: String) {
            self.gateway = gateway
        }
    }

    private let configuration: Configuration
    private let worker: IngestWorker
    private let collect: CollectPatterns
    private let limits: StreamTape.Limits
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    /// The targets that a name stands for now. Blocks.
    private let resolve: @Sendable (PrometheusTarget) throws -> [PrometheusTarget]
    private let state = State()

    private final class State: Sendable {
        let sources = Mutex<[String: PrometheusSource]>([:])
        let failing = Mutex<Set<String>>([])
    }

    package init(
        configuration: Configuration, worker: IngestWorker, collect: CollectPatterns,
        limits: StreamTape.Limits = StreamTape.Limits(), logger: Logger, now: @escaping @Sendable () -> Timestamp,
        resolve: @escaping @Sendable (PrometheusTarget) throws -> [PrometheusTarget] = { try $0.resolved() }
    ) {
        self.resolve = resolve
        self.configuration = configuration
        self.worker = worker
        self.collect = collect
        self.limits = limits
        self.logger = logger
        self.now = now
    }

    package func run() async throws {
        let clock = ContinuousClock()
        await cancelWhenGracefulShutdown {
            var next = clock.now
            while !Task.isCancelled {
                await pullAll()
                next = max(next + .microseconds(configuration.interval), clock.now)
                try? await clock.sleep(until: next)
            }
        }
        // What was counted since is read once more, where the Envoys still answer.
        await pullAll()
    }

    private func pullAll() async {
        let targets = await targets()
        let timeout = TimeAmount.microseconds(max(2_000_000, configuration.interval))
        await withDiscardingTaskGroup { group in
            var started = 0
            for target in targets.prefix(20_000) {
                started += 1
                group.addTask { await pull(target, timeout) }
                if started % configuration.scrapesAtOnce == 0 { await Task.yield() }
            }
        }
        let known = Set(targets.map(\.instance))
        let gone = state.sources.withLock { sources in
            let gone = sources.filter { !known.contains($0.key) }
            for key in gone.keys { sources[key] = nil }
            return gone
        }
        for source in gone.values { source.end() }
    }

    private func targets() async -> [PrometheusTarget] {
        var targets = configuration.targets
        for name in configuration.names {
            let found = Mutex<Result<[PrometheusTarget], any Error>>(.success([]))
            await onThread { found.withLock { $0 = Result { try resolve(name) } } }
            do {
                targets += try found.withLock { try $0.get() }
                recovered(name.host)
            } catch {
                failed(name.host, "the Envoys to pull from are not known", error)
                // Those that were known are pulled on.
                let suffix = ":\(name.port)"
                targets += state.sources.withLock { Array($0.keys) }.filter { $0.hasSuffix(suffix) }
                    .compactMap { PrometheusTarget("http://\($0)\(name.path)") }
            }
        }
        return targets
    }

    private func pull(_ target: PrometheusTarget, _ timeout: TimeAmount) async {
        do {
            let scrape = try await HTTPGet.body(
                host: target.host, port: target.port, path: target.path, largest: configuration.largestScrape,
                timeout: timeout)
            // The values are of a moment before this one: what is counted after it comes with the next scrape.
            let time = now()
            try worker.admit()
            try take(scrape, target, time)
            recovered(target.instance)
        } catch {
            if Task.isCancelled { return }
            failed(target.instance, "an Envoy could not be pulled", error)
        }
    }

    private func take(_ scrape: [UInt8], _ target: PrometheusTarget, _ time: Timestamp) throws {
        if let known = state.sources.withLock({ $0[target.instance] }) {
            if try known.receive(scrape.span, at: time) { return }
            known.end()
        }
        let id = StreamID(rawValue: Int64.random(in: 1...Int64.max))
        let tape = StreamTape(stream: id, source: .prometheus, collect: collect, limits: limits)
        let source = PrometheusSource(
            id: id, identity: StreamIdentity(gateway: configuration.gateway, instance: target.instance, bootID: nil),
            peer: target.description,
            feed: PrometheusFeed(tape: tape, ignoring: configuration.ignoredTags))
        state.sources.withLock { $0[target.instance] = source }
        _ = try source.receive(scrape.span, at: time)
        worker.add(source)
        if let (names, example) = source.ambiguous {
            logger.warning(
                "names hold parts of the configuration in which Prometheus writes _ for other characters",
                metadata: ["instance": "\(target.instance)", "names": "\(names)", "example": "\(example)"])
        }
    }

    /// Once for each outage.
    private func failed(_ what: String, _ message: Logger.Message, _ error: any Error) {
        guard state.failing.withLock({ $0.insert(what).inserted }) else { return }
        logger.warning(
            message, metadata: ["gateway": "\(configuration.gateway)", "target": "\(what)", "error": "\(error)"])
    }

    private func recovered(_ what: String) {
        guard state.failing.withLock({ $0.remove(what) }) != nil else { return }
        logger.notice("pulled again", metadata: ["gateway": "\(configuration.gateway)", "target": "\(what)"])
    }
}
