import EnvoyAPI
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import SwiftProtobuf

/// Sends messages to the metrics service as an Envoy would, or as none would.
struct MetricsClient: Sendable {
    private let client: GRPCClient<HTTP2ClientTransport.Posix>

    /// Connects, runs the body, and closes the connection.
    static func run(port: Int, _ body: @Sendable @escaping (MetricsClient) async throws -> Void) async throws {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
        try await withGRPCClient(transport: transport) { try await body(MetricsClient(client: $0)) }
    }

    /// Sends the messages on one stream and ends it. Returns the error it was closed with; nil when all was taken.
    func send(_ messages: [[UInt8]]) async -> RPCError.Code? {
        do {
            return try await client.clientStreaming(
                request: StreamingClientRequest { writer in
                    for message in messages { try await writer.write(message) }
                },
                descriptor: Envoy_Service_Metrics_V3_MetricsService.Method.StreamMetrics.descriptor,
                serializer: RawMessage(), deserializer: RawMessage(), options: .defaults
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

private struct RawMessage: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
        bytes.withUnsafeBytes { [UInt8]($0) }
    }
}

/// One flush of an Envoy that has just started.
struct Flush {
    /// What the shipped meters bill to acme.
    static let acme = "http.tenant_acme.downstream_rq_completed"

    var nodeID: String? = "gw-1"
    var nodeCluster = "edge"
    var bootID = "boot-1"
    var counters: [String: Double] = [:]
    /// Since the Unix epoch.
    var milliseconds = Flush.now()

    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    /// The flush as a `StreamMetricsMessage`.
    func message() throws -> [UInt8] {
        var message = Envoy_Service_Metrics_V3_StreamMetricsMessage()
        if let nodeID {
            message.identifier.node.id = nodeID
            message.identifier.node.cluster = nodeCluster
            message.identifier.node.metadata.fields["boot_id"] = Google_Protobuf_Value(stringValue: bootID)
        }
        message.envoyMetrics = [family("server.uptime", .gauge) { $0.gauge.value = 0 }]
        for (name, value) in counters.sorted(by: { $0.key < $1.key }) {
            message.envoyMetrics.append(family(name, .counter) { $0.counter.value = value })
        }
        return try message.serializedBytes()
    }

    private func family(
        _ name: String, _ type: Io_Prometheus_Client_MetricType, _ value: (inout Io_Prometheus_Client_Metric) -> Void
    ) -> Io_Prometheus_Client_MetricFamily {
        var metric = Io_Prometheus_Client_Metric()
        value(&metric)
        metric.timestampMs = milliseconds
        var family = Io_Prometheus_Client_MetricFamily()
        family.name = name
        family.type = type
        family.metric = [metric]
        return family
    }
}
