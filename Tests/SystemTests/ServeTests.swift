import DemoGateway
import GRPCCore
import Testing

/// `waybill serve` with a real PostgreSQL.
@Suite(.serialized) struct ServeTests {
    @Test("A port in use ends serve with 1 and is named", arguments: ["--grpc-listen", "--api-listen"])
    func portInUse(_ flag: String) async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                try await Upstream.run { other in
                    let free = try await FreePorts.find(2)
                    var listen = ["--grpc-listen": "127.0.0.1:\(free[0])", "--api-listen": "127.0.0.1:\(free[1])"]
                    listen[flag] = "127.0.0.1:\(other.port)"
                    let command = try await Command.waybill(
                        ["serve", "--database-url", cluster.url] + listen.flatMap { [$0.key, $0.value] })
                    #expect(command.exit == .code(1))
                    #expect(command.diagnostics.contains("127.0.0.1:\(other.port)"), "\(command.diagnostics)")
                    #expect(command.diagnostics.contains("choose another port"), "\(command.diagnostics)")
                }
            }
        }
    }

    @Test("A hostile stream is closed, and the others are metered")
    func hostileStreams() async throws {
        try await withServe { serve in
            try await MetricsClient.run(port: serve.settings.grpcPort) { client in
                let first = try Flush(counters: [Flush.acme: 5]).message()
                let whole = try Flush(nodeID: "gw-hostile", counters: [Flush.acme: 900]).message()
                let anonymous = try Flush(nodeID: nil, counters: [Flush.acme: 900]).message()
                let nameless = try Flush(nodeID: "", counters: [Flush.acme: 900]).message()
                #expect(await client.send([first]) == nil)
                #expect(await client.send([anonymous, anonymous]) == .invalidArgument)
                #expect(await client.send([nameless]) == .invalidArgument)
                #expect(await client.send([Array(whole.dropLast(3))]) == .invalidArgument)
                #expect(await client.send([[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]]) == .invalidArgument)
                #expect(await client.send([[]]) == .invalidArgument)
                // A field that nobody knows yet is no fault.
                let second =
                    try Flush(counters: [Flush.acme: 7], milliseconds: Flush.now() + 1000).message() + [
                        0xFA, 0x3E, 1, 0,
                    ]
                #expect(await client.send([second]) == nil)
            }
            #expect(await serve.isRunning)
            try await wait(for: "7 requests are metered") { try await serve.requests("acme") == 7 }
            #expect(try await serve.stop() == .code(0))
        }
    }

    @Test("REST answers what the command prints")
    func rest() async throws {
        try await withServe { serve in
            try await MetricsClient.run(port: serve.settings.grpcPort) { client in
                let flush = try Flush(counters: [Flush.acme: 12]).message()
                #expect(await client.send([flush]) == nil)
            }
            try await wait(for: "12 requests are metered") { try await serve.requests("acme") == 12 }
            let month = Months.current()
            let answer = try await serve.get("/v1/usage/monthly?tenant=acme&period=\(month)")
            let printed = try await Command.waybill(
                ["usage"] + serve.settings.database + ["--tenant", "acme", "--month", month, "--format", "json"]
            ).succeeded()
            #expect(try Usage(json: answer.body) == Usage(json: printed))
            #expect(try await serve.get("/v1/usage/monthly?tenant=acme").status == 400)
            #expect(try await serve.get("/v1/usage/monthly?tenant=nobody&period=\(month)").status == 404)
        }
    }

    private func withServe(_ body: (ServeProcess) async throws -> Void) async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let settings = try await ServeProcess.Settings.onFreePorts(
                    database: ["--database-url", cluster.url], folder: folder)
                try await ServeProcess.run(settings, body)
            }
        }
    }
}
