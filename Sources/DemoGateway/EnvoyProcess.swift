import Foundation

/// A real Envoy on the loopback: started, drained, killed and hot-restarted as an operator or a fault would.
///
/// States: stopped → `start` → running → `drainAndStop`, `terminate` or `kill` → stopped, and so on; `hotRestart` leads
/// from running to running with another process. Each start is another life: with a boot id of its own, unless the
/// settings turn that off.
///
/// `run` is the way to have one: it leaves no process behind, however its body ends.
package actor EnvoyProcess {
    /// How an Envoy is launched.
    package struct Settings: Sendable {
        /// The path of `envoy`; see `EnvoyProcess.find`.
        package var executable: String
        /// The bootstrap, YAML.
        package var bootstrap: String
        /// A folder for the bootstrap and the log, made when missing.
        package var directory: String
        /// The admin port of the bootstrap, on 127.0.0.1.
        package var adminPort: Int
        /// The listeners' ports of the bootstrap, on 127.0.0.1; the drain waits until they refuse connections.
        package var listenerPorts: [Int]
        /// `stats_flush_interval` of the bootstrap.
        package var flushInterval = Duration.seconds(1)
        /// Worker threads.
        package var concurrency = 2
        /// Whether `node.metadata.boot_id` is set, anew for each start.
        package var sendsBootID = true
        /// Whether `hotRestart` may be called.
        package var allowsHotRestart = false
        /// How long listeners go on accepting after a drain began, in whole seconds.
        package var drainSeconds = 2
        /// How long the parent lives on in a hot restart, in whole seconds; more than `drainSeconds`.
        package var parentShutdownSeconds = 4
        /// How long a start may take.
        package var startTimeout = Duration.seconds(30)

        package init(
            executable: String, bootstrap: String, directory: String, adminPort: Int, listenerPorts: [Int]
        ) {
            self.executable = executable
            self.bootstrap = bootstrap
            self.directory = directory
            self.adminPort = adminPort
            self.listenerPorts = listenerPorts
        }
    }

    /// How a drain ended.
    package enum Drain: Hashable, Sendable {
        /// Every port refused connections, and none was left open.
        case complete
        /// The time-out came first; what was still open may be unreported.
        case timedOut(openConnections: Int)
    }

    package nonisolated let settings: Settings
    /// What Envoy printed, all its lives in one file.
    package nonisolated let log: String
    let admin: EnvoyAdmin
    private var process: ChildProcess?
    private var parent: ChildProcess?
    private var restartEpoch = 0
    private var baseID: String?

    package init(_ settings: Settings) {
        self.settings = settings
        log = settings.directory + "/envoy.log"
        admin = EnvoyAdmin(port: settings.adminPort)
    }

    /// Starts an Envoy, runs the body with it, and kills it if the body has not stopped it.
    package static func run<Result>(
        _ settings: Settings, isolation: isolated (any Actor)? = #isolation,
        _ body: (EnvoyProcess) async throws -> Result
    ) async throws -> Result {
        let envoy = EnvoyProcess(settings)
        do {
            try await envoy.start()
            let result = try await body(envoy)
            await envoy.kill()
            return result
        } catch {
            await envoy.kill()
            throw error
        }
    }

    /// The number of the process; nil when stopped.
    package var processID: Int32? { process.flatMap { $0.exit == nil ? $0.pid : nil } }

    /// Starts Envoy and waits until it is ready.
    package func start() async throws {
        guard processID == nil else { throw DemoGatewayError(.wrongState, "Envoy runs already") }
        releaseBaseID()
        restartEpoch = 0
        try FileManager.default.createDirectory(atPath: settings.directory, withIntermediateDirectories: true)
        try Data(settings.bootstrap.utf8).write(to: URL(fileURLWithPath: bootstrapPath))
        try? FileManager.default.removeItem(atPath: baseIDPath)
        let process = try await launch(
            settings.allowsHotRestart
                ? ["--use-dynamic-base-id", "--base-id-path", baseIDPath] : ["--disable-hot-restart"]
        )
        self.process = process
        try await waitUntilReady(process)
        if settings.allowsHotRestart {
            baseID = try String(contentsOfFile: baseIDPath, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// Stops Envoy in order, so that its last requests are reported: fails its health check, drains the listeners, waits
    /// until the ports refuse connections and none is open, waits one flush more, and sends SIGTERM. The same recipe as
    /// config/envoy/drain.sh.
    @discardableResult
    package func drainAndStop(timeout: Duration = .seconds(30)) async throws -> Drain {
        guard let process, process.exit == nil else { throw notRunning }
        try await admin.post("/healthcheck/fail")
        try await admin.post("/drain_listeners?graceful")
        var drain = Drain.complete
        let deadline = ContinuousClock.now + timeout
        while true {
            // Zero connections are not enough: there are moments without one while the listeners still accept.
            let accepts = await anyAccepts(settings.listenerPorts)
            let open = try await admin.openConnections()
            if !accepts, open == 0 { break }
            if ContinuousClock.now >= deadline {
                drain = .timedOut(openConnections: open)
                break
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        // The last values leave with the next flush; half a second is for the way.
        try await Task.sleep(for: settings.flushInterval + .milliseconds(500))
        try await terminate()
        return drain
    }

    /// Sends SIGTERM and waits for the end. What was counted since the last flush is not reported.
    package func terminate() async throws {
        guard let process, process.exit == nil else { throw notRunning }
        process.send(SIGTERM)
        if try await process.ended(within: .seconds(10)) == nil { await kill() }
        releaseBaseID()
        self.process = nil
    }

    /// Sends SIGKILL and waits for the end. Does nothing when stopped.
    package func kill() async {
        for process in [parent, process].compactMap({ $0 }) {
            process.send(SIGKILL)
            _ = await process.ended()
        }
        releaseBaseID()
        parent = nil
        process = nil
    }

    /// Starts a successor that takes the listeners over, and waits until the parent has gone.
    ///
    /// The successor is another epoch of the same instance, and for a while both report. Needs
    /// `settings.allowsHotRestart`.
    package func hotRestart() async throws {
        guard let parent = process, parent.exit == nil else { throw notRunning }
        guard let baseID else {
            throw DemoGatewayError(.wrongState, "a hot restart needs settings.allowsHotRestart before the start")
        }
        restartEpoch += 1
        self.parent = parent
        let child = try await launch(["--base-id", baseID, "--restart-epoch", String(restartEpoch)])
        process = child
        try await waitUntilReady(child)
        let limit = Duration.seconds(settings.parentShutdownSeconds + 10)
        guard try await parent.ended(within: limit) != nil else {
            throw DemoGatewayError(.envoyNotReady, "the parent of the hot restart still runs after \(limit)")
        }
        self.parent = nil
    }

    /// The counters and gauges whose name matches a regular expression (RE2), as the admin interface shows them.
    package func stats(matching filter: String) async throws -> [String: Int] {
        try await admin.stats(matching: filter)
    }

    private var bootstrapPath: String { settings.directory + "/envoy.yaml" }
    private var baseIDPath: String { settings.directory + "/base-id" }
    private var notRunning: DemoGatewayError { DemoGatewayError(.wrongState, "Envoy is not running") }

    private func launch(_ arguments: [String]) async throws -> ChildProcess {
        var arguments = arguments
        arguments += ["-c", bootstrapPath, "--concurrency", String(settings.concurrency)]
        arguments += ["--drain-time-s", String(settings.drainSeconds), "--drain-strategy", "immediate"]
        arguments += ["--parent-shutdown-time-s", String(settings.parentShutdownSeconds), "--log-level", "warning"]
        if settings.sendsBootID {
            let bootID = UUID().uuidString.lowercased()
            arguments += ["--config-yaml", "node: {metadata: {boot_id: \"\(bootID)\"}}"]
        }
        return try await ChildProcess.launch(settings.executable, arguments, log: log)
    }

    private func waitUntilReady(_ process: ChildProcess) async throws {
        let deadline = ContinuousClock.now + settings.startTimeout
        while process.exit == nil, ContinuousClock.now < deadline {
            if let info = try? await admin.serverInfo(), info.state == "LIVE", info.restartEpoch == restartEpoch {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        let what = process.exit.map { "Envoy ended (\($0))" } ?? "Envoy was not ready within \(settings.startTimeout)"
        throw DemoGatewayError(.envoyNotReady, "\(what); the end of \(log):\n\(logTail())")
    }

    private func logTail() -> String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    /// The shared memory of hot restarts, which Envoy leaves behind: named by the base id, and one more digit.
    var sharedMemory: String? { baseID.map { "/dev/shm/envoy_shared_memory_\($0)0" } }

    private func releaseBaseID() {
        if let sharedMemory { try? FileManager.default.removeItem(atPath: sharedMemory) }
        baseID = nil
    }
}
