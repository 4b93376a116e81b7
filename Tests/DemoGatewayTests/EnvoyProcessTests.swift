import Foundation
import TestSupport
import Testing

@testable import DemoGateway

/// With a real Envoy; skipped, and said so, where there is none.
@Suite(.enabled(if: Shipped.envoy != nil, Comment(rawValue: Shipped.noEnvoy)))
struct EnvoyProcessTests {
    @Test func `Envoy counts what the load says was answered`() async throws {
        try await withGateway { envoy, bootstrap in
            let plans = try plans(bootstrap, requests: ["acme": 300, "globex": 200, "initech": 40])
            let sent = await Load(plans).run()
            for (tenant, expected) in ["acme": 300, "globex": 200, "initech": 40] {
                let outcome = try #require(sent[tenant])
                #expect(outcome.answered == expected + 5)
                let prefix = "http.tenant_\(tenant)."
                let stats = try await envoy.stats(matching: "^http\\.tenant_\(tenant)\\.downstream_(cx|rq)_")
                #expect(stats[prefix + "downstream_rq_completed"] == outcome.answered)
                #expect(stats[prefix + "downstream_rq_2xx"] == outcome.answeredByStatus[200])
                #expect(stats[prefix + "downstream_rq_4xx"] == outcome.answeredByStatus[404])
                #expect(stats[prefix + "downstream_cx_total"] == outcome.connections)
            }
        }
    }

    @Test func `an Envoy drained under load refuses connections and is gone`() async throws {
        try await withGateway { envoy, bootstrap in
            let port = try #require(bootstrap.tenantPorts["acme"])
            let load = Load([LoadPlan(tenant: "acme", port: port, requests: 1_000_000, requestsPerSecond: 200)])
            async let outcomes = load.run()
            while load.outcomes["acme"]?.answered == 0 { await Task.yield() }
            let drain = try await envoy.drainAndStop()
            load.stop()
            #expect(drain == .complete)
            #expect(await envoy.processID == nil)
            #expect(await !anyAccepts(envoy.settings.listenerPorts + [bootstrap.adminPort]))
            let acme = try #require(await outcomes["acme"])
            #expect(acme.answered > 0)
            #expect(acme.started == acme.answered + acme.unanswered + acme.unsent)
        }
    }

    @Test func `after a hot restart another process serves, with another boot id`() async throws {
        try await withGateway(allowsHotRestart: true) { envoy, bootstrap in
            let parent = await envoy.processID
            let sharedMemory = try #require(await envoy.sharedMemory)
            #expect(FileManager.default.fileExists(atPath: sharedMemory))
            let load = Load(try plans(bootstrap, requests: ["acme": 40]))
            #expect(await load.run()["acme"]?.answered == 45)
            try await envoy.hotRestart()
            #expect(await envoy.processID != nil)
            #expect(await envoy.processID != parent)
            let again = Load(try plans(bootstrap, requests: ["acme": 10]))
            #expect(await again.run()["acme"]?.answered == 15)
            try await envoy.hotRestart()
            #expect(try await envoy.admin.serverInfo().restartEpoch == 2)
            try await envoy.drainAndStop()
            #expect(!FileManager.default.fileExists(atPath: sharedMemory))
        }
    }

    @Test func `a killed Envoy can be started anew`() async throws {
        try await withGateway { envoy, bootstrap in
            let first = await envoy.processID
            await envoy.kill()
            #expect(await envoy.processID == nil)
            try await envoy.start()
            #expect(await envoy.processID != first)
            #expect(await Load(try plans(bootstrap, requests: ["acme": 1])).run()["acme"]?.answered == 6)
        }
    }

    @Test func `a cancelled task leaves no Envoy behind`() async throws {
        let (pids, continuation) = AsyncStream.makeStream(of: Int32.self)
        let task = Task {
            try await withGateway { envoy, _ in
                if let pid = await envoy.processID { continuation.yield(pid) }
                try await Task.sleep(for: .seconds(600))
            }
        }
        var iterator = pids.makeAsyncIterator()
        let pid = try #require(await iterator.next())
        #expect(FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
    }

    @Test func `an Envoy that does not start says why`() async throws {
        try await withFolder { folder in
            let settings = EnvoyProcess.Settings(
                executable: Shipped.envoy ?? "", bootstrap: "listeners: 1\n", directory: folder, adminPort: 1,
                listenerPorts: []
            )
            let error = await #expect(throws: DemoGatewayError.self) {
                try await EnvoyProcess.run(settings) { _ in }
            }
            #expect(error?.code == .envoyNotReady)
            #expect(error?.message.contains("has unknown fields") == true)
        }
    }

    @Test func `the recommended bootstrap is valid`() async throws {
        try await withFolder { folder in
            let log = folder + "/log"
            let validation = try await ChildProcess.launch(
                Shipped.envoy ?? "",
                [
                    "--mode", "validate", "-c", Shipped.path("config/envoy/metrics-service.yaml"), "--config-yaml",
                    "node: {metadata: {boot_id: \"a\"}}",
                ],
                log: log
            )
            #expect(await validation.ended() == .code(0))
            #expect(try String(contentsOfFile: log, encoding: .utf8).contains("OK"))
        }
    }

    @Test func `drain.sh stops an Envoy when its ports refuse connections`() async throws {
        try await withGateway { envoy, bootstrap in
            #expect(await Load(try plans(bootstrap, requests: ["acme": 10])).run()["acme"]?.answered == 15)
            let pid = try #require(await envoy.processID)
            let drain = try await ChildProcess.launch(
                "/bin/bash",
                [
                    Shipped.path("config/envoy/drain.sh"), "--admin", "127.0.0.1:\(bootstrap.adminPort)",
                    "--pid", String(pid),
                ] + envoy.settings.listenerPorts.map(String.init),
                log: envoy.settings.directory + "/drain.log"
            )
            #expect(await drain.ended() == .code(0))
            #expect(await !anyAccepts(envoy.settings.listenerPorts))
            while await envoy.processID != nil { try await Task.sleep(for: .milliseconds(20)) }
        }
    }

    /// An Envoy with the shipped bootstrap and an upstream. Nobody listens for its metrics.
    private func withGateway(
        allowsHotRestart: Bool = false, _ body: (EnvoyProcess, DemoBootstrap) async throws -> Void
    ) async throws {
        let template = try Shipped.text("config/envoy/demo.yaml.template")
        let executable = try #require(Shipped.envoy)
        let ingestPort = try await FreePorts.find(1)[0]
        try await withFolder { folder in
            try await Upstream.run { upstream in
                let bootstrap = try await DemoBootstrap.onFreePorts(upstreamPort: upstream.port, ingestPort: ingestPort)
                var settings = try bootstrap.settings(executable: executable, template: template, directory: folder)
                settings.allowsHotRestart = allowsHotRestart
                settings.drainSeconds = 1
                settings.parentShutdownSeconds = 2
                try await EnvoyProcess.run(settings) { try await body($0, bootstrap) }
            }
        }
    }

    /// Requests with bodies, and five more of each tenant that the upstream answers with 404.
    private func plans(_ bootstrap: DemoBootstrap, requests: [String: Int]) throws -> [LoadPlan] {
        try requests.flatMap { tenant, count in
            let port = try #require(bootstrap.tenantPorts[tenant])
            return [
                LoadPlan(
                    tenant: tenant, port: port, requests: count, requestBodyBytes: 300, responseBodyBytes: 2000,
                    requestsPerConnection: 25
                ),
                LoadPlan(tenant: tenant, port: port, requests: 5, status: 404, connections: 1),
            ]
        }
    }
}
