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

    @Test("The query of the README and of docs/rest.md is answered to curl, with a key that the command line made")
    func readme() async throws {
        try await withAPI { serve, _ in
            let made = try await Command.waybill(
                ["key", "create"] + serve.settings.database + [
                    "--name", "readme", "--tenant", "acme", "--scope", "usage:read",
                ]
            ).succeeded().trimmingCharacters(in: .whitespacesAndNewlines)
            for file in ["README.md", "docs/rest.md"] {
                let text = try String(contentsOfFile: Checkout.root + "/" + file, encoding: .utf8)
                let shown = text.split(separator: "\n").map { $0.drop { $0 == " " } }.first {
                    $0.hasPrefix(#"curl -H "Authorization: Bearer $KEY""#) && $0.contains("/v1/usage/monthly?")
                }
                guard let shown else { throw SystemTestError("\(file) shows no query") }
                let query = shown.replacing("127.0.0.1:8080", with: "127.0.0.1:\(serve.settings.apiPort)")
                    .replacing("2026-11", with: Months.current())
                let answer = try await Command.run("/usr/bin/env", ["KEY=\(made)", "/bin/sh", "-c", String(query)])
                    .succeeded()
                #expect(try Usage(json: answer).requests == 12, "\(file)")
            }
        }
    }

    @Test("PostgreSQL killed under load: 503 with Retry-After, full recovery, and each cut POST done once")
    func outage() async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                try await served(by: cluster, folder) { serve, key in
                    let base = "http://127.0.0.1:\(serve.settings.apiPort)"
                    // A month is remembered, and yet there is none without the database.
                    let month = "/v1/usage/monthly?tenant=acme&period=\(Months.current())"
                    let reading = ["/v1/tenants", month, month].map { path in
                        Task { try await Self.read(base + path, key) }
                    }
                    let posting = Task { try await Self.post(base + "/v1/keys", key, "seq 1 100000") }
                    try await Task.sleep(for: .seconds(2))
                    await cluster.crash()
                    try await Task.sleep(for: .seconds(4))
                    try await cluster.start()
                    for task in reading {
                        let read = try await task.value
                        let statuses = Set(read.map { $0.prefix(3) })
                        #expect(statuses == ["200", "503"], "\(statuses)")
                        #expect(
                            read.allSatisfy { !$0.hasPrefix("503") || $0 == "503 5 application/problem+json" },
                            "\(read.filter { $0.hasPrefix("503") })")
                        #expect(read.last == "200  application/json; charset=utf-8")
                    }
                    // Those posts that were not answered, or by 503, come again with their keys: each is done once.
                    let posted = try await posting.value
                    #expect(posted.contains { $0.hasSuffix(" 201") })
                    let cut = posted.filter { !$0.hasSuffix(" 201") }.compactMap { $0.split(separator: " ").first }
                    #expect(!cut.isEmpty)
                    var open = Set(cut.map(String.init))
                    try await wait(for: "each POST that was cut is settled: \(open)", within: .seconds(90)) {
                        for line in try await Self.post(
                            base + "/v1/keys", key, "echo \(open.sorted().joined(separator: " "))")
                        {
                            let parts = line.split(separator: " ")
                            if parts.count == 2, parts[1] == "201" { open.remove(String(parts[0])) }
                            // Done, and its answer lost: that is settled too.
                            if line.hasSuffix("lost") { open.remove(String(parts[0])) }
                        }
                        return open.isEmpty
                    }
                    let names = try await Self.keyNames(base, key)
                    #expect(Set(names).count == names.count, "one was done twice")
                    #expect(
                        Set(names).isSuperset(
                            of: posted.compactMap { $0.split(separator: " ").first.map { "k-\($0)" } }))
                    #expect(await serve.isRunning)
                }
            }
        }
    }

    /// Reads an address over and over for ten seconds. Each line: status, Retry-After, type.
    private static func read(_ url: String, _ key: String) async throws -> [String] {
        try await Command.run(
            "/usr/bin/timeout",
            [
                // By lines: what curl holds back is lost when it is ended.
                "10", "/usr/bin/stdbuf", "-oL", "/usr/bin/curl", "-s", "-o", "/dev/null", "-w",
                "%{http_code} %header{retry-after} %{content_type}\\n",
                "-H", "Authorization: Bearer \(key)", url + "#[1-1000000]",
            ]
        ).output.split(separator: "\n").dropLast().map(String.init)  // The last may have been cut.
    }

    /// Makes keys for ten seconds, each with an Idempotency-Key of its own. Each line: its number and the status, or `lost`.
    private static func post(_ url: String, _ key: String, _ numbers: String) async throws -> [String] {
        let script = """
            for n in $(\(numbers)); do
                answer=$(curl -s -w ' %{http_code}' -H 'Authorization: Bearer \(key)' -H "Idempotency-Key: k-$n" \
                    -H 'Content-Type: application/json' -d '{"name":"k-'$n'","scopes":["usage:read"]}' \(url))
                case $answer in *"answer was lost"*) echo "$n lost";; *) echo "$n ${answer##* }";; esac
            done
            """
        return try await Command.run("/usr/bin/timeout", ["10", "/bin/sh", "-c", script]).output.split(separator: "\n")
            .map(String.init)
    }

    private static func keyNames(_ base: String, _ key: String) async throws -> [String] {
        var names: [String] = []
        var cursor = ""
        repeat {
            let page = try await Command.run(
                "/usr/bin/curl", ["-sS", "-H", "Authorization: Bearer \(key)", "\(base)/v1/keys?limit=1000\(cursor)"]
            ).succeeded()
            let json = try JSONSerialization.jsonObject(with: Data(page.utf8)) as? [String: Any]
            names += (json?["items"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            cursor = (json?["next_cursor"] as? String).map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty
        return names.filter { $0.hasPrefix("k-") }
    }

    @Test("HTTPS by configuration: for who trusts the certificate, and for nobody in plain text")
    func tls() async throws {
        try await withFolder { folder in
            for name in ["one", "other"] {
                _ = try await Command.run(
                    "/usr/bin/openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem",
                    ]
                ).succeeded()
            }
            try await PostgresCluster.run(in: folder) { cluster in
                var settings = try await ServeProcess.Settings.onFreePorts(
                    database: ["--database-url", cluster.url], folder: folder)
                settings.authentication = "keys"
                settings.more = ["--api-tls-certificate", "\(folder)/one.pem", "--api-tls-key", "\(folder)/one.key"]
                let mixed = try await Command.waybill(
                    settings.arguments.map { $0.hasSuffix("one.key") ? "\(folder)/other.key" : $0 })
                #expect(mixed.exit != .code(0) && !mixed.diagnostics.isEmpty, "\(mixed)")
                try await ServeProcess.run(settings) { serve in
                    let place = "127.0.0.1:\(serve.settings.apiPort)/v1/tenants"
                    func status(_ arguments: String...) async throws -> String {
                        let run = try await Command.run(
                            "/usr/bin/curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}"] + arguments)
                        return "\(run.output) \(run.exit)"
                    }
                    let trusted = try await status("--cacert", "\(folder)/one.pem", "https://" + place)
                    #expect(trusted == "401 \(ChildProcess.Exit.code(0))")
                    let other = try await status("--cacert", "\(folder)/other.pem", "https://" + place)
                    #expect(other == "000 \(ChildProcess.Exit.code(60))")
                    let plain = try await status("http://" + place)
                    #expect(plain.hasPrefix("000"))
                    let old = try await status(
                        "--cacert", "\(folder)/one.pem", "--tls-max", "1.1", "https://" + place)
                    #expect(old.hasPrefix("000"))
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
