import Foundation
import NIOCore

@testable import DemoGateway

/// `waybill serve`: started, killed and stopped as an operator or a fault would, always on the same ports.
actor ServeProcess {
    struct Settings: Sendable {
        /// `--database-url …` or `--data-dir …`.
        var database: [String]
        var grpcPort: Int
        var apiPort: Int
        /// For the logs.
        var folder: String
        var commitInterval = "1s"
        var aggregateInterval = "1s"
        /// Flags besides.
        var more: [String] = []
        /// Meters files; the shipped ones unless given.
        var meters: [String] = []
        /// none, or keys.
        var authentication = "none"

        static func onFreePorts(database: [String], folder: String) async throws -> Settings {
            let ports = try await FreePorts.find(2)
            return Settings(database: database, grpcPort: ports[0], apiPort: ports[1], folder: folder)
        }

        var arguments: [String] {
            ["serve"] + database + [
                "--grpc-listen", "127.0.0.1:\(grpcPort)", "--api-listen", "127.0.0.1:\(apiPort)", "--commit-interval",
                commitInterval, "--aggregate-interval", aggregateInterval, "--spool-dir", folder + "/spool",
                "--api-auth", authentication,
            ] + meters.flatMap { ["--meters", $0] } + more
        }
    }

    nonisolated let settings: Settings
    private var process: ChildProcess?
    private var starts = 0

    private init(_ settings: Settings) { self.settings = settings }

    /// Starts one, runs the body, and kills it if the body has not stopped it.
    static func run<Result>(
        _ settings: Settings, isolation: isolated (any Actor)? = #isolation,
        _ body: (ServeProcess) async throws -> Result
    ) async throws -> Result {
        let serve = ServeProcess(settings)
        do {
            try await serve.start()
            let result = try await body(serve)
            await serve.kill()
            return result
        } catch {
            await serve.kill()
            throw SystemTestError("\(error)\nThe end of the log of serve:\n\(await serve.log.suffix(3000))")
        }
    }

    /// What the process, or the last one, has printed.
    var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

    /// Starts it and waits until it says that it listens.
    func start() async throws {
        starts += 1
        // Of an earlier one in the same folder, which would say that it listens.
        try? FileManager.default.removeItem(atPath: logFile)
        let process = try await ChildProcess.launch(Checkout.waybill, settings.arguments, log: logFile)
        self.process = process
        try await wait(for: "serve listens") {
            if let exit = process.exit { throw SystemTestError("serve ended with \(exit): \(log)") }
            return log.contains("gRPC) listens on 127.0.0.1:\(settings.grpcPort)")
                && log.contains("://127.0.0.1:\(settings.apiPort)\n")
        }
    }

    /// Sends SIGKILL and waits for the end. Does nothing when it has ended.
    func kill() async {
        guard let process else { return }
        process.send(SIGKILL)
        _ = await process.ended()
        self.process = nil
    }

    /// Sends SIGTERM. Returns how it ended; nil when it still ran after ten seconds.
    func stop() async throws -> ChildProcess.Exit? {
        guard let process else { throw SystemTestError("serve does not run") }
        process.send(SIGTERM)
        guard let exit = try await process.ended(within: .seconds(10)) else { return nil }
        self.process = nil
        return exit
    }

    /// Stops it in its tracks: its connections stand, and it answers nobody.
    func pause() { process?.send(SIGSTOP) }

    /// Lets it go on.
    func resume() { process?.send(SIGCONT) }

    /// Whether it runs.
    var isRunning: Bool { process.map { $0.exit == nil } ?? false }

    /// The status and body of the answer to a GET.
    func get(_ path: String) async throws -> (status: Int, body: String) {
        let response = try await HTTPConnection.withConnection(port: settings.apiPort) { connection in
            try await connection.send(HTTPConnection.Request(path: path, isLast: true))
        }
        return (response.status, String(buffer: response.body))
    }

    /// A tenant's requests by REST, this month and, over a month's end, the one before; nil while it can not say.
    func requests(_ tenant: String) async throws -> Int? {
        var requests = 0
        for month in Months.started.soFar {
            let (status, body) = try await get("/v1/usage/monthly?tenant=\(tenant)&period=\(month)")
            guard status == 200 else { return nil }
            requests += try Usage(json: body).requests
        }
        return requests
    }

    private var logFile: String { "\(settings.folder)/serve-\(starts).log" }
}
