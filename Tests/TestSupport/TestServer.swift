import FoundationEssentials
import Glibc
package import Logging
package import PostgreSQL
import Synchronization

/// The database that these tests share: `WAYBILL_TEST_DATABASE_URL`, or a server of their own, which ends with the test
/// process.
package enum TestServer {
    package static let logger: Logger = {
        var logger = Logger(label: "tests", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        return logger
    }()

    private static let shared = Task<PostgresConfiguration, any Error> {
        if let url = ProcessInfo.processInfo.environment["WAYBILL_TEST_DATABASE_URL"] {
            return try PostgresConfiguration(url: url)
        }
        let directory = try scratchDirectory("shared")
        let server = try await EmbeddedPostgres.start(dataDirectory: directory, durable: false, logger: logger)
        Kept.server.withLock { $0 = server }
        return server.configuration
    }

    package static func configuration() async throws -> PostgresConfiguration {
        try await shared.value
    }

    /// A connection to the shared database, closed when `body` ends.
    @discardableResult
    package static func withConnection<Result: Sendable>(
        _ change: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        var configuration = try await configuration()
        change(&configuration)
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    @TaskLocal private static var hasPlace = false

    /// A database of its own in the shared server, dropped when `body` ends. A test that has one gets another at once: if
    /// it waited, tests that compare two databases would wait for each other.
    package static func withDatabase(_ body: (PostgresConfiguration) async throws -> Void) async throws {
        guard !hasPlace else { return try await withNewDatabase(body) }
        await Places.shared.take()
        defer { Places.shared.give() }
        try await $hasPlace.withValue(true) { try await withNewDatabase(body) }
    }

    private static func withNewDatabase(_ body: (PostgresConfiguration) async throws -> Void) async throws {
        let name = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try await withConnection { try await $0.executeOnce("CREATE DATABASE \(name)") }
        var own = try await configuration()
        own.parameters["dbname"] = name
        do {
            try await withConnection { try await distribute(name, $0) }
            try await body(own)
        } catch {
            try await withConnection { try await $0.executeOnce("DROP DATABASE \(name) WITH (FORCE)") }
            throw error
        }
        try await withConnection { try await $0.executeOnce("DROP DATABASE \(name) WITH (FORCE)") }
    }

    /// Whether the server is a Citus coordinator.
    package static func isCitus() async throws -> Bool {
        try await withConnection { server in
            try await !server.execute("SELECT FROM pg_settings WHERE name = 'citus.version'").isEmpty
        }
    }

    /// On a Citus coordinator a test's database has the extension, so that `Migrations` spreads its tables: over few
    /// shards, and with the triggers by which some tests stop or kill a statement.
    private static func distribute(_ database: String, _ server: PostgresConnection) async throws {
        guard try await isCitus() else { return }
        try await server.executeOnce("ALTER DATABASE \(database) SET citus.shard_count = 2")
        try await server.executeOnce("ALTER DATABASE \(database) SET citus.enable_unsafe_triggers = on")
        try await withConnection {
            $0.parameters["dbname"] = database
        } _: {
            try await $0.executeOnce("CREATE EXTENSION IF NOT EXISTS citus")
        }
    }

    /// A new directory that the server's account can enter.
    package static func scratchDirectory(_ name: String) throws -> String {
        let path = "\(Kept.root)/\(name)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}

/// What is put away when the test process ends. Swift Testing has no hook for that; `atexit` has.
private enum Kept {
    static let server = Mutex<EmbeddedPostgres?>(nil)
    static let root: String = {
        atexit {
            if let server = Kept.server.withLock({ $0.take() }) {
                let done = Mutex(false)
                Task {
                    await server.stop()
                    done.withLock { $0 = true }
                }
                for _ in 0..<1_000 where !done.withLock({ $0 }) { usleep(10_000) }
            }
            try? FileManager.default.removeItem(atPath: Kept.root)
        }
        return "/tmp/waybill-tests-\(getpid())"
    }()
}
