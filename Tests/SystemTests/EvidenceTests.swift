import DemoGateway
import Foundation
import Testing

/// Access logs in JSON reach the store by every way that leads in, and each request counts once.
@Suite(.serialized) struct EvidenceTests {
    private static let start = "2026-03-02T12:01:00.000Z"

    private func lines(_ ids: Range<Int>, prefix: String = "tenant_acme") -> String {
        ids.map { number in
            #"{"stream_id":"00000000-0000-4000-8000-\#(String(1_000_000_000_000 + number).suffix(12))","#
                + #""stat_prefix":"\#(prefix)","route_name":"shop","response_code":200,"#
                + #""start_time":"\#(Self.start)","duration":5,"client":"192.0.2.7"}"#
        }
        .joined(separator: "\n") + "\n"
    }

    /// The rows of `check evidence`, by connection manager and route.
    private func logged(_ database: [String]) async throws -> [String: Int64] {
        struct Row: Decodable {
            var prefix: String
            var route: String?
            var logged: Int64
        }
        let output = try await Command.waybill(
            ["check", "evidence"] + database + ["--month", "2026-03", "--format", "json"]
        ).succeeded()
        let rows = try JSONDecoder().decode([Row].self, from: Data(output.utf8))
        return Dictionary(uniqueKeysWithValues: rows.map { ("\($0.prefix)/\($0.route ?? "all")", $0.logged) })
    }

    @Test("A file, a grown file, a pipe and a push are each counted once")
    func everyWay() async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let database = ["--database-url", cluster.url]
                let file = folder + "/access.json"
                func read(_ more: String...) async throws -> Command {
                    try await Command.waybill(["evidence"] + database + ["--gateway", "edge"] + more)
                }
                try lines(0..<20).write(toFile: file, atomically: true, encoding: .utf8)
                #expect(try await read(file).succeeded().contains("edge tenant_acme: 20 answered requests"))
                _ = try await read(file).succeeded()
                #expect(try await logged(database)["tenant_acme/all"] == 20)
                // The log has grown, with an entry twice.
                try (lines(0..<50) + lines(49..<50)).write(toFile: file, atomically: true, encoding: .utf8)
                _ = try await read(file).succeeded()
                #expect(try await logged(database)["tenant_acme/all"] == 50)
                // The same requests by a pipe.
                let pipe = try await Command.run(
                    "/bin/sh",
                    [
                        "-c", #"cat "$1" | "$2" evidence --database-url "$3" --gateway edge --instance gw-1 -"#, "sh",
                        file, Checkout.waybill, cluster.url,
                    ])
                _ = try pipe.succeeded()
                #expect(try await logged(database)["tenant_acme/all"] == 50)
                // Another connection manager's, pushed.
                let settings = try await ServeProcess.Settings.onFreePorts(database: database, folder: folder)
                let port = try await FreePorts.find(1)[0]
                var pushing = settings
                pushing.more = ["--otlp-http-listen", "127.0.0.1:\(port)"]
                try await ServeProcess.run(pushing) { serve in
                    let body = lines(100..<130, prefix: "tenant_globex")
                    for _ in 0..<2 {
                        let answer = try await Command.run(
                            "/usr/bin/curl",
                            [
                                "-sS", "--fail", "--data-binary", body,
                                "http://127.0.0.1:\(port)/v1/access-logs?gateway=edge&instance=gw-1",
                            ])
                        _ = try answer.succeeded()
                    }
                    try await wait(for: "30 requests are stored") {
                        try await logged(database)["tenant_globex/all"] == 30
                    }
                    #expect(try await serve.stop() == .code(0))
                }
                #expect(try await logged(database) == ["tenant_acme/all": 50, "tenant_globex/all": 30])
                // A file without an entry is an error.
                try "{\"a\":1}\n".write(toFile: file, atomically: true, encoding: .utf8)
                let nothing = try await read(file)
                #expect(nothing.exit == .code(1))
                #expect(nothing.diagnostics.contains("1 JSON objects are no log entries"))
            }
        }
    }
}
