import EnvoyAPI
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Ingest
import Logging
import ServiceLifecycle

struct RawBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
        bytes.withUnsafeBytes { [UInt8]($0) }
    }
}

/// A receiver on a free port of loopback, in a service group.
struct ReceiverHarness: Sendable {
    let address: MetricsServiceReceiver.BoundAddress
    private let group: ServiceGroup
    private let client: GRPCClient<HTTP2ClientTransport.Posix>

    static let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })

    static func run(
        streams: RecordingStreams, largestMessage: Int = 64 << 20, budget: InFlightBudget = InFlightBudget(),
        streamsPerPeer: Int = 10_000,
        _ body: @Sendable @escaping (ReceiverHarness) async throws -> Void
    ) async throws {
        let (addresses, bound) = AsyncStream<MetricsServiceReceiver.BoundAddress>.makeStream()
        var configuration = MetricsServiceReceiver.Configuration(port: 0, largestMessage: largestMessage)
        configuration.streamsPerPeer = streamsPerPeer
        let receiver = MetricsServiceReceiver(
            configuration: configuration, streams: streams, budget: budget,
            now: { 42 },
            logger: logger, onListening: { bound.yield($0) })
        let group = ServiceGroup(services: [receiver], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { bound.finish() }
                try await group.run()
            }
            var iterator = addresses.makeAsyncIterator()
            if let address = await iterator.next() {
                try await withGRPCClient(transport: transport(to: address)) { client in
                    try await body(ReceiverHarness(address: address, group: group, client: client))
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
    }

    private static func transport(
        to address: MetricsServiceReceiver.BoundAddress
    ) throws -> HTTP2ClientTransport.Posix {
        try .http2NIOPosix(target: .ipv4(address: address.host, port: address.port), transportSecurity: .plaintext)
    }

    /// Gives `body` a client with a connection that nothing else uses, and the means to break it.
    func onOwnConnection(
        _ body: (_ client: ReceiverHarness, _ breakConnection: @escaping @Sendable () -> Void) async throws -> Void
    ) async throws {
        let own = GRPCClient(transport: try Self.transport(to: address))
        let connections = Task { try await own.runConnections() }
        defer { connections.cancel() }
        try await body(ReceiverHarness(address: address, group: group, client: own)) { connections.cancel() }
    }

    func shutDown() async { await group.triggerGracefulShutdown() }

    /// Sends the messages on one stream, ends it, and returns the status.
    @discardableResult
    func send(_ messages: [[UInt8]]) async -> RPCError.Code? {
        await stream { writer in
            for message in messages { try await writer.write(message) }
        }
    }

    /// Opens a stream, which ends when `produce` returns; gives the error that it was closed with.
    @discardableResult
    func stream(_ produce: @escaping @Sendable (RPCWriter<[UInt8]>) async throws -> Void) async -> RPCError.Code? {
        do {
            return try await client.clientStreaming(
                request: StreamingClientRequest(producer: produce),
                descriptor: Envoy_Service_Metrics_V3_MetricsService.Method.StreamMetrics.descriptor,
                serializer: RawBytes(), deserializer: RawBytes(), options: .defaults
            ) { response in
                switch response.accepted {
                case .success: nil
                case .failure(let error): error.code
                }
            }
        } catch {
            return (error as? RPCError)?.code ?? .unknown
        }
    }
}
