import DemoGateway
import Foundation
import Testing

/// `--data-dir`: the private PostgreSQL that commands on one directory share.
@Suite(.serialized) struct EmbeddedDatabaseTests {
    @Test("While serve runs, other commands use its directory; when it ends, the server has gone")
    func sharing() async throws {
        try await withDataDirectory { directory, settings in
            try await ServeProcess.run(settings) { serve in
                try await Self.meter(9, by: serve)
                async let usage = Usage.command("acme", Months.started.soFar, settings.database)
                async let aggregate = Command.waybill(["aggregate", "--once"] + settings.database)
                let (metered, aggregated) = try await (usage, aggregate)
                #expect(metered.requests == 9)
                #expect(aggregated.exit == .code(0), "\(aggregated.diagnostics)")
                let server = try #require(directory.server)
                #expect(try await serve.stop() == .code(0))
                #expect(!directory.isServer(server))
                #expect(directory.server == nil)
            }
        }
    }

    @Test("Eight commands at once on a fresh directory all succeed")
    func eightAtOnce() async throws {
        try await withDataDirectory { directory, settings in
            let commands = try await withThrowingTaskGroup(of: Command.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await Command.waybill(["migrate"] + settings.database) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for command in commands { #expect(command.exit == .code(0), "\(command.diagnostics)") }
            #expect(directory.server == nil)
        }
    }

    @Test("What a killed serve leaves behind, the next command uses")
    func killed() async throws {
        try await withDataDirectory { directory, settings in
            try await ServeProcess.run(settings) { serve in
                try await Self.meter(4, by: serve)
                await serve.kill()
                let server = try #require(directory.server)
                #expect(directory.isServer(server))
                #expect(try await Usage.command("acme", Months.started.soFar, settings.database).requests == 4)
                #expect(!directory.isServer(server))
                try await serve.start()
                try await wait(for: "the second serve answers") { try await serve.requests("acme") == 4 }
                #expect(try await serve.stop() == .code(0))
                #expect(directory.server == nil)
            }
        }
    }

    /// Sends a counter of acme, and waits until it is metered.
    private static func meter(_ requests: Int, by serve: ServeProcess) async throws {
        try await MetricsClient.run(port: serve.settings.grpcPort) { client in
            let flush = try Flush(counters: [Flush.acme: Double(requests)]).message()
            #expect(await client.send([flush]) == nil)
        }
        try await wait(for: "\(requests) requests are metered") { try await serve.requests("acme") == requests }
    }

    /// A fresh data directory with a long path, whose server does not outlive the body.
    private func withDataDirectory(
        _ body: (DataDirectory, ServeProcess.Settings) async throws -> Void
    ) async throws {
        _ = Months.started
        try await withFolder { folder in
            let directory = DataDirectory(path: folder + "/" + String(repeating: "long", count: 30))
            defer { if let server = directory.server, directory.isServer(server) { kill(server, SIGQUIT) } }
            try await body(
                directory, .onFreePorts(database: ["--data-dir", directory.path], folder: folder))
        }
    }
}

/// What one can see of an embedded server from outside.
private struct DataDirectory {
    let path: String

    /// The number of the server's process as its `postmaster.pid` has it.
    var server: Int32? {
        let file = try? String(contentsOfFile: path + "/postgres/postmaster.pid", encoding: .utf8)
        return file?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// Whether the process is a server of this directory.
    func isServer(_ process: Int32) -> Bool {
        let command = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
        return command?.contains(path + "/postgres") ?? false
    }
}
