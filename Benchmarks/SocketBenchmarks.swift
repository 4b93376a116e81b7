import Foundation
import Ingest
import Logging
import Metering
import PostgreSQL
import ServiceLifecycle
import Synchronization
import UsageStore

/// What comes through sockets: from another process, to the receivers and the worker as `waybill serve` runs them.
enum SocketBenchmarks {
    static let all = [
        Benchmark("grpc", "flushes of 4.4 MB through grpc-swift into a tape", grpc),
        Benchmark("statsd-udp", "statsd over UDP at rising rates, 28 lines a datagram, one thread", statsd),
        Benchmark("fleet", "1,000 Envoys on one worker at a 5 s flush, 60 collected of 2,000 stats each", fleet),
    ]

    static let now: @Sendable () -> Timestamp = {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
    private static let logger: Logger = {
        var logger = Logger(label: "bench", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        return logger
    }()

    static func setting(_ name: String, default standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    // MARK: gRPC

    @Sendable private static func grpc(_ stopwatch: Stopwatch) async throws {
        let families = setting("WAYBILL_BENCH_FAMILIES", default: 40_000)
        let flushes = setting("WAYBILL_BENCH_FLUSHES", default: 60)
        // Nothing is committed: the pool never connects.
        let pool = PostgresPool(try PostgresConfiguration(url: "host=/nowhere dbname=none"), logger: logger)
        let worker = IngestWorker(
            store: UsageStore(pool: pool, logger: logger), collect: .everything, configuration: .init(),
            logger: logger, now: now)
        for _ in 0..<3 {
            let watch = StreamWatch(worker)
            try await serve(watch, with: []) { port in
                let said = try await BenchmarkClient.run(["grpc", "\(port)", "\(flushes)", "\(families)"])
                if !said.isEmpty { print("  \(said)") }
            }
            guard let (first, last, messages, bytes) = watch.measured else { continue }
            let wall = last.elapsed(since: first)
            let processor = last.processor - first.processor
            // The first message's read stands before the first moment.
            let metrics = Int64(messages - 1) * Int64(families)
            print(
                "  \(messages) flushes of \(bytes / messages) bytes: \(metrics * 1_000_000 / max(1, wall)) metrics/s, "
                    + "\(processor / Int64(max(1, messages - 1)) / 100) tenths of a ms of processor a flush, "
                    + "\(last.share(since: first)) % of a core")
        }
        await pool.shutdown()
    }

    // MARK: statsd

    @Sendable private static func statsd(_ stopwatch: Stopwatch) async throws {
        let rates =
            ProcessInfo.processInfo.environment["WAYBILL_BENCH_RATES"].map { $0.split(separator: ",") }?
            .compactMap { Int($0) } ?? [1_000_000, 3_000_000, 6_000_000, 9_000_000, 12_000_000]
        let seconds = setting("WAYBILL_BENCH_SECONDS", default: 5)
        for rate in rates {
            let book = OdometerBook(epoch: OdometerEpoch(rawValue: 1), collect: .everything)
            var configuration = StatsdUDPReceiver.Configuration(host: "127.0.0.1", port: 0)
            configuration.threads = 1
            let (ports, bound) = AsyncStream<Int>.makeStream()
            let receiver = StatsdUDPReceiver(
                configuration: configuration,
                senders: StatsdSenders(rules: [StatsdSenders.Rule(gateway: "bench", allow: CIDRBlock.loopback)]),
                book: book, logger: logger, now: now, onListening: { bound.yield($0.port) })
            let group = ServiceGroup(services: [receiver], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var iterator = ports.makeAsyncIterator()
                guard let port = await iterator.next() else { return }
                let before = ProcessUse.now()
                let load = try StatsdLoad(await BenchmarkClient.run(["statsd", "\(port)", "\(rate)", "\(seconds)"]))
                let after = ProcessUse.now()
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                let statistics = receiver.statistics
                print(
                    "  waybill: \(load.linesPerSecond) lines/s sent, \(load.datagrams) datagrams; "
                        + "\(statistics.datagrams) read, \(load.datagrams - statistics.datagrams) dropped "
                        + "(the kernel says \(statistics.dropped)); \(after.share(since: before)) % of a core")
            }
            if let collectd = try await Collectd.measure(rate: rate, seconds: seconds) {
                print("  collectd: \(collectd)")
            }
        }
        if Collectd.executable == nil { print("  collectd: skipped (1): not installed; scripts/bench-collectd does") }
    }

    // MARK: A fleet

    @Sendable private static func fleet(_ stopwatch: Stopwatch) async throws {
        let envoys = setting("WAYBILL_BENCH_ENVOYS", default: 1_000)
        let seconds = setting("WAYBILL_BENCH_SECONDS", default: 60)
        let stats = setting("WAYBILL_BENCH_STATS", default: 2_000)
        let database = try await StoreFleet()
        let meters = try Meters(
            yaml: String(contentsOfFile: "config/meters/envoy.yaml", encoding: .utf8), file: "config/meters/envoy.yaml")
        let worker = IngestWorker(
            store: database.store, collect: meters.collect, configuration: .init(), logger: logger, now: now)
        let watch = StreamWatch(worker)
        do {
            try await serve(watch, with: [CommitLoop(worker)]) { port in
                // A quarter of the time is for connections, names and the first commit.
                let warmUp = max(10, seconds / 4)
                async let client = BenchmarkClient.run([
                    "fleet", "\(port)", "\(envoys)", "\(warmUp + seconds)", "\(stats)",
                ])
                try await Task.sleep(for: .seconds(warmUp))
                let (before, flushes) = (ProcessUse.now(), watch.messages)
                try await Task.sleep(for: .seconds(seconds - 1))
                let (after, since) = (ProcessUse.now(), watch.messages - flushes)
                print(
                    "  \(envoys) Envoys: \(since) flushes of \(watch.bytesAMessage) bytes in \(seconds - 1) s; "
                        + "\(after.share(since: before)) % of a core; peak \(ProcessUse.peakMegabytes) MB")
                let said = try await client
                if !said.isEmpty { print("  \(said)") }
            }
            let stored = try await database.number("SELECT count(DISTINCT instance_id) FROM tape")
            print("  \(stored) instances are stored")
        } catch {
            await database.remove()
            throw error
        }
        await database.remove()
    }

    /// The metrics service on a free port, with other services, while the body runs.
    private static func serve(
        _ streams: any MetricsServiceStreams, with services: [any Service],
        _ body: @Sendable @escaping (Int) async throws -> Void
    ) async throws {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let receiver = MetricsServiceReceiver(
            configuration: .init(port: 0), streams: streams, budget: InFlightBudget(), now: { now().microseconds },
            logger: logger, onListening: { bound.yield($0.port) })
        let group = ServiceGroup(services: services + [receiver], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { bound.finish() }
                try await group.run()
            }
            var iterator = ports.makeAsyncIterator()
            if let port = await iterator.next() { try await body(port) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// What a statsd client said that it sent.
struct StatsdLoad {
    let datagrams: Int64
    let linesPerSecond: Int64

    init(_ said: String) throws {
        let numbers = said.split(separator: " ").compactMap { Int64($0) }
        guard numbers.count == 2 else { throw BenchmarkError(description: "the client said: \(said)") }
        datagrams = numbers[0]
        linesPerSecond = numbers[0] * Int64(BenchmarkClient.linesADatagram) * 1_000_000 / max(1, numbers[1])
    }
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
}

/// Hands streams on, and notes when their messages were taken.
private final class StreamWatch: MetricsServiceStreams {
    private struct State {
        var first: ProcessUse?
        var last: ProcessUse?
        var messages = 0
        var bytes = 0
    }

    private let streams: any MetricsServiceStreams
    private let state = Mutex(State())

    init(_ streams: any MetricsServiceStreams) { self.streams = streams }

    var messages: Int { state.withLock(\.messages) }
    var bytesAMessage: Int { state.withLock { $0.bytes / max(1, $0.messages) } }

    /// From the first message taken to the last.
    var measured: (first: ProcessUse, last: ProcessUse, messages: Int, bytes: Int)? {
        state.withLock { state in
            guard let first = state.first, let last = state.last else { return nil }
            return (first, last, state.messages, state.bytes)
        }
    }

    func open(
        peer: String, mayMeter: @escaping @Sendable (_ gateway: String) -> Bool
    ) async -> any MetricsStream {
        Watched(stream: await streams.open(peer: peer, mayMeter: mayMeter), watch: self)
    }

    private func took(_ bytes: Int) {
        state.withLock { state in
            state.messages += 1
            state.bytes += bytes
            let use = ProcessUse.now()
            if state.first == nil { state.first = use }
            state.last = use
        }
    }

    private struct Watched: MetricsStream {
        let stream: any MetricsStream
        let watch: StreamWatch

        func receive(_ message: [UInt8], receivedAt microseconds: Int64) async throws {
            try await stream.receive(message, receivedAt: microseconds)
            watch.took(message.count)
        }

        func end(_ cause: MetricsStreamEnd) async { await stream.end(cause) }
    }
}
