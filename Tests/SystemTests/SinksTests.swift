import DemoGateway
import Foundation
import Logging
import PostgreSQL
import Testing

/// One real Envoy that reports by every sink at once, each under a gateway of its own, so that each can be held against
/// what was sent.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct SinksTests {
    /// The gateways, one for each way.
    private static let ways = ["demo", "plain", "tcp", "dog", "graphite", "otlp", "otlp-delta", "pulled"]

    @Test func `every sink of a real Envoy is metered to what was sent`() async throws {
        try await Gateway.run(sinks: try await Sinks.onFreePorts()) { gateway in
            try await gateway.load(["acme": 120, "globex": 80, "initech": 40], seconds: 5)
            #expect(try await gateway.envoy.drainAndStop() == .complete)
            try await expectAll(Self.ways, of: gateway)
            try await wait(for: "the access logs are stored") {
                try await Self.text(
                    "SELECT COALESCE(sum(answered), 0)::text FROM access_log_evidence", gateway.cluster.url) == ["240"]
            }
            let shown = try await Self.text(
                "SELECT prefix || ' ' || sum(answered) FROM access_log_evidence GROUP BY prefix ORDER BY prefix",
                gateway.cluster.url)
            #expect(shown == ["tenant_acme 120", "tenant_globex 80", "tenant_initech 40"])
        }
    }

    @Test
    func
        `killed before its first commit, a worker takes up what its spool holds, and the sources that send totals recover`()
        async throws
    {
        try await Gateway.run(commitInterval: "1h", sinks: try await Sinks.onFreePorts()) { gateway in
            try await gateway.load(["acme": 90, "globex": 60], seconds: 3)
            // A flush of Envoy's, and the second in which it is sealed.
            try await gateway.flushes(1)
            try await Task.sleep(for: .milliseconds(2500))
            await gateway.serve.kill()
            try await gateway.serve.start()
            try await gateway.flushes(2)
            #expect(try await gateway.serve.stop() == .code(0))
            try await expectAll(Self.ways, of: gateway)
            #expect(await gateway.serve.log.contains("the spool was taken up"))
        }
    }

    @Test func `deltas of the metrics service count for a gateway that is declared so, and hold one that is not`()
        async throws
    {
        try await Gateway.run(
            serveArguments: ["--delta-gateway", "demo"],
            bootstrap: { $0.replacing("report_counters_as_deltas: false", with: "report_counters_as_deltas: true") }
        ) { gateway in
            try await gateway.load(["acme": 90, "globex": 60], seconds: 4)
            #expect(try await gateway.envoy.drainAndStop() == .complete)
            try await expectAll(["demo"], of: gateway)
        }
        try await Gateway.run(
            commitInterval: "1h",
            bootstrap: { $0.replacing("report_counters_as_deltas: false", with: "report_counters_as_deltas: true") }
        ) { gateway in
            for _ in 0..<4 {
                try await gateway.load(["acme": 10], seconds: 1)
                try await gateway.flushes(2)
            }
            try await wait(for: "the instance is held") {
                await gateway.serve.log.contains("an instance is held: its counters return to 0")
            }
        }
    }

    private func expectAll(_ ways: [String], of gateway: Gateway) async throws {
        let sent = gateway.sent.values.reduce(0, +)
        var metered: [String: Int] = [:]
        do {
            try await wait(for: "all that was sent is metered", within: .seconds(20)) {
                // It ends with 3 where coverage is low, which an Envoy that was just killed may make it.
                _ = try await Command.waybill(["aggregate", "--once"] + gateway.database)
                metered = try await Self.requests(by: gateway.cluster.url)
                return ways.allSatisfy { metered[$0] == sent }
            }
        } catch {
            let rows = try await Self.text(
                """
                SELECT gateway.name || ' ' || counter.name || ' ' || quantity FROM unattributed
                JOIN gateway USING (gateway_id) JOIN counter USING (gateway_id, counter_id)
                WHERE counter.name LIKE '%rq_completed%'
                UNION ALL SELECT gateway.name || ' ' || reason || ' ' || from_at || ' ' || to_at FROM gap JOIN gateway USING (gateway_id)
                UNION ALL SELECT gateway.name || ' ' || COALESCE(boot_id, '-') || ' ' || COALESCE(baseline_at::text, '-') FROM epoch JOIN gateway USING (gateway_id)
                """, gateway.cluster.url)
            Issue.record("sent \(sent), metered \(metered): \(error); \(rows.joined(separator: "\n"))")
        }
        for way in ways { #expect(metered[way] == sent, "\(way)") }
    }

    private static func text(_ sql: StaticString, _ url: String) async throws -> [String] {
        let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
        let connection = try await PostgresConnection.connect(PostgresConfiguration(url: url), logger: logger)
        var texts: [String] = []
        for row in try await connection.execute(sql) { texts.append(try row.decode(0)) }
        await connection.close()
        return texts
    }

    /// The requests of each gateway.
    private static func requests(by url: String) async throws -> [String: Int] {
        let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
        let connection = try await PostgresConnection.connect(PostgresConfiguration(url: url), logger: logger)
        let rows = try await connection.execute(
            """
            SELECT gateway.name, sum(requests)::bigint FROM consumption JOIN gateway USING (gateway_id)
            GROUP BY gateway.name
            """)
        var requests: [String: Int] = [:]
        for row in rows { requests[try row.decode(0)] = Int(try row.decode(1, as: Int64.self)) }
        await connection.close()
        return requests
    }
}
