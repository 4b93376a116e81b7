/// The ingest worker: receives counters of Envoys, merges them into tapes in memory, and commits the tapes at an
/// interval, in one transaction.
///
/// It is stateless for cumulative sources: what it did not commit, the next flush carries again, to any worker.
package import Logging
package import Metering
import PostgreSQL
import Synchronization
package import UsageStore

package final class IngestWorker: MetricsServiceStreams, Sendable {
    package struct Configuration: Sendable {
        package var commitInterval: Duration = .seconds(10)
        /// Readings held while the database can not be reached; above it streams are closed, and recover later. A
        /// reading takes about 50 bytes: 512 MiB.
        package var heldReadings = 10_000_000
        package var limits = StreamTape.Limits()
        /// Gateways whose metrics_service sinks send deltas: the wire does not say.
        package var deltaGateways: Set<String> = []
        /// Labels that are no part of a name: fixed tags.
        package var ignoredTags: Set<String> = []

        package init() {}
    }

    private let store: UsageStore
    private let collect: CollectPatterns
    private let configuration: Configuration
    private let logger: Logger
    private let streams = Mutex<[StreamID: any TapeSource]>([:])
    private let odometers: OdometerBook?
    private let now: @Sendable () -> Timestamp
    private let isOverloaded = Atomic(false)
    private let held = Mutex<Set<[String]>>([])

    /// - Parameters:
    ///   - odometers: of the delta sources that this worker receives; nil where it receives none.
    package init(
        store: UsageStore, collect: CollectPatterns, configuration: Configuration, odometers: OdometerBook? = nil,
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.odometers = odometers
        self.now = now
        self.store = store
        self.collect = collect
        self.configuration = configuration
        self.logger = logger
    }

    package func open(
        peer: String, mayMeter: @escaping @Sendable (_ gateway: String) -> Bool
    ) async -> any MetricsStream {
        let id = StreamID(rawValue: Int64.random(in: 1...Int64.max))
        let tape = StreamTape(stream: id, collect: collect, limits: configuration.limits)
        let stream = MeteredStream(id: id, peer: peer, tape: tape, mayMeter: mayMeter, worker: self)
        streams.withLock { $0[id] = stream }
        return stream
    }

    /// Looks after a source of totals that is no metrics stream.
    func add(_ source: any TapeSource) {
        streams.withLock { $0[source.id] = source }
        if let identity = source.identity { separate(source, identity) }
    }

    /// Throws where the worker holds all that it may.
    func admit() throws(MetricsStreamRefusal) {
        guard isOverloaded.load(ordering: .relaxed) else { return }
        throw MetricsStreamRefusal(
            .overloaded, "the worker can not reach its database and holds all that it may; counters recover when it can"
        )
    }

    /// A stream has said who it is. Readings of the instance's other streams are kept apart from here on.
    func hasBegun(_ stream: MeteredStream, _ identity: StreamIdentity) {
        logger.info(
            "a metrics stream has begun",
            metadata: [
                "gateway": "\(identity.gateway)", "instance": "\(identity.instance)", "peer": "\(stream.peer)",
                "boot_id": "\(identity.bootID ?? "none")",
            ])
        separate(stream, identity)
    }

    private func separate(_ source: any TapeSource, _ identity: StreamIdentity) {
        for other in streams.withLock({ Array($0.values) }) where other !== source && !other.hasEnded {
            guard let theirs = other.identity else { continue }
            if theirs.gateway == identity.gateway, theirs.instance == identity.instance { other.mark() }
        }
    }

    // MARK: Deltas by the metrics service

    /// The odometer of a gateway whose sinks send deltas by configuration; nil where it sends totals.
    func deltaSource(_ identity: StreamIdentity) throws(MetricsStreamRefusal) -> OdometerSource? {
        guard configuration.deltaGateways.contains(identity.gateway), let odometers else { return nil }
        let key = OdometerKey(source: .metricsServiceDelta, gateway: identity.gateway, instance: identity.instance)
        guard let source = odometers.source(key, { DeltaFeed(odometer: $0, ignoring: configuration.ignoredTags) })
        else {
            throw MetricsStreamRefusal(.overloaded, "there is no room for another instance that sends deltas")
        }
        return source
    }

    /// Holds an instance that was declared to send totals and whose counters return to 0 flush by flush.
    func hold(_ identity: StreamIdentity) -> MetricsStreamRefusal {
        let isNew = held.withLock { $0.insert([identity.gateway, identity.instance]).inserted }
        if isNew {
            logger.critical(
                """
                an instance is held: its counters return to 0 flush by flush, so its metrics_service sink sends deltas \
                (report_counters_as_deltas); send totals, or name its gateway in delta_gateways
                """,
                metadata: ["gateway": "\(identity.gateway)", "instance": "\(identity.instance)"])
        }
        return MetricsStreamRefusal(
            .malformed,
            "the counters return to 0 flush by flush: set report_counters_as_deltas to false, or declare the gateway's deltas"
        )
    }

    func isHeld(_ identity: StreamIdentity) -> Bool {
        held.withLock { $0.contains([identity.gateway, identity.instance]) }
    }

    /// Stores what changed since the last commit.
    package func commit() async throws {
        var open = streams.withLock { Array($0.values) }
        for source in odometers?.sources ?? [] { open.append(source) }
        defer { retire(open) }
        let now = now()
        let commits = open.compactMap { $0.commit(at: now) }
        guard !commits.isEmpty else { return }
        do {
            try await store(commits, open)
        } catch let error where Self.isOutage(error) || commits.count == 1 {
            throw error
        } catch {
            // One stream's readings must not keep the others from being stored.
            logger.error("a commit was refused; its streams are stored one by one", metadata: ["error": "\(error)"])
            for commit in commits { try await storeAlone(commit, open) }
        }
    }

    private func storeAlone(_ commit: StreamCommit, _ open: [any TapeSource]) async throws {
        do {
            try await store([commit], open)
        } catch let error where !Self.isOutage(error) {
            logger.error(
                "a stream's readings can not be stored",
                metadata: [
                    "gateway": "\(commit.identity.gateway)", "instance": "\(commit.identity.instance)",
                    "error": "\(error)",
                ])
        }
    }

    private func store(_ commits: [StreamCommit], _ open: [any TapeSource]) async throws {
        let stored = try await store.commit(commits)
        for stream in open {
            if let stored = stored[stream.id] { stream.hasStored(stored) }
        }
    }

    /// Forgets streams of which nothing more will come, and watches the memory that the others hold.
    private func retire(_ open: [any TapeSource]) {
        let spent = open.filter(\.isSpent).map(\.id)
        streams.withLock { streams in
            for id in spent { streams[id] = nil }
        }
        let held = open.reduce(0) { $0 + $1.heldReadings }
        let isFull = held > configuration.heldReadings
        if isFull != isOverloaded.exchange(isFull, ordering: .relaxed) {
            logger.log(
                level: isFull ? .error : .notice,
                isFull ? "streams are closed: the worker holds all that it may" : "streams are taken again",
                metadata: ["held_readings": "\(held)", "limit": "\(configuration.heldReadings)"])
        }
    }

    static func isOutage(_ error: any Error) -> Bool {
        error is CancellationError || (error as? PostgresError)?.isOutage ?? false
    }

    /// Labels that are no part of a name.
    var ignoredTags: Set<String> { configuration.ignoredTags }

    /// The interval at which commits are made.
    var commitInterval: Duration { configuration.commitInterval }

    func log(failedCommit error: any Error, nextIn pause: Duration) {
        logger.error(
            "a commit failed; nothing is lost, it is made again",
            metadata: ["error": "\(error)", "next_in": "\(pause)"])
    }
}
