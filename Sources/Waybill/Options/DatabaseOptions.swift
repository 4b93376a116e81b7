import ArgumentParser
import Billing
import Foundation
import LoadBalancerCosts
import Logging
import PostgreSQL
import UsageStore

/// Where the database is: `--data-dir` for the embedded one, or `--database-url`.
struct DatabaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the embedded PostgreSQL and its data lie.", valueName: "dir"))
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "A PostgreSQL server, without a password: WAYBILL_DATABASE_URL or PGPASSFILE carry it.", valueName: "url"))
    var databaseURL: String?

    @Option(help: ArgumentHelp("Settings for what is not given as a flag.", valueName: "file"))
    var config: String?

    /// The embedded database in a folder, whatever the environment says.
    static func embedded(in folder: String) -> DatabaseOptions {
        var options = DatabaseOptions()
        options.dataDir = folder
        options.databaseURL = nil
        options.config = nil
        return options
    }

    /// Connects, brings the schema up to date, runs `body` and lets go of the database again, also after an error.
    func withStore<Result: Sendable>(
        connections: Int = 4, logger: Logger, _ body: (UsageStore) async throws -> Result
    ) async throws -> Result {
        let settings = try SettingsFile.read(config)
        let place = try place(settings)
        let embedded: EmbeddedPostgres?
        let configuration: PostgresConfiguration
        switch place {
        case .directory(let path):
            let server = try await EmbeddedPostgres.start(dataDirectory: path, logger: logger)
            embedded = server
            configuration = server.configuration
        case .server(let server):
            embedded = nil
            configuration = server
        }
        var limits = PostgresPool.Limits()
        limits.size = connections
        let pool = PostgresPool(configuration, limits: limits, logger: logger)
        do {
            let migrations = Migrations(directory: try ConfigurationFiles.directory("migrations"))
            _ = try await migrations.run(on: configuration, logger: logger)
            let result = try await body(UsageStore(pool: pool, logger: logger))
            await pool.shutdown()
            await embedded?.stop()
            return result
        } catch {
            await pool.shutdown()
            await embedded?.stop()
            throw Self.readable(error)
        }
    }

    private enum Place {
        case directory(String)
        case server(PostgresConfiguration)
    }

    /// Flags come before the environment, and that before the settings file.
    private func place(_ settings: SettingsFile) throws -> Place {
        if dataDir != nil, databaseURL != nil {
            throw CommandError(.usage, "--data-dir and --database-url exclude each other: give one of them")
        }
        if let databaseURL { return .server(try Self.server(databaseURL, "--database-url")) }
        if let dataDir { return .directory(dataDir) }
        let environment = ProcessInfo.processInfo.environment
        if let url = environment["WAYBILL_DATABASE_URL"], !url.isEmpty {
            do {
                return .server(try PostgresConfiguration(url: url))
            } catch {
                throw CommandError(.usage, "WAYBILL_DATABASE_URL: \(error)")
            }
        }
        if let url = settings.databaseURL { return .server(try Self.server(url, "\(config ?? ""), database_url")) }
        if let path = settings.dataDirectory { return .directory(path) }
        let home = environment["XDG_DATA_HOME"] ?? NSHomeDirectory() + "/.local/share"
        return .directory(home + "/waybill")
    }

    private static func server(_ url: String, _ source: String) throws -> PostgresConfiguration {
        let configuration: PostgresConfiguration
        do {
            configuration = try PostgresConfiguration(url: url)
        } catch {
            throw CommandError(.usage, "\(source): \(error)")
        }
        guard !configuration.containsPassword else {
            throw CommandError(
                .usage,
                "\(source) holds a password, which others can see there; give it in WAYBILL_DATABASE_URL or PGPASSFILE")
        }
        return configuration
    }

    /// A library's error as one for the person at the terminal.
    static func readable(_ error: any Error) -> any Error {
        switch error {
        case let error as PostgresError: CommandError(.failure, "\(error)")
        case let error as UsageStoreError where error.code == .conservation: CommandError(.verification, error.message)
        case let error as UsageStoreError: CommandError(.failure, error.message)
        case let error as LoadBalancerCostError: CommandError(error)
        case let error as BillingError: error.asCommandError
        default: error
        }
    }
}
