import TestSupport
import Testing

@testable import PostgreSQL

/// Statements that are sent at once, as one read-only transaction.
@Suite struct SnapshotTests {
    private func number(_ value: Int64) -> PostgresStatement { PostgresStatement("SELECT $1", [value]) }

    private func numbers(_ rows: [PostgresRows]) throws -> [Int64] { try rows.map { try $0[0].decode(0) } }

    @Test func `Each statement's rows come back in order, prepared once`() async throws {
        try await TestServer.withConnection { connection in
            for _ in 0..<3 {
                let rows = try await connection.snapshot([
                    number(1), number(2), PostgresStatement("SELECT 1 WHERE false"), number(3),
                ])
                #expect(rows.map(\.count) == [1, 1, 0, 1])
                let found8 = try numbers([rows[0], rows[1], rows[3]])
                #expect(found8 == [1, 2, 3])
            }
            let prepared = try await connection.executeOnce(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1'")
            #expect(try prepared[0].decode(0, as: Int64.self) == 1)
            let found7 = try await connection.snapshot([]).isEmpty
            #expect(found7)
        }
    }

    @Test func `All see one state, and none may write`() async throws {
        try await TestServer.withConnection { connection in
            let rows = try await connection.snapshot([
                PostgresStatement("SELECT pg_current_snapshot()::text || current_setting('transaction_isolation')"),
                PostgresStatement("SELECT pg_current_snapshot()::text || current_setting('transaction_isolation')"),
            ])
            let texts = try rows.map { try $0[0].decode(0, as: String.self) }
            #expect(texts[0] == texts[1] && texts[0].hasSuffix("repeatable read"))
            try await connection.execute("CREATE TABLE IF NOT EXISTS snapshot_probe (n int8)")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.snapshot([PostgresStatement("INSERT INTO snapshot_probe VALUES (1)")])
            }
            #expect(error?.sqlState == "25006")
            #expect(try await connection.execute("SELECT n FROM snapshot_probe").isEmpty)
            try await connection.execute("DROP TABLE snapshot_probe")
        }
    }

    @Test(arguments: 0..<3)
    func `An error is the failing statement's own, and the connection goes on`(place: Int) async throws {
        try await TestServer.withConnection { connection in
            for _ in 0..<2 {
                var statements = (0..<3).map { number(Int64($0)) }
                statements[place] = PostgresStatement("SELECT 1 / $1", [0 as Int64])
                let failing = statements
                let error = await #expect(throws: PostgresError.self) { try await connection.snapshot(failing) }
                #expect(error?.sqlState == "22012")
                let found1 = try numbers(try await connection.snapshot([number(7)]))
                #expect(found1 == [7])
                #expect(await !connection.isInTransaction)
            }
        }
    }

    @Test func `Statements that the server forgot, or whose tables changed, are prepared again`() async throws {
        try await TestServer.withConnection { connection in
            let found2 = try numbers(try await connection.snapshot([number(1)]))
            #expect(found2 == [1])
            try await connection.executeOnce("DEALLOCATE ALL")
            let found3 = try numbers(try await connection.snapshot([number(2)]))
            #expect(found3 == [2])
            try await connection.execute("CREATE TEMPORARY TABLE wide (a int8)")
            let all = PostgresStatement("SELECT * FROM wide")
            let found5 = try await connection.snapshot([all])[0].columns.count
            #expect(found5 == 1)
            try await connection.execute("ALTER TABLE wide ADD b int8")
            let found6 = try await connection.snapshot([all])[0].columns.count
            #expect(found6 == 2)
        }
    }

    @Test func `Settings of the scope hold inside, and are gone after`() async throws {
        try await TestServer.withConnection { connection in
            let setting = PostgresStatement("SELECT current_setting('waybill.tenant', true)")
            let inside = try await TransactionScope.$settings.withValue([.init("waybill.tenant", 42)]) {
                try await connection.snapshot([setting])
            }
            #expect(try inside[0][0].decode(0, as: String.self) == "42")
            let after = try await connection.snapshot([setting])[0][0].decode(0, as: String?.self)
            #expect(after ?? "" == "")
        }
    }

    @Test func `A cancelled one ends, and the connection goes on`() async throws {
        try await TestServer.withConnection { connection in
            let task = Task {
                try await connection.snapshot([number(1), PostgresStatement("SELECT pg_sleep(30)::text")])
            }
            try await Task.sleep(for: .milliseconds(200))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let found4 = try numbers(try await connection.snapshot([number(3)]))
            #expect(found4 == [3])
        }
    }

    @Test func `A connection that is lost half-way says so`() async throws {
        try await TestServer.withConnection { connection in
            let process = await connection.serverProcess
            let task = Task {
                try await connection.snapshot([number(1), PostgresStatement("SELECT pg_sleep(30)::text")])
            }
            try await Task.sleep(for: .milliseconds(200))
            try await TestServer.withConnection {
                _ = try await $0.execute("SELECT pg_terminate_backend($1)", [process])
            }
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.isConnectionLost == true)
            #expect(await connection.isClosed)
        }
    }
}
