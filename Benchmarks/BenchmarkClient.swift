import EnvoyAPI
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Glibc
import Synchronization

/// The sending side of a benchmark over sockets: this program again, as a process of its own, so that what it uses is not
/// counted.
enum BenchmarkClient {
    /// Starts one and waits for its end. Returns what it printed.
    static func run(_ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--client"] + arguments
        let output = Pipe()
        process.standardOutput = output
        let ended = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in ended.continuation.finish() }
        try process.run()
        for await _ in ended.stream {}
        return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func main(_ arguments: [String]) async throws {
        let numbers = arguments.dropFirst().compactMap { Int($0) }
        switch (arguments.first, numbers.count) {
        case ("grpc", 3): try await stream(port: numbers[0], flushes: numbers[1], families: numbers[2])
        case ("fleet", 4):
            try await fleet(port: numbers[0], envoys: numbers[1], seconds: numbers[2], stats: numbers[3])
        case ("statsd", 3): try statsd(port: numbers[0], linesPerSecond: numbers[1], seconds: numbers[2])
        default: print("no such client: \(arguments)")
        }
    }

    // MARK: Metrics service

    /// One Envoy that sends flushes as fast as they are taken.
    private static func stream(port: Int, flushes: Int, families: Int) async throws {
        let names = (0..<families).map(MetricsFlush.name)
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        // A few different ones, sent in turn: the values rise, the times do too.
        let messages = (0..<flushes).map { flush in
            (flush == 0 ? MetricsFlush.identifier(instance: "envoy-1", gateway: "bench") : [])
                + MetricsFlush.message(names, value: Int64(flush), milliseconds: now + Int64(flush))
        }
        try await withClient(port) { client in
            try await send(on: client) { writer in
                for message in messages { try await writer.write(message) }
            }
        }
    }

    /// Envoys with a connection each, which flush every 5 s, spread over the 5 s.
    private static func fleet(port: Int, envoys: Int, seconds: Int, stats: Int) async throws {
        let interval = 5
        let began = ContinuousClock.now
        let message = SharedFlush(stats: stats)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for envoy in 0..<envoys {
                group.addTask {
                    try await withClient(port) { client in
                        try await send(on: client) { writer in
                            for flush in 0..<(seconds / interval) {
                                let offset = Duration.milliseconds(
                                    flush * interval * 1000 + envoy * interval * 1000 / envoys)
                                try await Task.sleep(until: began + offset, clock: .continuous)
                                let identifier =
                                    flush == 0
                                    ? MetricsFlush.identifier(instance: "envoy-\(envoy)", gateway: "bench") : []
                                try await writer.write(identifier + message.flush(flush))
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// A flush of one Envoy: 60 stats that the shipped meters collect, and others.
    private final class SharedFlush: Sendable {
        private let names: [String]
        private let made = Mutex<[Int: [UInt8]]>([:])
        private let began = Int64(Date().timeIntervalSince1970 * 1000)

        init(stats: Int) {
            let kinds = [
                "downstream_rq_completed", "downstream_rq_1xx", "downstream_rq_2xx", "downstream_rq_3xx",
                "downstream_rq_4xx", "downstream_rq_5xx", "downstream_cx_total", "downstream_cx_rx_bytes_total",
                "downstream_cx_tx_bytes_total", "downstream_rq_total",
            ]
            let collected = (0..<6).flatMap { tenant in kinds.map { "http.tenant_t\(tenant).\($0)" } }
            let others = (0..<max(0, stats - collected.count)).map { index in
                "cluster_manager.production_shop_frontend_service_\(index / 40)_8080.update_attempt_\(index % 40)"
            }
            names = collected + others
        }

        /// Each flush is of its time: a message is made for each of them once for all Envoys.
        func flush(_ number: Int) -> [UInt8] {
            made.withLock { made in
                if let known = made[number] { return known }
                made = made.filter { $0.key >= number - 1 }
                let message = MetricsFlush.message(
                    names, value: Int64(number) * 100, milliseconds: began + Int64(number) * 5_000)
                made[number] = message
                return message
            }
        }
    }

    private static func withClient(
        _ port: Int, _ body: @Sendable @escaping (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void
    ) async throws {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
        try await withGRPCClient(transport: transport) { try await body($0) }
    }

    private static func send(
        on client: GRPCClient<HTTP2ClientTransport.Posix>,
        _ produce: @Sendable @escaping (RPCWriter<[UInt8]>) async throws -> Void
    ) async throws {
        try await client.clientStreaming(
            request: StreamingClientRequest(producer: produce),
            descriptor: Envoy_Service_Metrics_V3_MetricsService.Method.StreamMetrics.descriptor,
            serializer: Raw(), deserializer: Raw(), options: .defaults
        ) { response in
            if case .failure(let error) = response.accepted { print("closed with \(error)") }
        }
    }

    private struct Raw: MessageSerializer, MessageDeserializer {
        func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
        func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
            bytes.withUnsafeBytes { [UInt8]($0) }
        }
    }

    // MARK: statsd

    static let linesADatagram = 28

    /// Sends the 35,000 lines of 1,000 clusters over and over, 28 a datagram, at a rate. Prints datagrams and microseconds.
    ///
    /// The kernel cuts what one call gives it into datagrams (UDP_SEGMENT), so that the sender is not what is measured; the
    /// receiver gets each of them alone, as from an Envoy. All are of one length for that.
    private static func statsd(port: Int, linesPerSecond: Int, seconds: Int) throws {
        func digits(_ number: Int, _ count: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: count - digits.count) + digits
        }
        let lines = (0..<1_000).flatMap { cluster in
            (0..<35).map {
                "envoy.cluster.namespace_service_\(digits(cluster, 3))_80.upstream_rq_\(digits($0, 2)):17|c\n"
            }
        }
        let datagrams = lines.count / linesADatagram
        let length = lines[0].utf8.count * linesADatagram
        // As many as one call takes, from any of them on.
        let burst = min(64, 65_507 / length)
        let bytes = Array((lines + lines.prefix(burst * linesADatagram)).joined().utf8)
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // SOL_UDP and UDP_SEGMENT of linux/udp.h, which Glibc does not show.
        var segment = Int32(length)
        guard setsockopt(descriptor, 17, 103, &segment, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            return print("the kernel cuts no datagrams (UDP_SEGMENT): errno \(errno)")
        }
        let perMillisecond = max(1, linesPerSecond / linesADatagram / 1000)
        let clock = ContinuousClock()
        let began = clock.now
        var sent = 0
        for tick in 0..<(seconds * 1000) {
            var left = perMillisecond
            while left > 0 {
                let count = min(left, burst)
                let start = sent % datagrams * length
                bytes.withUnsafeBytes { bytes in
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count * length)])
                    while Glibc.send(descriptor, part.baseAddress, part.count, 0) < 0,
                        errno == ENOBUFS || errno == EINTR
                    {}
                }
                sent += count
                left -= count
            }
            // What falls behind is not caught up with: the rate is a maximum.
            while clock.now < began + .milliseconds(tick + 1) {}
        }
        let passed = (clock.now - began).components
        let microseconds = passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
        print("\(sent) \(microseconds)")
    }
}
