import DemoGateway
import Foundation
import Testing

/// A real Envoy configured as EnRoute configures it, metered by the shipped meters for EnRoute.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct EnRouteTests {
    /// How the counters come.
    enum Way: CaseIterable {
        /// By a sink that is added to EnRoute's bootstrap.
        case metricsService
        /// From the listener that EnRoute has for Prometheus (its port 8002): nothing of EnRoute is changed.
        case pull
    }

    @Test(arguments: Way.allCases)
    func `Namespaces are tenants, retries count once, and what Envoy answers itself is shown`(way: Way) async throws {
        let executable = try #require(Checkout.envoy)
        _ = Months.started
        var template = try String(
            contentsOfFile: Checkout.root + "/Tests/Fixtures/enroute/envoy.yaml.template", encoding: .utf8)
        if way == .pull {
            let (start, end) = (
                try #require(template.firstRange(of: "stats_sinks:")),
                try #require(template.firstRange(of: "static_resources:"))
            )
            template.removeSubrange(start.lowerBound..<end.lowerBound)
        }
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                var settings = try await ServeProcess.Settings.onFreePorts(
                    database: ["--database-url", cluster.url], folder: folder)
                settings.meters = [Checkout.root + "/config/meters/enroute.yaml"]
                let bootstrap = try await DemoBootstrap.onFreePorts(
                    nodeID: "enroute-7c9f", nodeCluster: "enroute-gw", upstreamPort: 0, ingestPort: settings.grpcPort)
                if way == .pull {
                    let port = bootstrap.tenantPorts["initech"] ?? 0
                    settings.more = [
                        "--pull", "http://127.0.0.1:\(port)/stats/prometheus", "--pull-gateway", "enroute-gw",
                        "--pull-interval", "500ms",
                    ]
                }
                try await ServeProcess.run(settings) { [bootstrap, template] serve in
                    try await Upstream.run { upstream in
                        var bootstrap = bootstrap
                        bootstrap.upstreamPort = upstream.port
                        let launch = try bootstrap.settings(
                            executable: executable, template: template, directory: folder + "/envoy")
                        try await EnvoyProcess.run(launch) { _ in
                            let (shop, pay) = (bootstrap.tenantPorts["acme"] ?? 0, bootstrap.tenantPorts["globex"] ?? 0)
                            let outcomes = await Load([
                                LoadPlan(tenant: "shop", port: shop, requests: 40),
                                // Tried three times each, answered once.
                                LoadPlan(tenant: "shop", port: shop, requests: 10, status: 503),
                                // Answered by Envoy itself.
                                LoadPlan(tenant: "shop", port: shop, requests: 7, status: 404),
                                LoadPlan(tenant: "pay", port: pay, requests: 30),
                            ]).run()
                            #expect(outcomes["shop"]?.answered == 57)
                            try await wait(for: "the requests are metered") {
                                let (one, two) = (try await serve.requests("shop"), try await serve.requests("pay"))
                                return one == 50 && two == 30
                            }
                        }
                    }
                }
                let usage = try await Usage.command("shop", Months.started.soFar, settings.database)
                #expect(usage.requests == 50)
                var ownAnswers = 0
                for month in Months.started.soFar {
                    let check = try await Command.waybill(
                        ["check", "sources", "--month", month, "--format", "json"] + settings.database
                    ).succeeded()
                    let rows = try JSONDecoder().decode([Row].self, from: Data(check.utf8))
                    ownAnswers += rows.filter { $0.tenant == "*" }.map(\.difference).reduce(0, +)
                }
                #expect(ownAnswers == 7)
            }
        }
    }

    private struct Row: Decodable {
        let tenant: String
        let difference: Int
    }
}
