package import Logging
package import Metering
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import ServiceLifecycle
internal import WireFormats

/// Receives statsd over TCP: each worker thread of Envoy has a connection of its own.
package struct StatsdTCPReceiver: Service {
    package typealias BoundAddress = MetricsServiceReceiver.BoundAddress

    private let host: String
    private let port: Int
    private let largestConnections: Int
    private let senders: StatsdSenders
    private let book: OdometerBook
    private let tls: ServerTLS?
    private let access: GatewayAccess
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let onListening: @Sendable (BoundAddress) -> Void

    /// - Parameters:
    ///   - tls: nil for plain text, which only loopback or a trusted network is for.
    ///   - access: which gateways a client's certificate may speak for.
    package init(
        host: String, port: Int, largestConnections: Int = 10_000, senders: StatsdSenders, book: OdometerBook,
        tls: ServerTLS? = nil, access: GatewayAccess = .all, logger: Logger, now: @escaping @Sendable () -> Timestamp,
        onListening: @escaping @Sendable (BoundAddress) -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.largestConnections = largestConnections
        self.senders = senders
        self.book = book
        self.tls = tls
        self.access = access
        self.logger = logger
        self.now = now
        self.onListening = onListening
    }

    /// Receives until the service group shuts down gracefully or the task is cancelled.
    package func run() async throws {
        let server: NIOAsyncChannel<Accepted, Never>
        let security = try tls.map { try NIOSSLContext(configuration: $0.tcpConfiguration()) }
        do {
            server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let security {
                            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: security))
                        }
                        return try Accepted(
                            channel: NIOAsyncChannel(wrappingChannelSynchronously: channel),
                            peer: channel.remoteAddress?.ipAddress ?? "")
                    }
                }
        } catch let error as IOError {
            throw ReceiverError.listening("statsd (TCP)", BoundAddress(host: host, port: port), error.errnoCode)
        }
        onListening(BoundAddress(host: host, port: server.channel.localAddress?.port ?? port))
        do {
            try await cancelWhenGracefulShutdown {
                try await server.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        // Of all peers together: behind a load balancer they have one address.
                        let open = PeerStreams(limit: largestConnections)
                        for try await connection in connections {
                            let isRoom = open.begin("")
                            if !isRoom {
                                logger.warning(
                                    "a statsd connection was refused: there are as many as may be",
                                    metadata: ["peer": "\(connection.peer)", "connections": "\(largestConnections)"])
                            }
                            group.addTask {
                                await serve(connection, isRoom: isRoom)
                                if isRoom { open.end("") }
                            }
                        }
                    }
                }
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            return
        }
    }

    /// A connection with its peer's address, which the channel forgets as soon as the peer has closed it.
    private struct Accepted: Sendable {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        let peer: String
    }

    private func serve(_ connection: Accepted, isRoom: Bool) async {
        let peer = connection.peer
        do {
            try await connection.channel.executeThenClose { chunks, _ in
                guard isRoom else { return }
                guard let address = PeerAddress(peer), senders.allows(address) else {
                    logger.warning("a statsd connection was refused: no rule allows it", metadata: ["peer": "\(peer)"])
                    return
                }
                var lines = StatsdConnection(senders: senders, book: book, address: address)
                defer { lines.end() }
                var isFirst = true
                for try await chunk in chunks {
                    if isFirst, access.gateways != nil {
                        // Something was read, so the handshake is over.
                        let names = await PeerCertificate.names(of: connection.channel.channel)
                        lines.access = { access.allows($0, names: names) }
                    }
                    isFirst = false
                    if let refusal = lines.take(Array(chunk.readableBytesView), at: now()) {
                        logger.warning(
                            "a statsd connection was closed", metadata: ["peer": "\(peer)", "error": "\(refusal)"])
                        return
                    }
                }
            }
        } catch {
            logger.info("a statsd connection was lost", metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }
}

/// One connection: who sends, and the line that its last read cut.
struct StatsdConnection {
    private let senders: StatsdSenders
    private let book: OdometerBook
    private let address: PeerAddress
    /// Whether the client's certificate lets it speak for a gateway.
    var access: (String) -> Bool = { _ in true }
    private let sender: SenderWatch.Sender
    private var source: OdometerSource?
    private var stream = StatsdStream(dialect: .plain)
    /// What came before a whole line named the instance.
    private var begun: [UInt8] = []

    init(senders: StatsdSenders, book: OdometerBook, address: PeerAddress) {
        self.senders = senders
        self.book = book
        self.address = address
        sender = address.sender(port: UInt64.random(in: 0...UInt64.max))
    }

    /// The connection was closed.
    func end() { source?.hasEnded(sender) }

    /// Why the connection has to be closed; nil where it goes on.
    mutating func take(_ chunk: [UInt8], at time: Timestamp) -> String? {
        if let source {
            source.receive(statsd: chunk.span, of: &stream, from: sender, at: time)
            return nil
        }
        begun += chunk
        guard let end = begun.lastIndex(of: UInt8(ascii: "\n")) else {
            return begun.count <= StatsdStream.longestLine ? nil : "it sends no lines"
        }
        guard
            let named = senders.known(address)
                ?? senders.sender(address, payload: begun.span.extracting(0..<(end + 1)))
        else {
            // Envoy's worker threads send timers alone, which name nobody and count nothing.
            begun.removeSubrange(...end)
            return nil
        }
        guard access(named.key.gateway) else {
            return "the client's certificate does not let it speak for the gateway \(named.key.gateway)"
        }
        guard let found = book.source(named.key, named.feed) else { return "there is no room for another instance" }
        found.isHeard(from: "\(address)")
        source = found
        stream = StatsdStream(dialect: named.dialect)
        let text = begun
        begun = []
        found.receive(statsd: text.span, of: &stream, from: sender, at: time)
        return nil
    }
}
