import TestSupport
import Testing
import WireFormats

/// What a real Envoy 1.40 sent, against what its clients did.
@Suite struct MetricsServiceCaptureTests {
    @Test("The last flush of a cumulative stream holds the requests that were sent")
    func cumulative() throws {
        let flushes = try Capture.payloads("metrics_service_cumulative/capture.bin.gz").filter { !$0.isEmpty }
            .map { try RecordingVisitor.reading($0) }
        let first = try #require(flushes.first)
        let last = try #require(flushes.last)
        #expect(flushes.map(\.nodes.count) == [1] + [Int](repeating: 0, count: flushes.count - 1))
        #expect(first.nodes.first?.id == "envoy-node-1")
        for (family, requests) in [
            "http.ingress_http.downstream_rq_total": 59.0, "cluster.svc_a.upstream_rq_total": 51,
            "cluster.tenant_b_alt.upstream_rq_total": 3, "http.ingress_http.downstream_rq_2xx": 49,
            "http.ingress_http.downstream_rq_4xx": 7, "http.ingress_http.downstream_rq_5xx": 3,
        ] {
            #expect(last.metrics.filter { $0.family == family }.map(\.value) == [requests], "\(family)")
        }
        for flush in flushes {
            #expect(Set(flush.metrics.map(\.timestampMilliseconds)).count == 1)
        }
    }

    @Test("The boot id that was put into the node's metadata arrives")
    func bootID() throws {
        let first = try #require(try Capture.payloads("recommended/ms_and_als.bin.gz").first { !$0.isEmpty })
        let node = try #require(try MetricsServiceMessage.identifier(of: first.span))
        #expect(node.bootID == "6f1c0d1e-0000-4000-8000-000000000001")
    }

    @Test("With tags as labels, deltas add up over the metrics of one name")
    func labels() throws {
        var requests: [[String]: Double] = [:]
        for payload in try Capture.payloads("metrics_service_delta_labels_batch50_hist/capture.bin.gz")
        where !payload.isEmpty {
            for metric in try RecordingVisitor.reading(payload).metrics
            where metric.family == "cluster.upstream_rq_total" {
                requests[metric.labels, default: 0] += metric.value
            }
        }
        #expect(requests[["envoy.cluster_name=svc_a"]] == 51)
    }
}
