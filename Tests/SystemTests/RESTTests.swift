import DemoGateway
import Foundation
import Testing

/// REST as programs meet it: a live server behind keys.
@Suite(.serialized) struct RESTTests {
    private static let schemathesis = Checkout.root + "/.build/rest-venv/bin/schemathesis"

    @Test(
        "schemathesis finds nothing that the OpenAPI document does not say",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: schemathesis),
            "there is no schemathesis in .build/rest-venv: run scripts/setup"))
    func contract() async throws {
        try await withAPI { serve, key in
            // It keeps notes where it runs.
            let run = try await Command.run(
                "/usr/bin/env",
                [
                    "-C", serve.settings.folder, Self.schemathesis, "--config-file",
                    Checkout.root + "/Tests/SystemTests/schemathesis.toml", "run",
                    "http://127.0.0.1:\(serve.settings.apiPort)/openapi.json", "-H", "Authorization: Bearer \(key)",
                    "--checks", "all", "--max-examples", "25", "--seed", "1", "--max-time", "60",
                ], within: .seconds(240))
            #expect(run.exit == .code(0), "\(run.output.suffix(6_000))\(run.diagnostics.suffix(1_000))")
            #expect(await serve.isRunning)
        }
    }

    @Test("The query of the README is answered to curl, with a key that the command line made")
    func readme() async throws {
        try await withAPI { serve, _ in
            let made = try await Command.waybill(
                ["key", "create"] + serve.settings.database + [
                    "--name", "readme", "--tenant", "acme", "--scope", "usage:read",
                ]
            ).succeeded().trimmingCharacters(in: .whitespacesAndNewlines)
            let month = Months.current()
            let answer = try await Command.run(
                "/usr/bin/curl",
                [
                    "-sS", "--fail-with-body", "-H", "Authorization: Bearer \(made)",
                    "http://127.0.0.1:\(serve.settings.apiPort)/v1/usage/monthly?period=\(month)&group_by=service,day",
                ]
            ).succeeded()
            #expect(try Usage(json: answer).requests == 12)
        }
    }

    @Test("PostgreSQL killed under load: 503 with Retry-After, and full recovery")
    func outage() async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                try await served(by: cluster, folder) { serve, key in
                    let url = "http://127.0.0.1:\(serve.settings.apiPort)/v1/tenants"
                    await cluster.crash()
                    var statuses: Set<String> = []
                    try await wait(for: "a 503 with Retry-After") {
                        let answer = try await Command.run(
                            "/usr/bin/curl", ["-sS", "-i", "-H", "Authorization: Bearer \(key)", url]
                        ).output
                        statuses.insert(String(answer.prefix(12)))
                        return answer.hasPrefix("HTTP/1.1 503") && answer.lowercased().contains("retry-after: ")
                            && answer.contains("application/problem+json")
                    }
                    #expect(statuses.isSubset(of: ["HTTP/1.1 200", "HTTP/1.1 503"]), "\(statuses)")
                    try await cluster.start()
                    try await wait(for: "answers again, without a restart of serve") {
                        try await Command.run(
                            "/usr/bin/curl", ["-sS", "-i", "-H", "Authorization: Bearer \(key)", url]
                        ).output.hasPrefix("HTTP/1.1 200")
                    }
                    #expect(await serve.isRunning)
                }
            }
        }
    }

    private func withAPI(_ body: (ServeProcess, String) async throws -> Void) async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { try await served(by: $0, folder, body) }
        }
    }

    /// A server behind keys with 12 requests of acme, and an operator's key.
    private func served(
        by cluster: PostgresCluster, _ folder: String, _ body: (ServeProcess, String) async throws -> Void
    ) async throws {
        var settings = try await ServeProcess.Settings.onFreePorts(
            database: ["--database-url", cluster.url], folder: folder)
        settings.authentication = "keys"
        try await ServeProcess.run(settings) { serve in
            try await MetricsClient.run(port: serve.settings.grpcPort) { client in
                let flush = try Flush(counters: [Flush.acme: 12]).message()
                #expect(await client.send([flush]) == nil)
            }
            try await wait(for: "12 requests are metered") {
                try await Command.waybill(
                    ["usage"] + serve.settings.database + [
                        "--tenant", "acme", "--month", Months.current(), "--format", "json",
                    ]
                ).output.contains("\"requests\":12")
            }
            let key = try await Command.waybill(
                ["key", "create"] + serve.settings.database + ["--name", "tests", "--scope", "admin"]
            ).succeeded().trimmingCharacters(in: .whitespacesAndNewlines)
            try await body(serve, key)
        }
    }
}
