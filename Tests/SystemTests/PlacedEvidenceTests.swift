import DemoGateway
import Foundation
import Testing

/// Access logs of a real Envoy are laid into gaps at the moment in which its counters rose: when the head of an answer goes
/// out. A download that was counted before a gap and ends in it is no evidence of what was missed.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct PlacedEvidenceTests {
    /// Which counters bill.
    enum Way: String, CaseIterable {
        case connectionManagers
        case clusters
    }

    @Test(arguments: Way.allCases)
    func `A download that was counted before a gap is no evidence in it, though it ends there`(way: Way) async throws {
        try await withFolder { folder in
            let log = folder + "/access.json"
            let arguments = way == .clusters ? ["--meters", Checkout.root + "/config/meters/enroute.yaml"] : []
            let (tenant, manager) = way == .clusters ? ("shop", "ingress_http") : ("acme", "tenant_acme")
            let template = try Self.bootstrap(way, manager: manager, log: log)
            try await Gateway.run(serveArguments: arguments, bootstrap: { _ in template }) { gateway in
                let port = gateway.bootstrap.tenantPorts["acme"] ?? 0
                func load(_ requests: Int, status: Int = 200) async {
                    let plan = LoadPlan(
                        tenant: tenant, port: port, requests: requests, status: status,
                        requestsPerConnection: 1, connectPatience: .seconds(10))
                    let outcomes = await Load([plan]).run()
                    #expect(outcomes[tenant]?.answered == requests)
                }
                await load(5)
                async let downloads = Self.downloads(3, port: port)
                // Counted while their bodies are still on the way.
                try await wait(for: "the downloads are metered") { try await gateway.serve.requests(tenant) == 8 }
                #expect(try await gateway.serve.stop() == .code(0))
                // The seconds that a gap's edges cut say nothing.
                try await Task.sleep(for: .milliseconds(2100))
                await load(7)
                await load(2, status: 404)
                if way == .clusters { await load(4, status: 503) }
                #expect(try await downloads == 3)
                try await Task.sleep(for: .milliseconds(2100))
                try await gateway.envoy.terminate()
                try await gateway.serve.start()
                try await gateway.envoy.start()
                try await gateway.flushes(2)
                let packed = try await Command.run("/bin/sh", ["-c", "gzip -c \(log) > \(log).gz"])
                _ = try packed.succeeded()
                _ = try await Command.waybill(
                    ["evidence", "--gateway", "demo", "--instance", "gw-demo-1", log + ".gz"] + gateway.database
                ).succeeded()
                // Of the clusters: seven, and four that were tried three times; what Envoy answered itself is in none.
                let missed = way == .clusters ? 11 : 9
                var shown: [Gaps.Gap] = []
                do {
                    try await wait(for: "the gap is narrowed", within: .seconds(30)) {
                        shown = try await Self.gaps(tenant, gateway.database)
                        return shown.contains { $0.evidence != nil }
                    }
                } catch {
                    throw SystemTestError("\(shown): \(error)")
                }
                #expect(shown.compactMap(\.evidence) == [missed], "\(shown)")
                #expect(shown.map(\.reason) == ["tail_lost"])
                if way == .clusters { try await Self.expectClusters(gateway.database) }
            }
        }
    }

    /// Held against the counters, the log lacks nothing but what was counted by no flush.
    private static func expectClusters(_ database: [String]) async throws {
        struct Row: Decodable {
            var cluster: String?
            var counted: Int
            var logged: Int
        }
        var rows: [Row] = []
        for month in Months.started.soFar {
            let text = try await Command.waybill(
                ["check", "evidence", "--month", month, "--format", "json"] + database
            ).succeeded()
            rows += try JSONDecoder().decode([Row].self, from: Data(text.utf8))
        }
        let clusters = rows.filter { $0.cluster != nil }
        #expect(clusters.map(\.cluster) == ["shop_web_80"])
        #expect(clusters.map(\.counted) == [8])
        #expect(clusters.map(\.logged) == [19])
        #expect(rows.filter { $0.cluster == nil }.map(\.logged) == [21])
    }

    private static func downloads(_ count: Int, port: Int) async throws -> Int {
        let url = "http://127.0.0.1:\(port)/hold/9000/bytes/100"
        let curl = try await Command.run(
            "/usr/bin/curl",
            ["-sS", "--fail", "-Z", "-w", "%{size_download}\n", "-o", "/dev/null"]
                + Array(repeating: ["-o", "/dev/null", url], count: count).flatMap(\.self).dropFirst(2))
        return try curl.succeeded().split(separator: "\n").count { $0 == "100" }
    }

    private struct Gaps: Decodable {
        struct Coverage: Decodable { var gaps: [Gap] }

        struct Gap: Decodable {
            var reason: String
            var lower: Int
            var upper: Int?
            var evidence: Int?
        }

        var coverage: Coverage
    }

    private static func gaps(_ tenant: String, _ database: [String]) async throws -> [Gaps.Gap] {
        var gaps: [Gaps.Gap] = []
        for month in Months.started.soFar {
            let text = try await Command.waybill(
                ["gaps", "--tenant", tenant, "--month", month, "--format", "json"] + database
            ).succeeded()
            gaps += try JSONDecoder().decode(Gaps.self, from: Data(text.utf8)).coverage.gaps
        }
        return gaps
    }

    /// The bootstrap with a log of JSON at a connection manager, as docs/sinks.md has it.
    private static func bootstrap(_ way: Way, manager: String, log: String) throws -> String {
        let template =
            if way == .clusters {
                try String(
                    contentsOfFile: Checkout.root + "/Tests/Fixtures/enroute/envoy.yaml.template", encoding: .utf8)
            } else {
                try Checkout.bootstrapTemplate()
            }
        let guide = try String(contentsOfFile: Checkout.root + "/docs/sinks.md", encoding: .utf8)
        let start = try #require(guide.firstRange(of: "json_format:\n"))
        let end = try #require(guide[start.upperBound...].firstRange(of: "```"))
        let format = guide[start.upperBound..<end.lowerBound].replacing("ingress_http ", with: "\(manager) ")
        let field = "          stat_prefix: \(manager)\n"
        try #require(template.contains(field))
        return template.replacing(
            field,
            with: field + """
                          access_log:
                          - name: envoy.access_loggers.file
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                              path: \(log)
                              log_format:
                                json_format:

                """
                + format.split(separator: "\n").map { String(repeating: " ", count: 18) + $0 + "\n" }.joined()
        )
    }
}
