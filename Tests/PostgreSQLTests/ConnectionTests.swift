import Glibc
import Logging
import TestSupport
import Testing

@testable import PostgreSQL

@Suite struct ConnectionTests {
    @Test func `A server's error carries SQLSTATE, detail and constraint`() async throws {
        try await TestServer.withConnection { connection in
            try await connection.execute("CREATE TEMPORARY TABLE coin (id int CONSTRAINT coin_is_one PRIMARY KEY)")
            try await connection.execute("INSERT INTO coin VALUES (1)")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute("INSERT INTO coin VALUES ($1)", [Int32(1)])
            }
            #expect(error?.code == .server)
            #expect(error?.sqlState == "23505")
            #expect(error?.constraint == "coin_is_one")
            #expect(error?.detail == "Key (id)=(1) already exists.")
            #expect(error?.isRetryable == false)
            #expect(error?.isConnectionLost == false)
            #expect(try await connection.execute("SELECT id FROM coin").count == 1)
        }
    }

    @Test func `Rows affected are counted`() async throws {
        try await TestServer.withConnection { connection in
            try await connection.execute("CREATE TEMPORARY TABLE number (n int8)")
            #expect(
                try await connection.execute("INSERT INTO number SELECT unnest($1)", [[1, 2, 3] as [Int64]]).affected
                    == 3)
            #expect(try await connection.execute("DELETE FROM number WHERE n > $1", [Int64(1)]).affected == 2)
            #expect(
                try await connection.execute("SELECT n FROM number").map { try $0.decode("n", as: Int64.self) } == [1])
        }
    }

    @Test func `A statement is prepared once for each set of parameter types`() async throws {
        try await TestServer.withConnection { connection in
            func run(_ value: any PostgresEncodable) async throws -> String {
                try await connection.execute("SELECT pg_typeof($1)::text", [value])[0].decode(0)
            }
            for _ in 0..<3 {
                #expect(try await run(Int64(1)) == "bigint")
                #expect(try await run(Int32(1)) == "integer")
            }
            let count = try await connection.executeOnce(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT pg_typeof%'")
            #expect(try count[0].decode(0, as: Int64.self) == 2)
        }
    }

    @Test func `A prepared statement that the server forgot is prepared again`() async throws {
        try await TestServer.withConnection { connection in
            func run() async throws -> Int32 { try await connection.execute("SELECT 5")[0].decode(0) }
            #expect(try await run() == 5)
            try await connection.executeOnce("DEALLOCATE ALL")
            #expect(try await run() == 5)

            try await connection.executeOnce("DEALLOCATE ALL")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.transaction { _ in try await run() }
            }
            #expect(error?.sqlState == "26000")
            #expect(error?.isRetryable == true)
            #expect(try await connection.transaction { _ in try await run() } == 5)
        }
    }

    @Test func `A prepared statement whose columns changed is prepared again`() async throws {
        try await TestServer.withConnection { connection in
            func columns() async throws -> Int { try await connection.execute("SELECT * FROM wide").columns.count }
            try await connection.execute("CREATE TEMPORARY TABLE wide (a int)")
            #expect(try await columns() == 1)
            try await connection.execute("ALTER TABLE wide ADD b int")
            #expect(try await columns() == 2)
        }
    }

    @Test func `A cancelled task ends its statement, and the connection goes on`() async throws {
        try await TestServer.withConnection { connection in
            let task = Task { try await connection.execute("SELECT pg_sleep(600)") }
            try await waitUntil(process: await connection.serverProcess, isRunning: "%pg_sleep%")
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await connection.execute("SELECT 1").count == 1)
        }
    }

    @Test func `A task that is cancelled at any time never harms the next statement`() async throws {
        try await TestServer.withConnection { connection in
            for round in 0..<200 {
                let task = Task { try await connection.execute("SELECT count(*) FROM generate_series(1, 1000)") }
                for _ in 0..<round { await Task.yield() }
                task.cancel()
                _ = await task.result
                let next = try await connection.execute("SELECT $1", [Int64(round)])
                #expect(try next[0].decode(0) == Int64(round))
            }
        }
    }

    @Test func `Statements of several tasks take turns`() async throws {
        try await TestServer.withConnection { connection in
            let sum = try await withThrowingTaskGroup { group in
                for number in 1...100 {
                    group.addTask {
                        try await connection.execute("SELECT $1", [Int64(number)])[0].decode(0, as: Int64.self)
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 5050)
        }
    }

    @Test func `A statement that takes too long is ended by the server`() async throws {
        try await TestServer.withConnection({ $0.statementTimeout = .milliseconds(50) }) { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute("SELECT pg_sleep(600)")
            }
            #expect(error?.code == .timeout)
            #expect(error?.sqlState == "57014")
            #expect(error?.isConnectionLost == false)
            let next = try await connection.execute("SELECT 1")
            #expect(next.count == 1)
        }
    }

    @Test func `A server that does not answer at all is given up`() async throws {
        try await TestServer.withConnection({
            $0.statementTimeout = .seconds(1)
            $0.answerGrace = .seconds(2)
        }) { connection in
            let process = await connection.serverProcess
            try #require(process > 1)
            #expect(kill(process, SIGSTOP) == 0)
            defer { kill(process, SIGCONT) }
            let error = await #expect(throws: PostgresError.self) { try await connection.execute("SELECT 1") }
            #expect(error?.code == .timeout)
            #expect(error?.isConnectionLost == true)
            #expect(await connection.isClosed)
        }
    }

    @Test func `A connection that the server ended says why, and stays closed`() async throws {
        try await TestServer.withConnection { other in
            try await TestServer.withConnection { connection in
                let process = await connection.serverProcess
                let task = Task { try await connection.execute("SELECT pg_sleep(600)") }
                try await waitUntil(process: process, isRunning: "%pg_sleep%")
                try await other.execute("SELECT pg_terminate_backend($1)", [process])
                let error = await #expect(throws: PostgresError.self) { try await task.value }
                #expect(error?.sqlState == "57P01")
                #expect(error?.isConnectionLost == true)
                #expect(error?.isRetryable == true)
                await #expect(throws: PostgresError.self) { try await connection.execute("SELECT 1") }
            }
        }
    }

    @Test func `An idle connection learns of its end`() async throws {
        try await TestServer.withConnection { other in
            try await TestServer.withConnection { connection in
                try await other.execute("SELECT pg_terminate_backend($1)", [await connection.serverProcess])
                while await !connection.isClosed { await Task.yield() }
                let error = await #expect(throws: PostgresError.self) { try await connection.execute("SELECT 1") }
                #expect(error?.isConnectionLost == true)
            }
        }
    }

    @Test func `Parameters larger than the socket's buffers are sent`() async throws {
        try await TestServer.withConnection { connection in
            let bytes = [UInt8](repeating: 7, count: 20_000_000)
            let rows = try await connection.execute("SELECT length($1) AS length, $1 AS same", [bytes])
            #expect(try rows[0].decode("length", as: Int32.self) == 20_000_000)
            #expect(try rows[0].decode("same") == bytes)
        }
    }

    @Test func `COPY is refused`() async throws {
        try await TestServer.withConnection { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.executeOnce("COPY (SELECT 1) TO STDOUT")
            }
            #expect(error?.code == .configuration)
        }
    }

    @Test(arguments: ["host=/nowhere", "host=127.0.0.1 port=1"])
    func `A server that is not there is named`(url: String) async throws {
        let configuration = try PostgresConfiguration(url: url)
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(configuration, logger: TestServer.logger)
        }
        #expect(error?.code == .connection)
        #expect(error?.isRetryable == true)
        #expect(error?.message.contains(configuration.description) == true)
    }

    @Test func `A database that is not there is no passing trouble`() async throws {
        var configuration = try await TestServer.configuration()
        configuration.parameters["dbname"] = "nowhere"
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(configuration, logger: TestServer.logger)
        }
        #expect(error?.sqlState == "3D000")
        #expect(error?.isRetryable == false)
    }

    @Test func `A server that accepts and is silent is given up`() async throws {
        let listener = try #require(SilentListener())
        var configuration = try PostgresConfiguration(url: "host=127.0.0.1 port=\(listener.port) sslmode=disable")
        configuration.connectTimeout = .milliseconds(100)
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(configuration, logger: TestServer.logger)
        }
        #expect(error?.code == .timeout)
    }
}

/// Waits until another process of the server runs a statement like `pattern`.
func waitUntil(process: Int32, isRunning pattern: String) async throws {
    try await TestServer.withConnection { connection in
        while try await connection.execute(
            "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE $2", [process, pattern]
        ).isEmpty {
            await Task.yield()
        }
    }
}

/// Takes TCP connections and never says a word.
private final class SilentListener {
    private let descriptor: Int32
    let port: Int

    init?() {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard isListening else { return nil }
    }

    deinit {
        close(descriptor)
    }
}
