import ArgumentParser
import Foundation
import Ingest
import Logging

/// `waybill serve`: receives counters, aggregates them and answers queries, until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Receive counters from Envoys, aggregate them, and answer queries.",
        discussion: "Ends in order on SIGTERM or SIGINT: the last readings are committed and aggregated.")

    @OptionGroup var database: DatabaseOptions

    @Option(help: ArgumentHelp("A meters file; repeatable. config/meters/envoy.yaml unless given.", valueName: "file"))
    var meters: [String] = []

    @Option(help: ArgumentHelp("Where Envoy's metrics service is received.", valueName: "host:port"))
    var grpcListen: ListenAddress?

    @Option(name: .customLong("api-listen"), help: ArgumentHelp("Where REST is answered.", valueName: "host:port"))
    var apiListen: ListenAddress?

    @Option(help: "Time between two commits of readings (10s).")
    var commitInterval: Interval?

    @Option(help: "Time between two aggregations (60s).")
    var aggregateInterval: Interval?

    @Option(help: ArgumentHelp("ingest, aggregate and api, comma-separated; all unless given.", valueName: "roles"))
    var roles: String?

    func run() async throws {
        Logger.bootstrap(.notice)
        let settings = try serverSettings()
        let logger = Logger(label: "waybill")
        do {
            try await database.withStore(connections: 8, logger: logger) { store in
                try await Server(settings: settings, logger: logger).run(store) { listening in
                    switch listening {
                    case .metricsService(let host, let port):
                        Console.error("metrics service (gRPC) listens on \(host):\(port)")
                    case .api(let host, let port):
                        Console.error("REST listens on http://\(host):\(port)")
                    }
                }
            }
            Console.error("ended in order")
        } catch let error as ReceiverError {
            throw CommandError(.failure, error.message)
        }
    }

    private func serverSettings() throws -> Server.Settings {
        let file = try SettingsFile.read(database.config)
        let settings = Server.Settings(
            roles: try roles.map { try Self.roles($0) } ?? Set(Server.Role.allCases),
            grpcListen: try grpcListen
                ?? ListenAddress.setting(file.grpcListen, "grpc_listen", default: "127.0.0.1:4317"),
            apiListen: try apiListen ?? ListenAddress.setting(file.apiListen, "api_listen", default: "127.0.0.1:8080"),
            commitInterval: try commitInterval
                ?? Interval.setting(file.commitInterval, "commit_interval", default: "10s"),
            aggregateInterval: try aggregateInterval
                ?? Interval.setting(file.aggregateInterval, "aggregate_interval", default: "60s"),
            retention: file.retention,
            meters: try MetersFiles.read(meters.isEmpty ? file.meters : meters))
        for (address, flag) in [(settings.grpcListen, "--grpc-listen"), (settings.apiListen, "--api-listen")]
        where !address.isLoopback {
            throw CommandError(
                .usage,
                "\(flag) \(address): only loopback is served for now, for neither TLS nor keys guard other addresses; "
                    + "put a proxy that does before it")
        }
        return settings
    }

    private static func roles(_ text: String) throws -> Set<Server.Role> {
        var roles: Set<Server.Role> = []
        for part in text.split(separator: ",") {
            guard let role = Server.Role(rawValue: String(part)) else {
                throw CommandError(.usage, "--roles \(text): \(part) is not one of ingest, aggregate, api")
            }
            roles.insert(role)
        }
        return roles
    }
}
