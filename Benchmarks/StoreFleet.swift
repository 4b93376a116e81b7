import Foundation
import Logging
import Metering
import PostgreSQL
import UsageStore

/// A database of its own with fsync, and a fleet of Envoys of one gateway that commit to it: 60 counters each, ten of
/// each of six tenants, of 1,000 tenants.
struct StoreFleet {
    static let countersPerInstance = 60
    static let tenants = 1000

    let store: UsageStore
    private let server: EmbeddedPostgres
    private let directory: String

    init(connections: Int = 2) async throws {
        directory = "/tmp/waybill-bench-\(ProcessInfo.processInfo.processIdentifier)"
        var logger = Logger(label: "bench", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        server = try await EmbeddedPostgres.start(dataDirectory: directory, durable: true, logger: logger)
        var limits = PostgresPool.Limits()
        limits.size = connections
        var configuration = server.configuration
        configuration.statementTimeout = nil
        let pool = PostgresPool(configuration, limits: limits, logger: logger)
        _ = try await Migrations(directory: "migrations").run(on: configuration, logger: logger)
        store = UsageStore(pool: pool, logger: logger)
        let meters = try String(contentsOfFile: "config/meters/envoy.yaml", encoding: .utf8)
        try await store.putInForce(meters: [meters], now: Timestamp(seconds: 0))
    }

    /// A number that the environment may set.
    static func scale(_ variable: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? standard
    }

    func remove() async {
        await store.pool.shutdown()
        await server.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    func number(_ sql: StaticString, _ parameters: [any PostgresEncodable] = []) async throws -> Int64 {
        try await store.pool.execute(sql, parameters)[0].decode(0)
    }

    /// The write-ahead log so far. Unit: bytes.
    func log() async throws -> Int64 {
        try await number("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    }
}

/// Some instances of the fleet, each with its stream.
struct FleetPart {
    private(set) var streams: [StreamTape]
    private var stored: [StoredStream]
    private let identities: [StreamIdentity]
    private let names: [[[UInt8]]]
    private var counts: Int64 = 0
    private let started: Timestamp

    init(_ instances: Range<Int>, started: Timestamp) {
        self.started = started
        let collect = CollectPatterns.everything
        streams = instances.map { StreamTape(stream: StreamID(rawValue: Int64($0) + 1), collect: collect) }
        stored = instances.map { _ in StoredStream() }
        identities = instances.map {
            StreamIdentity(gateway: "edge", instance: "envoy-\($0)", bootID: "boot-\($0)")
        }
        names = instances.map { instance in
            (0..<6).flatMap { index -> [[UInt8]] in
                let tenant = (instance * 6 + index) % StoreFleet.tenants
                return [
                    "downstream_rq_completed", "downstream_rq_total", "downstream_rq_1xx", "downstream_rq_2xx",
                    "downstream_rq_3xx", "downstream_rq_4xx", "downstream_rq_5xx", "downstream_cx_total",
                    "downstream_cx_rx_bytes_total", "downstream_cx_tx_bytes_total",
                ].map { Array("http.tenant_t\(tenant).\($0)".utf8) }
            }
        }
    }

    /// One flush of each instance.
    mutating func flush(at time: Timestamp) {
        counts += 1
        for index in streams.indices {
            let sent = time.advanced(byMicroseconds: Int64(index) * 371)
            streams[index].receiveTime(sentMilliseconds: sent.microseconds / 1000, receivedAt: sent)
            for (place, name) in names[index].enumerated() where streams[index].wants(name.span) {
                streams[index].receiveCounter(Double(counts * Int64(1 + place * 13 + index % 7) * 37))
            }
            if streams[index].wants(Self.uptime.span) {
                streams[index].receiveGauge(Double(sent.microseconds(since: started) / 1_000_000))
            }
        }
    }

    private static let uptime = Array("server.uptime".utf8)

    mutating func commit(to store: UsageStore) async throws {
        let commits = streams.indices.map {
            StreamCommit(identity: identities[$0], tape: streams[$0], stored: stored[$0])
        }
        let answers = try await store.commit(commits)
        for index in streams.indices {
            guard let answer = answers[streams[index].stream] else { continue }
            stored[index] = answer
            streams[index].forget(through: answer.revision)
        }
    }
}
