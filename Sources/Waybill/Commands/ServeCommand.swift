import ArgumentParser
import Foundation
import Ingest
import Logging

/// `waybill serve`: receives counters, aggregates them and answers queries, until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Receive counters from Envoys, aggregate them, and answer queries.",
        discussion: """
            Ends in order on SIGTERM or SIGINT: the last readings are committed and aggregated.

            Example: waybill serve --statsd-listen 127.0.0.1:8125 --statsd-gateway gw-eu
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var api: APIOptions

    @Option(help: ArgumentHelp("A meters file; repeatable. config/meters/envoy.yaml unless given.", valueName: "file"))
    var meters: [String] = []

    @Option(help: ArgumentHelp("Where Envoy's metrics service is received.", valueName: "host:port"))
    var grpcListen: ListenAddress?

    @Option(name: .customLong("api-listen"), help: ArgumentHelp("Where REST is answered.", valueName: "host:port"))
    var apiListen: ListenAddress?

    @OptionGroup(title: "Other sources") var ingest: IngestOptions

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
                    case .statsd(let transport, let host, let port):
                        Console.error("statsd (\(transport)) listens on \(host):\(port)")
                    case .otlpHTTP(let host, let port):
                        let scheme = settings.ingest.tls == nil ? "http" : "https"
                        Console.error("OTLP listens on \(scheme)://\(host):\(port)/v1/metrics")
                    case .api(let host, let port):
                        Console.error("REST listens on \(api.apiTLSKey == nil ? "http" : "https")://\(host):\(port)")
                    case .operations(let host, let port):
                        Console.error("health and metrics on http://\(host):\(port)")
                    }
                }
            }
            Console.error("ended in order")
        } catch let error as ReceiverError {
            throw CommandError(.failure, error.message)
        } catch let error as SpoolError {
            throw CommandError(.failure, error.message)
        }
    }

    private func serverSettings() throws -> Server.Settings {
        let file = try SettingsFile.read(database.config)
        let apiListen = try apiListen ?? ListenAddress.setting(file.apiListen, "api_listen", default: "127.0.0.1:8080")
        let settings = Server.Settings(
            roles: try roles.map { try Self.roles($0) } ?? Set(Server.Role.allCases),
            grpcListen: try grpcListen
                ?? ListenAddress.setting(file.grpcListen, "grpc_listen", default: "127.0.0.1:4317"),
            api: APIService(
                address: apiListen, configuration: try api.configuration(on: apiListen), operations: api.opsListen),
            commitInterval: try commitInterval
                ?? Interval.setting(file.commitInterval, "commit_interval", default: "10s"),
            aggregateInterval: try aggregateInterval
                ?? Interval.setting(file.aggregateInterval, "aggregate_interval", default: "60s"),
            retention: file.retention,
            meters: try MetersFiles.read(meters.isEmpty ? file.meters : meters),
            metersAreShipped: meters.isEmpty && file.meters.isEmpty,
            ingest: try ingest.over(file.ingest), spoolDirectory: spoolDirectory(file))
        try guardListeners(settings)
        return settings
    }

    /// Beyond loopback a listener needs what tells its senders, or the word that the network is trusted.
    private func guardListeners(_ settings: Server.Settings) throws {
        let ingest = settings.ingest
        for (address, flag) in [
            (settings.grpcListen, "--grpc-listen"), (ingest.otlpHTTP, "--otlp-http-listen"),
            (ingest.statsd.tcp, "--statsd-tcp-listen"),
        ] {
            guard let address, !address.isLoopback, ingest.tls == nil, !ingest.trustsNetwork else { continue }
            throw CommandError(
                .usage,
                "\(flag) \(address): beyond loopback give tls (certificate, key, client_authorities) in the settings "
                    + "file, or --insecure-trust-network")
        }
        for (address, flag) in [(ingest.statsd.udp, "--statsd-listen"), (ingest.statsd.tcp, "--statsd-tcp-listen")] {
            guard let address, !address.isLoopback else { continue }
            let opens = ingest.statsd.senders.contains { $0.allow != CIDRBlock.loopback }
            guard opens else {
                throw CommandError(
                    .usage,
                    "\(flag) \(address): say who may send, as --statsd-allow 10.0.0.0/8; all others are refused")
            }
        }
    }

    /// Beside the embedded database, else in the user's data directory.
    private func spoolDirectory(_ file: SettingsFile) -> String {
        if let given = ingest.spoolDir ?? file.ingest.spoolDirectory { return given }
        if let data = database.dataDir ?? file.dataDirectory { return data + "/spool" }
        let home = ProcessInfo.processInfo.environment["XDG_DATA_HOME"] ?? NSHomeDirectory() + "/.local/share"
        return home + "/waybill/spool"
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
