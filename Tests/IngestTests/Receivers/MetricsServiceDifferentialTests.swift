import EnvoyAPI
import SwiftProtobuf
import TestSupport
import Testing
import WireFormats

/// The hand-written reader against the generated types, on what a real Envoy sent.
@Suite struct MetricsServiceDifferentialTests {
    private typealias Message = Envoy_Service_Metrics_V3_StreamMetricsMessage

    @Test(
        "The reader finds the metrics and the node that the generated types find",
        arguments: [
            "metrics_service_cumulative/capture.bin.gz", "fault_c_hotrestart/ms_cum.bin.gz",
            "fault_a_sinkdown/ms_delta.bin.gz", "metrics_service_delta_labels_batch50_hist/capture.bin.gz",
        ])
    func sameAsGenerated(_ capture: String) throws {
        var metrics = 0
        for payload in try Capture.payloads(capture) where !payload.isEmpty {
            let message = try Message(serializedBytes: payload)
            var visitor = Visitor()
            try MetricsServiceMessage.read(payload.span, into: &visitor)
            #expect(visitor.metrics == Self.metrics(of: message))
            #expect(visitor.node == (message.hasIdentifier ? Self.node(of: message.identifier.node) : nil))
            metrics += visitor.metrics.count
        }
        #expect(metrics > 0)
    }

    private static func metrics(of message: Message) -> [String] {
        message.envoyMetrics.flatMap { family in
            family.metric.compactMap { metric in
                let value: Double
                switch family.type {
                case .counter where metric.hasCounter: value = metric.counter.value
                case .gauge where metric.hasGauge: value = metric.gauge.value
                default: return nil
                }
                let labels = metric.label.map { "\($0.name)=\($0.value)" }
                return "\(family.name) \(labels) \(family.type == .counter) \(value) \(metric.timestampMs)"
            }
        }
    }

    private static func node(of node: Envoy_Config_Core_V3_Node) -> EnvoyNode {
        let metadata = node.metadata.fields.compactMapValues { value -> String? in
            if case .stringValue(let text)? = value.kind { text } else { nil }
        }
        return EnvoyNode(id: node.id, cluster: node.cluster, metadata: metadata)
    }

    private struct Visitor: MetricsServiceVisitor {
        var node: EnvoyNode?
        var metrics: [String] = []

        mutating func node(_ node: EnvoyNode) { self.node = node }

        mutating func metric(
            family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
        ) throws(WireFormatError) {
            var pairs: [String] = []
            try MetricLabels.forEach(in: labels) { name, value throws(WireFormatError) in
                pairs.append("\(try Self.text(name))=\(try Self.text(value))")
            }
            metrics.append("\(try Self.text(family)) \(pairs) \(kind == .counter) \(value) \(timestampMilliseconds)")
        }

        private static func text(_ bytes: Span<UInt8>) throws(WireFormatError) -> String {
            try String(utf8: bytes, at: 0..<bytes.count, "text")
        }
    }
}
