internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
package import Logging
internal import NIOCore
internal import ServiceLifecycle

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Listens for Envoy's metrics service (gRPC over HTTP/2) and hands each stream's messages to `streams`, undecoded.
///
/// Back-pressure: a stream's next message is read when `MetricsStream.receive` has returned. Over all streams, no more
/// than the budget's bytes are in flight: a stream whose message does not fit is closed with RESOURCE_EXHAUSTED, and
/// Envoy opens it again at its next flush. At a graceful shutdown each stream takes the message it is at, ends, and is
/// closed with UNAVAILABLE.
package struct MetricsServiceReceiver: Service {
    package struct Configuration: Hashable, Sendable {
        /// An IPv4 or IPv6 address of this machine.
        package var host: String
        /// 0 takes a free one.
        package var port: Int
        /// Bytes; the stream of a larger message is reset. A flush of 1,000 active clusters is 4.4 MB.
        package var largestMessage: Int
        /// A connection that has been silent for so long is asked for a sign of life.
        package var keepaliveTime: Duration
        /// A connection that gives none for so long is closed.
        package var keepaliveTimeout: Duration
        /// Streams that one address may hold open: behind a load balancer all Envoys have one.
        package var streamsPerPeer = 10_000

        package init(
            host: String = "127.0.0.1", port: Int = 4317, largestMessage: Int = 64 << 20,
            keepaliveTime: Duration = .seconds(30), keepaliveTimeout: Duration = .seconds(10)
        ) {
            self.host = host
            self.port = port
            self.largestMessage = largestMessage
            self.keepaliveTime = keepaliveTime
            self.keepaliveTimeout = keepaliveTimeout
        }
    }

    /// Where the receiver listens.
    package struct BoundAddress: Hashable, Sendable, CustomStringConvertible {
        package let host: String
        package let port: Int

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    private let configuration: Configuration
    private let endpoint: MetricsServiceEndpoint
    private let otlp: OTLPEndpoint?
    private let accessLogs: AccessLogEndpoint?
    private let tls: ServerTLS?
    private let onListening: @Sendable (BoundAddress) -> Void

    /// - Parameters:
    ///   - otlp: takes OTLP exports on the same port; nil for none.
    ///   - evidence: takes the access log service on the same port; nil for none.
    ///   - tls: nil for plain text, which only loopback or a trusted network is for.
    ///   - access: which gateways a client's certificate may speak for.
    ///   - now: Unix time in microseconds.
    ///   - onListening: called once, when connections are accepted.
    package init(
        configuration: Configuration = Configuration(),
        streams: any MetricsServiceStreams,
        otlp: OTLPReceiver? = nil,
        evidence: EvidenceBook? = nil,
        budget: InFlightBudget,
        tls: ServerTLS? = nil,
        access: GatewayAccess = .all,
        now: @escaping @Sendable () -> Int64,
        logger: Logger,
        onListening: @escaping @Sendable (BoundAddress) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.endpoint = MetricsServiceEndpoint(
            streams: streams, budget: budget, access: access, peers: PeerStreams(limit: configuration.streamsPerPeer),
            largestMessage: configuration.largestMessage, now: now, logger: logger)
        self.otlp = otlp.map { OTLPEndpoint(receiver: $0, budget: budget, access: access, now: now, logger: logger) }
        accessLogs = evidence.map { AccessLogEndpoint(book: $0, budget: budget, access: access, logger: logger) }
        self.tls = tls
        self.onListening = onListening
    }

    /// Listens until the service group shuts down gracefully or the task is cancelled.
    ///
    /// - Throws: `ReceiverError` when it can not listen.
    package func run() async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: configuration.address, transportSecurity: try tls?.transportSecurity() ?? .plaintext,
            config: configuration.transport)
        var services: [any RegistrableRPCService] = [endpoint]
        if let otlp { services.append(otlp) }
        if let accessLogs { services.append(accessLogs) }
        let server = GRPCServer(transport: transport, services: services)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // It throws where the server can not listen: then serve() says why.
                guard let address = (try? await transport.listeningAddress)?.bound else { return }
                onListening(address)
            }
            try await withGracefulShutdownHandler {
                do {
                    try await server.serve()
                } catch {
                    throw configuration.listeningError(error)
                }
            } onGracefulShutdown: {
                server.beginGracefulShutdown()
            }
        }
    }
}

extension MetricsServiceReceiver.Configuration {
    fileprivate var address: GRPCNIOTransportHTTP2Posix.SocketAddress {
        host.contains(":") ? .ipv6(host: host, port: port) : .ipv4(host: host, port: port)
    }

    fileprivate var transport: HTTP2ServerTransport.Posix.Config {
        .defaults { config in
            config.rpc.maxRequestPayloadSize = largestMessage
            // The default of 64 KiB would stop a flush of megabytes once each round trip.
            config.http2.targetWindowSize = 1 << 20
            // An Envoy opens one stream a sink, a gRPC load balancer one an Envoy: none needs more on one connection.
            config.http2.maxConcurrentStreams = 1_000
            // A peer that does not let go of its streams does not hold up a shutdown.
            config.connection.maxGraceTime = .seconds(10)
            config.connection.keepalive.time = keepaliveTime
            config.connection.keepalive.timeout = keepaliveTimeout
            // How often an Envoy asks for a sign of life is its operator's choice (connection_keepalive, 10 s in the
            // recommended bootstrap). By the default of 5 min it would be cut off for that after a few pings, calls or no.
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .milliseconds(100)
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.pipeline.syncOperations.addHandler(BufferRelease(), position: .first)
                }
            }
        }
    }

    fileprivate func listeningError(_ error: any Error) -> any Error {
        let cause = (error as? RuntimeError)?.cause ?? error
        let place = MetricsServiceReceiver.BoundAddress(host: host, port: port)
        switch cause {
        case is CancellationError:
            return cause
        case let system as IOError where system.errnoCode == EADDRINUSE:
            return ReceiverError(
                .addressInUse,
                "the metrics service can not listen on \(place): another process does; stop it, or choose another port",
                cause: cause)
        default:
            return ReceiverError(
                .cannotListen,
                "the metrics service can not listen on \(place): \(cause); give an address of this machine",
                cause: cause)
        }
    }
}

extension GRPCNIOTransportHTTP2Posix.SocketAddress {
    fileprivate var bound: MetricsServiceReceiver.BoundAddress? {
        if let ipv4 { return .init(host: ipv4.host, port: ipv4.port) }
        if let ipv6 { return .init(host: ipv6.host, port: ipv6.port) }
        return nil
    }
}
