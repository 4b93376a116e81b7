import DemoGateway
import EnvoyAPI
import Foundation
import SwiftProtobuf
import Testing

/// OTLP over HTTP, sent to a real `waybill serve` by curl.
@Suite(.serialized) struct OTLPHTTPTests {
    private static let protobuf = "content-type: application/x-protobuf"

    @Test func `Exports over HTTP count once, plain or packed, and what is not read is refused with the reason`()
        async throws
    {
        try await withServe { serve, cluster, post in
            let now = UInt64(Date().timeIntervalSince1970)
            let first = try Self.export(requests: 12, time: now - 3)
            let second = try Self.export(requests: 30, time: now - 2)
            #expect(try await post.send(first, [Self.protobuf]).status == 200)
            // Sent again, as where the answer was lost, and packed besides.
            #expect(try await post.send(first, [Self.protobuf]).status == 200)
            #expect(try await post.send(post.packed(first), [Self.protobuf, "content-encoding: gzip"]).status == 200)
            #expect(try await post.send(post.packed(second), [Self.protobuf, "content-encoding: gzip"]).status == 200)

            let refusals: [(body: [UInt8], headers: [String], status: Int, says: String)] = [
                (Array("{}".utf8), ["content-type: application/json"], 415, "JSON is not read"),
                (first, ["content-type:"], 415, "application/x-protobuf"),
                (first, [Self.protobuf, "content-encoding: br"], 415, "content encoding br"),
                (first, [Self.protobuf, "content-encoding: gzip"], 400, "unpacked"),
                (Array(first.dropLast(3)), [Self.protobuf], 400, "truncated"),
                ([UInt8](repeating: 0, count: 70_000), [Self.protobuf], 413, "65536"),
                // 70,000 zeros take a hundred bytes packed.
                (
                    try await post.packed([UInt8](repeating: 0, count: 70_000)),
                    [Self.protobuf, "content-encoding: gzip"], 400, "unpacked"
                ),
            ]
            for refusal in refusals {
                let answer = try await post.send(refusal.body, refusal.headers)
                #expect(answer.status == refusal.status, "\(refusal.headers): \(answer.body)")
                #expect(answer.body.contains(refusal.says), "\(refusal.headers): \(answer.body)")
            }

            // A collector of OTLP tries again what is answered with 503.
            let third = try Self.export(requests: 100, time: now - 1)
            await cluster.crash()
            #expect(try await post.send(third, [Self.protobuf]).status == 503)
            try await cluster.start()
            try await wait(for: "the export is taken") {
                try await post.send(third, [Self.protobuf]).status == 200
            }
            #expect(try await post.send(third, [Self.protobuf]).status == 200)
            try await wait(for: "142 requests are metered") { try await serve.requests("acme") == 142 }
            #expect(try await serve.stop() == .code(0))
            _ = try await Command.waybill(["aggregate", "--once"] + serve.settings.database)
            #expect(try await Usage.command("acme", Months.started.soFar, serve.settings.database).requests == 142)
        }
    }

    @Test func `With TLS a client needs a certificate, which speaks for the gateways of its name alone`() async throws {
        try await withFolder { folder in
            let certificates = try await Certificates.make(
                ["server": "127.0.0.1", "edge": "edge.example"], in: folder)
            try await withServe(certificates.settings(gateway: "edge")) { serve, _, post in
                let now = UInt64(Date().timeIntervalSince1970)
                let own = try Self.export(requests: 12, time: now - 3)
                var client = post
                client.arguments = [
                    "--cacert", "\(folder)/ca.pem", "--cert", "\(folder)/edge.pem", "--key", "\(folder)/edge.key",
                ]
                #expect(try await client.send(own, [Self.protobuf]).status == 200)
                let other = try await client.send(
                    Self.export(requests: 7, time: now - 3, gateway: "other"), [Self.protobuf])
                #expect(other.status == 403 && other.body.contains("gateway other"), "\(other)")
                // Without a certificate the connection ends before there is an answer; in the clear there is none either.
                client.arguments = ["--cacert", "\(folder)/ca.pem"]
                #expect(try await client.send(own, [Self.protobuf]).status == 0)
                client.url = client.url.replacing("https://", with: "http://")
                #expect(try await client.send(own, [Self.protobuf]).status == 0)
                try await wait(for: "12 requests are metered") { try await serve.requests("acme") == 12 }
            }
        }
    }

    /// Sends bodies as curl does.
    private struct Post {
        var url: String
        let folder: String
        /// Of curl besides.
        var arguments: [String] = []

        func send(_ body: [UInt8], _ headers: [String]) async throws -> (status: Int, body: String) {
            let file = "\(folder)/body"
            try Data(body).write(to: URL(fileURLWithPath: file))
            let printed = try await Command.run(
                "/usr/bin/curl",
                ["-s", "-m", "20", "-w", "\n%{http_code}", "--data-binary", "@\(file)"] + arguments
                    + headers.flatMap { ["-H", $0] } + [url]
            ).output
            let lines = printed.split(separator: "\n", omittingEmptySubsequences: false)
            return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
        }

        func packed(_ body: [UInt8]) async throws -> [UInt8] {
            let file = "\(folder)/packed"
            try Data(body).write(to: URL(fileURLWithPath: file))
            _ = try await Command.run("/bin/gzip", ["-f", file]).succeeded()
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: file + ".gz")))
        }
    }

    private func withServe(_ more: String = "", _ body: (ServeProcess, PostgresCluster, Post) async throws -> Void)
        async throws
    {
        _ = Months.started
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let sinks = try await Sinks.onFreePorts()
                let file = folder + "/waybill.yaml"
                try """
                otlp: {http_listen: 127.0.0.1:\(sinks.otlpPort)}
                limits: {message_bytes: 65536}
                \(more)
                """.write(toFile: file, atomically: true, encoding: .utf8)
                var settings = try await ServeProcess.Settings.onFreePorts(
                    database: ["--database-url", cluster.url], folder: folder)
                settings.more = ["--config", file]
                try await ServeProcess.run(settings) { serve in
                    try await wait(for: "OTLP listens") { await serve.log.contains("OTLP listens") }
                    try await body(
                        serve, cluster,
                        Post(
                            url: "\(more.isEmpty ? "http" : "https")://127.0.0.1:\(sinks.otlpPort)/v1/metrics",
                            folder: folder))
                }
            }
        }
    }

    /// An export of deltas: so many requests of acme in the second that ends at `time`.
    private static func export(requests: Int64, time: UInt64, gateway: String = "edge") throws -> [UInt8] {
        var point = Opentelemetry_Proto_Metrics_V1_NumberDataPoint()
        point.startTimeUnixNano = (time - 1) * 1_000_000_000
        point.timeUnixNano = time * 1_000_000_000
        point.asInt = requests
        var metric = Opentelemetry_Proto_Metrics_V1_Metric()
        metric.name = Flush.acme
        metric.sum.aggregationTemporality = .delta
        metric.sum.isMonotonic = true
        metric.sum.dataPoints = [point]
        var scope = Opentelemetry_Proto_Metrics_V1_ScopeMetrics()
        scope.metrics = [metric]
        var metrics = Opentelemetry_Proto_Metrics_V1_ResourceMetrics()
        for (key, value) in [("service.instance.id", "gw-1"), ("service.name", gateway)] {
            var attribute = Opentelemetry_Proto_Common_V1_KeyValue()
            attribute.key = key
            attribute.value.stringValue = value
            metrics.resource.attributes.append(attribute)
        }
        metrics.scopeMetrics = [scope]
        var request = Opentelemetry_Proto_Collector_Metrics_V1_ExportMetricsServiceRequest()
        request.resourceMetrics = [metrics]
        return try request.serializedBytes()
    }
}
