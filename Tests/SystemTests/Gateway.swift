import DemoGateway
import Foundation
import Synchronization
import Testing

/// A whole system: PostgreSQL, `waybill serve`, an upstream and an Envoy of three tenants whose counters go to it.
final class Gateway: Sendable {
    let cluster: PostgresCluster
    let serve: ServeProcess
    let envoy: EnvoyProcess
    let bootstrap: DemoBootstrap
    private let answered = Mutex<[String: Int]>([:])

    private init(_ cluster: PostgresCluster, _ serve: ServeProcess, _ envoy: EnvoyProcess, _ bootstrap: DemoBootstrap) {
        self.cluster = cluster
        self.serve = serve
        self.envoy = envoy
        self.bootstrap = bootstrap
    }

    /// Starts everything, runs the body, and ends everything.
    static func run(
        drainSeconds: Int = 1, allowsHotRestart: Bool = false, commitInterval: String = "1s",
        serveArguments: [String] = [], sinks: Sinks? = nil, bootstrap edit: (String) -> String = { $0 },
        isolation: isolated (any Actor)? = #isolation, _ body: (Gateway) async throws -> Void
    ) async throws {
        let executable = try #require(Checkout.envoy)
        _ = Months.started
        var template = edit(try Checkout.bootstrapTemplate())
        if let sinks { template = sinks.added(to: template) }
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                var settings = try await ServeProcess.Settings.onFreePorts(
                    database: ["--database-url", cluster.url], folder: folder)
                settings.commitInterval = commitInterval
                settings.more = serveArguments
                let bootstrap = try await DemoBootstrap.onFreePorts(upstreamPort: 0, ingestPort: settings.grpcPort)
                if let sinks {
                    let file = folder + "/waybill.yaml"
                    try sinks.settings(adminPort: bootstrap.adminPort).write(
                        toFile: file, atomically: true, encoding: .utf8)
                    settings.more += ["--config", file]
                }
                try await ServeProcess.run(settings) { [template, bootstrap] serve in
                    var bootstrap = bootstrap
                    try await Upstream.run { upstream in
                        bootstrap.upstreamPort = upstream.port
                        var launch = try bootstrap.settings(
                            executable: executable, template: template, directory: folder + "/envoy")
                        launch.allowsHotRestart = allowsHotRestart
                        launch.drainSeconds = drainSeconds
                        launch.parentShutdownSeconds = drainSeconds + 2
                        try await EnvoyProcess.run(launch) { envoy in
                            try await body(Gateway(cluster, serve, envoy, bootstrap))
                        }
                    }
                }
            }
        }
    }

    /// The database's flags.
    var database: [String] { serve.settings.database }

    /// The requests that were sent and answered, by tenant.
    var sent: [String: Int] { answered.withLock { $0 } }

    /// Sends so many requests of each tenant, spread over the time (0 for at once), and runs the body meanwhile. Each is
    /// answered once.
    func load(
        _ requests: [String: Int], seconds: Int, isolation: isolated (any Actor)? = #isolation,
        _ body: (RunningLoad) async throws -> Void = { _ in }
    ) async throws {
        let plans = requests.map { tenant, count in
            LoadPlan(
                tenant: tenant, port: bootstrap.tenantPorts[tenant] ?? 0, requests: count, requestBodyBytes: 100,
                responseBodyBytes: 500, requestsPerConnection: 40, connections: 2,
                requestsPerSecond: seconds > 0 ? max(1, count / seconds) : nil, connectPatience: .seconds(10))
        }
        let load = Load(plans)
        async let outcomes = load.run()
        try await body(RunningLoad(load, total: requests.values.reduce(0, +)))
        for (tenant, outcome) in await outcomes {
            try #require(outcome.answered == requests[tenant], "\(tenant): \(outcome)")
            answered.withLock { $0[tenant, default: 0] += outcome.answered }
        }
    }

    /// Waits until what was sent is stored and metered: only then is there nothing that a killed worker takes with it
    /// though no flush will bring it again.
    func settles() async throws {
        let sent = sent
        var metered: [String: Int] = [:]
        do {
            try await wait(for: "the sent requests are metered") {
                for tenant in sent.keys { metered[tenant] = try await serve.requests(tenant) }
                return metered == sent
            }
        } catch {
            throw SystemTestError("sent \(sent), metered \(metered): \(error)")
        }
    }

    /// Waits until Envoy has sent so many flushes more.
    func flushes(_ count: Int) async throws {
        for _ in 0..<count {
            let before = try await bytesSent()
            try await wait(for: "Envoy flushes its counters") { try await bytesSent() > before }
        }
    }

    private func bytesSent() async throws -> Int {
        let name = "cluster.waybill_ingest.upstream_cx_tx_bytes_total"
        return try await envoy.stats(matching: "^cluster\\.waybill_ingest\\.upstream_cx_tx_bytes_total$")[name] ?? 0
    }
}

/// A load on its way.
struct RunningLoad {
    private let load: Load
    private let total: Int

    init(_ load: Load, total: Int) {
        self.load = load
        self.total = total
    }

    /// Waits until this share of the requests is answered.
    func reaches(_ share: Double) async throws {
        try await wait(for: "\(share) of the load is answered; \(load.outcomes)") {
            Double(load.outcomes.values.map(\.answered).reduce(0, +)) >= share * Double(total)
        }
    }
}
