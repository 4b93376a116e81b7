internal import CDatagrams
package import Logging
package import Metering
internal import ServiceLifecycle
internal import Synchronization

/// Receives statsd datagrams, many by one system call, on several threads that share the port: the kernel gives all
/// datagrams of one socket of Envoy to one of them.
package struct StatsdUDPReceiver: Service {
    package struct Configuration: Hashable, Sendable {
        /// An IPv4 or IPv6 address of this machine.
        package var host: String
        /// 0 takes a free one.
        package var port: Int
        package var threads = 2
        /// Asked of the kernel for each thread's socket (SO_RCVBUFFORCE, else SO_RCVBUF up to net.core.rmem_max).
        package var receiveBuffer = 16 << 20

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// What was received, since the start.
    package struct Statistics: Hashable, Sendable {
        package var datagrams: Int64 = 0
        package var bytes: Int64 = 0
        /// By the kernel, for want of room in the socket's buffer.
        package var dropped: Int64 = 0
        /// From senders that no rule allows or names.
        package var refused: Int64 = 0
        package var truncated: Int64 = 0
    }

    private let configuration: Configuration
    private let senders: StatsdSenders
    private let book: OdometerBook
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let onListening: @Sendable (BoundAddress) -> Void
    private let shared = Shared()

    private final class Shared: Sendable {
        let isStopping = Atomic(false)
        let statistics = Mutex(Statistics())
    }

    package typealias BoundAddress = MetricsServiceReceiver.BoundAddress

    package init(
        configuration: Configuration, senders: StatsdSenders, book: OdometerBook, logger: Logger,
        now: @escaping @Sendable () -> Timestamp, onListening: @escaping @Sendable (BoundAddress) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.senders = senders
        self.book = book
        self.logger = logger
        self.now = now
        self.onListening = onListening
    }

    package var statistics: Statistics { shared.statistics.withLock { $0 } }

    /// Receives until the service group shuts down gracefully or the task is cancelled; then what lies in the sockets is
    /// still read.
    package func run() async throws {
        var sockets: [Int32] = []
        defer { for socket in sockets { _ = datagram_socket_close(socket) } }
        var port = UInt16(clamping: configuration.port)
        var granted: Int32 = 0
        for _ in 0..<max(1, configuration.threads) {
            let socket = datagram_socket_open(
                configuration.host, port, Int32(clamping: configuration.receiveBuffer), 100, &granted, &port)
            guard socket >= 0 else { throw Self.listeningError(configuration, -socket) }
            sockets.append(socket)
        }
        onListening(BoundAddress(host: configuration.host, port: Int(port)))
        // The kernel says twice what it was asked for: it counts its own bookkeeping.
        if Int(granted) < configuration.receiveBuffer {
            logger.notice(
                "the kernel gives statsd a small receive buffer: raise net.core.rmem_max, or bursts are dropped",
                metadata: ["bytes": "\(granted)", "wanted": "\(configuration.receiveBuffer)"])
        }
        let isStopping = shared
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for socket in sockets {
                    group.addTask { await onThread { receive(on: socket) } }
                }
            }
        } onCancelOrGracefulShutdown: {
            isStopping.isStopping.store(true, ordering: .relaxed)
        }
    }

    /// One thread's loop.
    private func receive(on socket: Int32) {
        // A datagram of Envoy's is at most 1432 bytes unless its operator said otherwise; 64 KiB is the largest there is.
        guard let batch = datagram_batch_make(64, 65_536) else {
            logger.error("there is no memory for a batch of datagrams")
            return
        }
        defer { datagram_batch_free(batch) }
        var thread = StatsdThread(senders: senders, book: book)
        var dropped: UInt32 = 0
        var lastDropped: UInt32 = 0
        var lastRead = now()
        var stoppedAt: Timestamp?
        while true {
            let count = datagram_batch_receive(batch, socket, &dropped)
            if count < 0 {
                logger.error("statsd can not be received", metadata: ["errno": "\(-count)"])
                return
            }
            let time = now()
            if shared.isStopping.load(ordering: .relaxed) {
                let since = stoppedAt ?? time
                stoppedAt = since
                // What was sent before the end is read, what a sender that does not stop sends after it is not.
                if count == 0 || time.microseconds(since: since) > 1_000_000 { return }
            }
            guard count > 0 else {
                lastRead = time
                continue
            }
            var statistics = Statistics()
            for index in 0..<UInt32(count) {
                let datagram = datagram_batch_at(batch, index).pointee
                statistics.datagrams += 1
                statistics.bytes += Int64(datagram.length)
                if datagram.truncated != 0 { statistics.truncated += 1 }
                let bytes = UnsafeBufferPointer(
                    start: datagram_batch_bytes(batch) + datagram.offset, count: datagram.length)
                if !thread.take(Span(_unsafeElements: bytes), from: datagram.sender, port: datagram.port, at: time) {
                    statistics.refused += 1
                }
            }
            // The kernel's count runs over.
            let drops = Int64(dropped &- lastDropped)
            lastDropped = dropped
            if drops > 0 {
                statistics.dropped = drops
                thread.remarkDrops(drops, from: lastRead, to: time)
                logger.warning(
                    "the kernel dropped statsd datagrams: what they counted is lost, and is said as a gap",
                    metadata: ["datagrams": "\(drops)"])
            }
            lastRead = time
            shared.statistics.withLock { $0.add(statistics) }
        }
    }

    private static func listeningError(_ configuration: Configuration, _ code: Int32) -> ReceiverError {
        .listening("statsd (UDP)", BoundAddress(host: configuration.host, port: configuration.port), code)
    }
}

extension StatsdUDPReceiver.Statistics {
    mutating func add(_ other: Self) {
        datagrams += other.datagrams
        bytes += other.bytes
        dropped += other.dropped
        refused += other.refused
        truncated += other.truncated
    }
}

extension datagram {
    fileprivate var sender: PeerAddress {
        withUnsafeBytes(of: address) { PeerAddress(bytes: Array($0.prefix(family == 6 ? 16 : 4))) }
    }
}

/// What one thread knows of its senders, so that a datagram costs no look-up in what all threads share.
struct StatsdThread {
    private let senders: StatsdSenders
    private let book: OdometerBook
    /// Where an address alone tells the instance. Nil for addresses that may not send or find no room.
    private var byAddress: [PeerAddress: OdometerSource?] = [:]
    private var bySender: [StatsdSenders.Sender: OdometerSource] = [:]
    private var last: (address: PeerAddress, source: OdometerSource)?

    init(senders: StatsdSenders, book: OdometerBook) {
        self.senders = senders
        self.book = book
    }

    /// False where the sender may not send, or can not be told.
    mutating func take(
        _ payload: Span<UInt8>, from address: PeerAddress, port: UInt16, at time: Timestamp
    ) -> Bool {
        let sender = address.sender(port: UInt64(port))
        if let last, last.address == address {
            last.source.receive(statsd: payload, from: sender, at: time)
            return true
        }
        if let known = byAddress[address] {
            guard let source = known else { return false }
            last = (address, source)
            source.receive(statsd: payload, from: sender, at: time)
            return true
        }
        guard senders.allows(address) else { return false }
        if let known = senders.known(address) {
            // A full book may have room later: only what was found is remembered.
            guard let source = book.source(known.key, known.feed) else { return false }
            source.isHeard(from: "\(address)")
            byAddress[address] = .some(source)
            bySender[known] = source
            source.receive(statsd: payload, from: sender, at: time)
            return true
        }
        guard let named = senders.sender(address, payload: payload) else { return false }
        let source: OdometerSource
        if let known = bySender[named] {
            source = known
        } else {
            guard let found = book.source(named.key, named.feed) else { return false }
            found.isHeard(from: "\(address)")
            bySender[named] = found
            source = found
        }
        source.receive(statsd: payload, from: sender, at: time)
        return true
    }

    func remarkDrops(_ datagrams: Int64, from: Timestamp, to: Timestamp) {
        for source in bySender.values { source.remarkDrops(datagrams, from: from, to: to) }
    }
}
