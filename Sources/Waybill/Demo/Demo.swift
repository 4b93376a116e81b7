import DemoGateway
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

/// The demo: starts the parts, sends a known number of requests, and shows the way from them to the bill.
struct Demo: Sendable {
    static let gateway = "demo"

    let folder: DemoFolder
    let requests: Int
    let keeps: Bool
    /// Where the reports are left as files.
    let reports: String

    private var database: DatabaseOptions { .embedded(in: folder.path) }

    func run() async throws {
        Console.write("Waybill demo: from a real Envoy to a bill")
        let envoy: String
        do {
            envoy = try EnvoyProcess.find()
        } catch {
            return try await replay(because: error)
        }
        // Held for as long as the demo runs, so that the parts that come and go share one server.
        try await database.withStore(logger: Logger.command) { store in
            step("PostgreSQL runs under \(folder.path)")
            let serve = try await DemoServe.start(in: folder.path)
            do {
                step(
                    "waybill serve: metrics service on 127.0.0.1:\(serve.grpcPort), REST on 127.0.0.1:\(serve.apiPort)")
                let outcomes = try await load(envoy, serve)
                try await serve.waitUntilStored(outcomes, in: store)
                try await show(outcomes, store, apiPort: serve.apiPort)
                if keeps { try await wait(serve) }
            } catch {
                await serve.stop()
                throw error
            }
            await serve.stop()
        }
    }

    // MARK: Load

    private func load(_ executable: String, _ serve: DemoServe) async throws -> [String: LoadOutcome] {
        try await Upstream.run { upstream in
            let bootstrap = try await DemoBootstrap.onFreePorts(
                nodeCluster: Self.gateway, upstreamPort: upstream.port, ingestPort: serve.grpcPort)
            let template = try String(
                contentsOfFile: ConfigurationFiles.file("config/envoy/demo.yaml.template"), encoding: .utf8)
            let settings = try bootstrap.settings(
                executable: executable, template: template, directory: folder.path + "/envoy")
            return try await EnvoyProcess.run(settings) { envoy in
                step("Envoy runs, with tenants \(DemoBootstrap.tenants.joined(separator: ", "))")
                let load = Load(plans(bootstrap.tenantPorts))
                let outcomes = await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !Task.isCancelled {
                            let answered = load.outcomes.values.reduce(0) { $0 + $1.answered }
                            Console.progress(
                                "  … \(Digits.grouped(answered)) of \(Digits.grouped(requests * 7)) requests")
                            try? await Task.sleep(for: .milliseconds(200))
                        }
                    }
                    let outcomes = await withTaskCancellationHandler {
                        await load.run()
                    } onCancel: {
                        load.stop()
                    }
                    group.cancelAll()
                    return outcomes
                }
                try Task.checkCancellation()
                let sent = outcomes.values.reduce(0) { $0 + $1.started }
                step("\(Digits.grouped(sent)) requests sent")
                Console.progress("  … draining Envoy: no reading may be lost")
                try await envoy.drainAndStop()
                step("Envoy drained and stopped")
                return outcomes
            }
        }
    }

    /// Three tenants that differ in traffic, body sizes and connections.
    private func plans(_ ports: [String: Int]) -> [LoadPlan] {
        zip(DemoBootstrap.tenants, [(1, 200, 2_000, 50), (2, 0, 20_000, 10), (4, 1_000, 500, 1)]).compactMap {
            tenant, load in
            guard let port = ports[tenant] else { return nil }
            return LoadPlan(
                tenant: tenant, port: port, requests: requests * load.0, requestBodyBytes: load.1,
                responseBodyBytes: load.2, requestsPerConnection: load.3)
        }
    }

    // MARK: Showing

    private func show(_ outcomes: [String: LoadOutcome], _ store: UsageStore, apiPort: Int) async throws {
        _ = try await store.aggregate()
        step("aggregated")
        print()
        let period = try Self.period(at: WallClock.now())
        var sent: [String: Int64] = [:]
        for (tenant, outcome) in outcomes { sent[tenant] = Int64(outcome.answered) }
        try await DemoReport(
            store: store, gateway: Self.gateway, period: period, folder: folder.path, reports: reports
        ).show(sent: sent)
        print(
            """
            The same by REST\(keeps ? "" : " (while it runs: waybill demo --keep)"):
              curl 'http://127.0.0.1:\(apiPort)/v1/usage/monthly?tenant=acme&period=\(period.month)'
            """)
    }

    static func period(at now: Timestamp) throws -> (month: String, period: BillingPeriod) {
        let month = String(now.description.prefix(7))
        do {
            return (month, try BillingPeriod(month: month, zone: "UTC"))
        } catch {
            throw CommandError(.failure, error.message)
        }
    }

    private func wait(_ serve: DemoServe) async throws {
        print(
            """

            Running until Ctrl-C. The database is shared by every command with
              --data-dir \(folder.path)
            """)
        try await serve.waitForEnd()
    }

    // MARK: Without an Envoy

    /// A capture that was made of this demo's Envoy stands in for it.
    private func replay(because error: any Error) async throws {
        Console.write("  ! no Envoy: \(error)")
        Console.write("  ! so a capture that was made of a real one is replayed; `make setup` installs Envoy")
        let capture = try DemoCapture.shipped()
        try await database.withStore(logger: Logger.command) { store in
            step("PostgreSQL runs under \(folder.path)")
            try await capture.meter(in: store, gateway: Self.gateway)
            _ = try await store.aggregate()
            step("aggregated")
            print()
            let period = try Self.period(at: capture.time)
            try await DemoReport(
                store: store, gateway: Self.gateway, period: period, folder: folder.path, reports: reports
            ).show(sent: capture.sent)
        }
    }

    private func step(_ text: String) {
        Console.clearProgress()
        Console.write("  ✓ \(text)")
    }
}
