import Foundation
import Glibc
import Logging
import Metering
import ServiceLifecycle
import Synchronization
import Testing
import UsageStore

@testable import Ingest

/// statsd over real sockets.
@Suite struct StatsdReceiverTests {
    private let book = OdometerBook(epoch: OdometerEpoch(rawValue: 5), collect: .everything)
    private let senders = StatsdSenders(rules: [StatsdSenders.Rule(gateway: "gw", allow: CIDRBlock.loopback)])

    private func sums() -> [String: Int64] {
        var sums: [String: Int64] = [:]
        for (_, sealing) in book.all() { for sum in sealing.sums { sums[sum.name, default: 0] += sum.value } }
        return sums
    }

    /// Serves while the body runs, then ends in order.
    private func serve(
        _ make: (@escaping @Sendable (MetricsServiceReceiver.BoundAddress) -> Void) -> any Service,
        _ body: @Sendable @escaping (Int) async throws -> Void
    ) async throws {
        let (addresses, bound) = AsyncStream<MetricsServiceReceiver.BoundAddress>.makeStream()
        let group = ServiceGroup(services: [make { bound.yield($0) }], logger: ReceiverHarness.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { bound.finish() }
                try await group.run()
            }
            var iterator = addresses.makeAsyncIterator()
            if let address = await iterator.next() {
                try await body(address.port)
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
    }

    @Test("Datagrams of several senders are added up, what lies in the socket at the end too")
    func datagrams() async throws {
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: Int64(time(nil))) }
        try await serve({ onListening in
            StatsdUDPReceiver(
                configuration: .init(host: "127.0.0.1", port: 0), senders: senders, book: book,
                logger: ReceiverHarness.logger, now: now, onListening: onListening)
        }) { port in
            for sender in 0..<4 {
                let socket = try UDPSender(port: port)
                for number in 0..<50 {
                    try socket.send(
                        "envoy.http.a.downstream_rq_completed:\(sender + 1)|c\nenvoy.http.b.x:\(number % 2)|c")
                }
            }
        }
        #expect(sums() == ["http.a.downstream_rq_completed": 500, "http.b.x": 100])
    }

    /// Sends flushes a second apart, each line a datagram of its own, as plain statsd does.
    @Test("What comes twice, by datagrams and by TCP, counts as it comes, and is remarked")
    func twice() async throws {
        let clock = Clock()
        let book = book
        func serveUDP(_ body: @Sendable @escaping (Int) async throws -> Void) async throws {
            try await serve(
                { onListening in
                    StatsdUDPReceiver(
                        configuration: .init(host: "127.0.0.1", port: 0), senders: senders, book: book,
                        logger: ReceiverHarness.logger, now: { clock.now }, onListening: onListening)
                }, body)
        }
        try await serveUDP { port in
            let sinks = [try UDPSender(port: port), try UDPSender(port: port)]
            // A worker thread's: timers alone.
            let timers = try UDPSender(port: port)
            for flush in 1...6 {
                for sink in sinks {
                    try sink.send("envoy.http.a.downstream_rq_completed:\(flush)|c")
                    try sink.send("envoy.http.a.downstream_rq_2xx:\(flush)|c")
                    try timers.send("envoy.http.a.downstream_rq_time:3|ms")
                }
                try await Task.sleep(for: .milliseconds(100))
                clock.pass(seconds: 1)
            }
        }
        #expect(sums() == ["http.a.downstream_rq_completed": 42, "http.a.downstream_rq_2xx": 42])
        func remarks() -> [String] {
            book.sources.flatMap { $0.commit(at: clock.now)?.remarks ?? [] }.map(\.reason).sorted()
        }
        #expect(remarks() == ["sent_twice"])
        clock.pass(seconds: 60)
        try await serve({ onListening in
            StatsdTCPReceiver(
                host: "127.0.0.1", port: 0, senders: senders, book: book, logger: ReceiverHarness.logger,
                now: { clock.now }, onListening: onListening)
        }) { port in
            let sinks = [try TCPSender(port: port), try TCPSender(port: port), try TCPSender(port: port)]
            for flush in 1...6 {
                for (index, sink) in sinks.enumerated() {
                    let amount = index < 2 ? flush : flush * 100
                    try sink.send(Array("envoy.http.a.downstream_rq_completed:\(amount)|c\n".utf8)[...])
                    try await Task.sleep(for: .milliseconds(20))
                }
                try await Task.sleep(for: .milliseconds(60))
                clock.pass(seconds: 1)
            }
            for sink in sinks { sink.close() }
            for _ in 0..<500 where sums()["http.a.downstream_rq_completed"] != 2184 {
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        let counted = sums()["http.a.downstream_rq_completed"]
        #expect(counted == 2184)
        #expect(remarks() == ["sent_twice", "two_senders"])
    }

    @Test("As many TCP connections as may be are served, and another when one of them has ended")
    func mostConnections() async throws {
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: Int64(time(nil))) }
        let book = book
        try await serve({ onListening in
            StatsdTCPReceiver(
                host: "127.0.0.1", port: 0, largestConnections: 1, senders: senders, book: book,
                logger: ReceiverHarness.logger, now: now, onListening: onListening)
        }) { port in
            let line = Array("envoy.http.a.downstream_rq_completed:1|c\n".utf8)[...]
            func sum() -> Int64 { book.all().first?.sealing.sums.first?.value ?? 0 }
            let first = try TCPSender(port: port)
            try first.send(line)
            for _ in 0..<200 where sum() < 1 { try await Task.sleep(for: .milliseconds(10)) }
            let second = try TCPSender(port: port)
            var isClosed = false
            for _ in 0..<500 where !isClosed {
                isClosed = (try? second.send(line)) == nil
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(isClosed)
            second.close()
            #expect(sum() == 1)
            first.close()
            for _ in 0..<200 where sum() < 2 {
                let third = try TCPSender(port: port)
                _ = try? third.send(line)
                try await Task.sleep(for: .milliseconds(20))
                third.close()
            }
            #expect(sum() >= 2)
        }
    }

    /// A clock that the test moves.
    private final class Clock: Sendable {
        private let time = Mutex(Timestamp(seconds: 1_730_808_000))
        var now: Timestamp { time.withLock { $0 } }
        func pass(seconds: Int64) {
            time.withLock { $0 = $0.advanced(byMicroseconds: seconds * 1_000_000) }
        }
    }

    @Test("A TCP stream is added up, wherever its reads end")
    func stream() async throws {
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: Int64(time(nil))) }
        let book = book
        try await serve({ onListening in
            StatsdTCPReceiver(
                host: "127.0.0.1", port: 0, senders: senders, book: book, logger: ReceiverHarness.logger, now: now,
                onListening: onListening)
        }) { port in
            let socket = try TCPSender(port: port)
            let text = String(repeating: "envoy.http.a.downstream_rq_completed:7|c\n", count: 300)
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                try socket.send(rest.prefix(97))
                rest = rest.dropFirst(97)
            }
            socket.close()
            for _ in 0..<200 {
                if book.all().first?.sealing.sums.first?.value == 2100 { break }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        #expect(sums() == ["http.a.downstream_rq_completed": 2100])
    }

    @Test("Each TCP connection is an instance of its own; a cut line counts nothing, and what sends no lines is closed")
    func connections() async throws {
        var rule = StatsdSenders.Rule(gateway: "gw", allow: CIDRBlock.loopback)
        (rule.prefix, rule.instance) = ("edge", .prefix)
        let senders = StatsdSenders(rules: [rule])
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: Int64(time(nil))) }
        let book = book
        try await serve({ onListening in
            StatsdTCPReceiver(
                host: "127.0.0.1", port: 0, senders: senders, book: book, logger: ReceiverHarness.logger, now: now,
                onListening: onListening)
        }) { port in
            for (instance, count) in [("n1", 3), ("n2", 5)] {
                let socket = try TCPSender(port: port)
                let line = "edge.\(instance).http.a.downstream_rq_completed:\(count)|c\n"
                // Of a worker thread of Envoy's: timers alone, which name nobody.
                try socket.send(Array("upstream_rq_time:1|ms\n".utf8)[...])
                for _ in 0..<10 { try socket.send(Array(line.utf8)[...]) }
                // 99 was to be 990.
                try socket.send(Array(line.dropLast(4).utf8)[...])
                try socket.send(Array("99".utf8)[...])
                socket.close()
            }
            let stranger = try TCPSender(port: port)
            var isClosed = false
            for _ in 0..<2_000 where !isClosed {
                isClosed = (try? stranger.send(Array(repeating: UInt8(ascii: "x"), count: 4_096)[...])) == nil
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(isClosed)
            stranger.close()
            for _ in 0..<200 where book.all().count < 2 { try await Task.sleep(for: .milliseconds(20)) }
            try await Task.sleep(for: .milliseconds(100))
        }
        let sums = Dictionary(uniqueKeysWithValues: book.all().map { ($0.key.instance, $0.sealing.sums.map(\.value)) })
        #expect(sums == ["n1": [30], "n2": [50]])
        let peers = book.sources.compactMap { $0.commit(at: now().advanced(byMicroseconds: 5_000_000))?.peer }
        #expect(peers == ["127.0.0.1", "127.0.0.1"])
    }

    @Test("Datagrams that the kernel drops are counted and remarked")
    func drops() async throws {
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: Int64(time(nil))) }
        var configuration = StatsdUDPReceiver.Configuration(host: "127.0.0.1", port: 0)
        configuration.threads = 1
        configuration.receiveBuffer = 4096
        let (kept, sent) = (Kept<StatsdUDPReceiver>(), Kept<Int64>())
        try await serve({ onListening in
            let receiver = StatsdUDPReceiver(
                configuration: configuration, senders: senders, book: book, logger: ReceiverHarness.logger, now: now,
                onListening: onListening)
            kept.value.withLock { $0 = receiver }
            return receiver
        }) { port in
            let socket = try UDPSender(port: port)
            let padding = String(repeating: "x", count: 900)
            let receiver = try #require(kept.value.withLock { $0 })
            var count: Int64 = 0
            for _ in 0..<20_000 where receiver.statistics.dropped == 0 {
                try socket.send("envoy.http.a.downstream_rq_completed:1|c\nenvoy.http.\(padding):1|c")
                count += 1
            }
            // The kernel says it with the next datagram.
            for _ in 0..<5 {
                try socket.send("envoy.http.a.downstream_rq_completed:1|c")
                count += 1
                try await Task.sleep(for: .milliseconds(50))
            }
            sent.value.withLock { [count] in $0 = count }
        }
        let statistics = try #require(kept.value.withLock { $0 }).statistics
        #expect(statistics.dropped > 0)
        #expect(statistics.datagrams + statistics.dropped == sent.value.withLock { $0 })
        #expect(sums()["http.a.downstream_rq_completed"] == statistics.datagrams)
        let source = try #require(book.sources.first)
        let remarks = source.commit(at: now().advanced(byMicroseconds: 5_000_000))?.remarks ?? []
        #expect(remarks.map(\.reason) == ["udp_drop"] && remarks.map(\.occurrences) == [statistics.dropped])
    }

    /// What one task finds and another looks at.
    private final class Kept<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }
}

/// A socket of loopback that sends datagrams.
private final class UDPSender {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        try connectLoopback(descriptor, port)
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count else { throw POSIXError(.EIO) }
    }

    deinit { Glibc.close(descriptor) }
}

private final class TCPSender {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try connectLoopback(descriptor, port)
    }

    func send(_ bytes: ArraySlice<UInt8>) throws {
        let sent = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == bytes.count else { throw POSIXError(.EIO) }
    }

    func close() { Glibc.close(descriptor) }
}

private func connectLoopback(_ descriptor: Int32, _ port: Int) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw POSIXError(.ECONNREFUSED) }
}
