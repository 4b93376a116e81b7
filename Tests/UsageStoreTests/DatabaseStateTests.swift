import Glibc
import PostgreSQL
import TestSupport
import Testing

@testable import UsageStore

/// What is equal only where nothing was committed.
@Suite struct DatabaseStateTests {
    @Test func `The state is the same while nothing is committed, and another after each commit`() async throws {
        try await withStore { store in
            func state() async throws -> DatabaseState { try #require(try await store.state().state) }
            func write(_ sql: String) async throws {
                _ = try await store.pool.withConnection { try await $0.executeOnce(sql) }
            }
            // Other suites write to databases of the same server, which numbers all transactions alike: a look is tried
            // again until two in a row are the same.
            var isSteady = false
            for _ in 0..<200 where !isSteady { isSteady = try await state() == state() }
            #expect(isSteady)
            for sql in [
                "INSERT INTO tenant (name) VALUES ('acme')", "UPDATE tenant SET name = name",
                "CREATE TABLE other (n bigint)", "DROP TABLE other", "DELETE FROM tenant",
            ] {
                let before = try await state()
                try await write(sql)
                #expect(try await state() != before, "\(sql)")
            }
        }
    }

    @Test func `One that was under way is told apart from one that is over, in whatever order they end`() async throws {
        try await withStore { store in
            func state() async throws -> DatabaseState { try #require(try await store.state().state) }
            var states: [DatabaseState] = []
            var writers: [PostgresConnection] = []
            for number in 0..<4 {
                let writer = try await PostgresConnection.connect(store.pool.configuration, logger: TestServer.logger)
                writers.append(writer)
                try await writer.executeOnce("BEGIN")
                try await writer.executeOnce("INSERT INTO tenant (name) VALUES ('t\(number)')")
            }
            // The last one first, so that the account's bounds stay where they are.
            for number in [3, 1, 2, 0] {
                states.append(try await state())
                try await writers[number].executeOnce("COMMIT")
                #expect(try await !states.contains(state()), "after \(number)")
            }
            for writer in writers { await writer.close() }
        }
    }

    /// An asynchronous commit is seen at once and may be lost in a crash; its number is then given again.
    @Test func `A commit that a crash lost is no state of afterwards`() async throws {
        let server = try await EmbeddedPostgres.start(
            dataDirectory: try TestServer.scratchDirectory("crash"), logger: TestServer.logger)
        let pool = PostgresPool(
            server.configuration, limits: .init(size: 2, reconnect: .seconds(20)), logger: TestServer.logger)
        let store = UsageStore(pool: pool, logger: TestServer.logger)
        do {
            try await pool.execute("CREATE TABLE kept (n bigint)")
            for sql in ["ALTER SYSTEM SET wal_writer_delay = '10s'", "ALTER SYSTEM SET autovacuum = off"] {
                _ = try await pool.withConnection { try await $0.executeOnce(sql) }
            }
            try await pool.execute("SELECT pg_reload_conf()")
            var lost = 0
            for round in Int64(1)...10 where lost < 3 {
                let writer = try await PostgresConnection.connect(server.configuration, logger: TestServer.logger)
                try await writer.executeOnce("SET synchronous_commit = off")
                try await writer.execute("INSERT INTO kept VALUES ($1)", [round])
                let seen = try await store.state().state
                #expect(seen != nil)
                #expect(kill(await writer.serverProcess, SIGKILL) == 0)
                await writer.close()
                let wasKept = try await Self.afterCrash(store, round)
                if !wasKept { lost += 1 }
                try await pool.execute("INSERT INTO kept VALUES (-$1)", [round])
                #expect(try await store.state().state != seen, "round \(round), kept: \(wasKept)")
            }
            #expect(lost > 0)
        } catch {
            await pool.shutdown()
            await server.stop()
            throw error
        }
        await pool.shutdown()
        await server.stop()
    }

    /// Whether a row is there once the server answers again.
    private static func afterCrash(_ store: UsageStore, _ row: Int64) async throws -> Bool {
        for _ in 0..<400 {
            try await Task.sleep(for: .milliseconds(50))
            if let rows = try? await store.pool.execute("SELECT FROM kept WHERE n = $1", [row]) { return !rows.isEmpty }
        }
        throw PostgresError(.connection, "the server did not come back")
    }
}
