import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import PostgreSQL

@Suite struct MigrationsTests {
    private func directory(_ files: [String: String]) throws -> String {
        let path = try TestServer.scratchDirectory("migrations")
        for (name, text) in files { try write(text, name, in: path) }
        return path
    }

    private func write(_ text: String, _ name: String, in directory: String) throws {
        try Data(text.utf8).write(to: URL(filePath: directory + "/" + name))
    }

    private static let files = [
        "0001_tables.sql": """
        -- The first; a comment with a ; in it.
        CREATE TABLE coin (id int PRIMARY KEY, name text DEFAULT 'a;b');
        CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END; $body$;
        CREATE VIEW coin_view AS SELECT * FROM coin;
        """,
        "0002_rows.sql": "INSERT INTO coin SELECT one();",
    ]

    private func run(_ directory: String, _ configuration: PostgresConfiguration) async throws -> [Int32] {
        try await Migrations(directory: directory).run(on: configuration, logger: TestServer.logger).map(\.version)
    }

    private func count(_ sql: String, _ configuration: PostgresConfiguration) async throws -> Int64 {
        let connection = try await PostgresConnection.connect(configuration, logger: TestServer.logger)
        let rows = try await connection.executeOnce(sql)
        await connection.close()
        return try rows[0].decode(0)
    }

    @Test func `Files are applied in order, each once`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(Self.files)
            #expect(try await run(directory, configuration) == [1, 2])
            #expect(try await run(directory, configuration) == [])
            try write("INSERT INTO coin VALUES (3)", "0003_more.sql", in: directory)
            #expect(try await run(directory, configuration) == [3])
            #expect(try await count("SELECT count(*) FROM coin_view", configuration) == 2)
            #expect(
                try await count("SELECT count(*) FROM schema_migration WHERE applied_at <= now()", configuration) == 3)
        }
    }

    @Test func `Eight runners at once apply each file once`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(Self.files)
            let applied = try await withThrowingTaskGroup { group in
                for _ in 0..<8 { group.addTask { try await run(directory, configuration) } }
                return try await group.reduce(into: [Int32]()) { $0 += $1 }
            }
            #expect(applied.sorted() == [1, 2])
            #expect(try await count("SELECT count(*) FROM coin", configuration) == 1)
        }
    }

    @Test func `An edited file is refused by name`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(Self.files)
            _ = try await run(directory, configuration)
            try write("INSERT INTO coin SELECT one(); ", "0002_rows.sql", in: directory)
            let error = await #expect(throws: PostgresError.self) { try await run(directory, configuration) }
            #expect(error?.code == .migration)
            #expect(error?.message.contains("0002_rows.sql was changed") == true)
            #expect(error?.message.contains("new file") == true)
        }
    }

    @Test func `A database newer than the files is refused`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(Self.files)
            _ = try await run(directory, configuration)
            try FileManager.default.removeItem(atPath: directory + "/0002_rows.sql")
            let error = await #expect(throws: PostgresError.self) { try await run(directory, configuration) }
            #expect(error?.message.contains("newer than this program: it has migration 2 (rows)") == true)
        }
    }

    @Test func `A file that came too late, and one that is missing, are refused`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(["0001_one.sql": "SELECT 1", "0003_three.sql": "SELECT 3"])
            _ = try await run(directory, configuration)
            try write("SELECT 2", "0002_two.sql", in: directory)
            let late = await #expect(throws: PostgresError.self) { try await run(directory, configuration) }
            #expect(late?.message.contains("0002_two.sql is not applied, but the database is at number 3") == true)
            try FileManager.default.removeItem(atPath: directory + "/0001_one.sql")
            let missing = await #expect(throws: PostgresError.self) { try await run(directory, configuration) }
            #expect(
                missing?.message.contains("migration 1 (one) is applied to the database, but its file is missing")
                    == true)
        }
    }

    @Test func `An error in the middle leaves nothing, and says where it was`() async throws {
        try await TestServer.withDatabase { configuration in
            let text = "CREATE TABLE half (id int);\n\n-- here\nINSERT INTO half\nVALUES (1), (nowhere);\nSELECT 1;\n"
            let directory = try directory(["0001_one.sql": "SELECT 1", "0002_half.sql": text])
            let error = await #expect(throws: PostgresError.self) { try await run(directory, configuration) }
            #expect(error?.code == .migration)
            #expect(error?.sqlState == "42703")
            #expect(error?.message.contains("0002_half.sql:5: ") == true)
            #expect(try await count("SELECT count(*) FROM pg_tables WHERE tablename = 'half'", configuration) == 0)
            #expect(try await count("SELECT count(*) FROM schema_migration", configuration) == 1)
            try write("CREATE TABLE half (id int)", "0002_half.sql", in: directory)
            #expect(try await run(directory, configuration) == [2])
        }
    }

    @Test func `A runner whose connection ends in the middle leaves nothing`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(["0001_slow.sql": "CREATE TABLE half (id int); SELECT pg_sleep(600);"])
            let task = Task { try await run(directory, configuration) }
            let watcher = try await PostgresConnection.connect(configuration, logger: TestServer.logger)
            while try await watcher.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query = 'SELECT pg_sleep(600)'
                """
            ).isEmpty { await Task.yield() }
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.isConnectionLost == true)
            let tables = try await watcher.execute("SELECT FROM pg_tables WHERE tablename = 'half'")
            #expect(tables.isEmpty)
            await watcher.close()
        }
    }

    @Test func `A lock that others hold is waited for in several attempts`() async throws {
        try await TestServer.withDatabase { configuration in
            let directory = try directory(["0001_one.sql": "CREATE TABLE coin (id int)"])
            _ = try await run(directory, configuration)
            try write("ALTER TABLE coin ADD name text", "0002_two.sql", in: directory)
            let holder = try await PostgresConnection.connect(configuration, logger: TestServer.logger)
            try await holder.executeOnce("BEGIN")
            try await holder.executeOnce("LOCK TABLE coin")
            var migrations = Migrations(directory: directory)
            migrations.lockTimeout = .milliseconds(20)
            migrations.lockAttempts = 2
            let error = await #expect(throws: PostgresError.self) {
                try await migrations.run(on: configuration, logger: TestServer.logger)
            }
            #expect(error?.sqlState == "55P03")
            #expect(error?.message.contains("0002_two.sql") == true)
            migrations.lockAttempts = 1_000
            let patient = migrations
            let task = Task { try await patient.run(on: configuration, logger: TestServer.logger) }
            try await holder.executeOnce("COMMIT")
            #expect(try await task.value.map(\.version) == [2])
            await holder.close()
        }
    }

    @Test(
        arguments: [
            (["1_a.sql": ""], "four digits"),
            (["0001_a.sql": "", "0001_b.sql": ""], "the same number"),
            ([:], "there are no migrations"),
            (["0001_a.sql": "SELECT 1;\nCOMMIT;"], "0001_a.sql:2: a migration runs in one transaction"),
            (["0001_a.sql": "SELECT 1;\n\nSELECT 'open"], "0001_a.sql:3: the quote ' is not closed"),
        ] as [([String: String], String)])
    func `Files that can not be migrations are refused`(files: [String: String], words: String) throws {
        let directory = try directory(files)
        let error = #expect(throws: PostgresError.self) { try MigrationFile.read(directory: directory) }
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }
}
