import FoundationEssentials
import Glibc
import Logging
import TestSupport
import Testing

@testable import PostgreSQL

@Suite struct EmbeddedPostgresTests {
    private let logger = TestServer.logger

    private func postmaster(_ directory: String) -> pid_t? {
        Postmaster.read(cluster: directory + "/postgres")?.id
    }

    private func isAlive(_ id: pid_t?, _ directory: String) throws -> Bool {
        guard let id else { return false }
        return Postmaster.isAlive(id, cluster: try FileSystem.realPath(directory + "/postgres"))
    }

    private func query(_ server: EmbeddedPostgres, _ sql: String) async throws -> PostgresRows {
        let connection = try await PostgresConnection.connect(server.configuration, logger: logger)
        let rows = try await connection.executeOnce(sql)
        await connection.close()
        return rows
    }

    private func start(_ directory: String) async throws -> EmbeddedPostgres {
        try await EmbeddedPostgres.start(dataDirectory: directory, durable: false, logger: logger)
    }

    @Test func `It is made with checksums, without TCP, and keeps its data from one command to the next`() async throws
    {
        let directory = try TestServer.scratchDirectory("fresh") + "/made/on demand"
        let first = try await start(directory)
        let settings = try await query(
            first,
            """
            SELECT current_setting('data_checksums') AS checksums, current_setting('listen_addresses') AS tcp,
                   current_user::text AS role, current_database()::text AS database,
                   (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser
            """)
        #expect(try settings[0].decode("checksums") == "on")
        #expect(try settings[0].decode("tcp") == "")
        #expect(try settings[0].decode("role") == "waybill")
        #expect(try settings[0].decode("database") == "waybill")
        #expect(try settings[0].decode("is_superuser") == true)
        _ = try await query(first, "CREATE TABLE kept AS SELECT 7 AS value")
        let socket = try #require(first.configuration.parameters["host"])
        let process = postmaster(directory)
        #expect(try isAlive(process, directory))
        await first.stop()
        #expect(try !isAlive(process, directory))
        #expect(!FileSystem.exists(socket))

        let second = try await start(directory)
        #expect(try await query(second, "SELECT value FROM kept")[0].decode(0, as: Int32.self) == 7)
        await second.stop()
    }

    @Test func `It is durable unless a test says otherwise`() async throws {
        let directory = try TestServer.scratchDirectory("durable")
        let server = try await EmbeddedPostgres.start(dataDirectory: directory, logger: logger)
        let row = try await query(
            server,
            "SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes')"
        )[0]
        #expect(try row.decode(0) == "ononon")
        await server.stop()
    }

    @Test func `Its socket and its files are private`() async throws {
        let directory = try TestServer.scratchDirectory("private")
        let server = try await start(directory)
        let socket = try #require(server.configuration.parameters["host"])
        let status = try #require(FileSystem.status(socket))
        #expect(status.mode == 0o700)
        #expect(FileSystem.status(directory + "/postgres", followingLinks: true)?.mode == 0o700)
        #expect(FileSystem.read(directory + "/socket-directory")?.trimmed == socket)
        await server.stop()
    }

    @Test func `It runs in a session of its own`() async throws {
        let directory = try TestServer.scratchDirectory("session")
        let server = try await start(directory)
        let process = try #require(postmaster(directory))
        #expect(getsid(process) == process)
        await server.stop()
    }

    @Test func `A path far longer than a socket's works`() async throws {
        let long = (0..<5).map { _ in String(repeating: "long", count: 15) }.joined(separator: "/")
        let directory = try TestServer.scratchDirectory("path") + "/" + long
        let server = try await start(directory)
        #expect(try await query(server, "SELECT 1")[0].decode(0, as: Int32.self) == 1)
        await server.stop()
    }

    @Test func `Eight that start at once share one server, and the last stops it`() async throws {
        let directory = try TestServer.scratchDirectory("many")
        let servers = try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { try await start(directory) } }
            return try await group.reduce(into: [EmbeddedPostgres]()) { $0.append($1) }
        }
        let process = postmaster(directory)
        let starts = Set(servers.map { $0.configuration.parameters["host"] })
        #expect(starts.count == 1)
        for server in servers.dropLast() {
            await server.stop()
            #expect(try isAlive(process, directory))
        }
        #expect(try await query(servers[7], "SELECT 1").count == 1)
        await servers[7].stop()
        await servers[7].stop()
        #expect(try !isAlive(process, directory))
    }

    @Test func `Coming and going at once never leaves one without a server`() async throws {
        let directory = try TestServer.scratchDirectory("churn")
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<4 {
                        let server = try await start(directory)
                        let answer = try await query(server, "SELECT 1")
                        await server.stop()
                        #expect(answer.count == 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(postmaster(directory) == nil)
    }

    @Test func `After SIGKILL of the server the next start recovers`() async throws {
        let directory = try TestServer.scratchDirectory("crash")
        let first = try await EmbeddedPostgres.start(dataDirectory: directory, logger: logger)
        _ = try await query(first, "CREATE TABLE survivor AS SELECT 1 AS value")
        let killed = try #require(postmaster(directory))
        #expect(kill(killed, SIGKILL) == 0)
        let second = try await start(directory)
        #expect(try #require(postmaster(directory)) != killed)
        #expect(try await query(second, "SELECT value FROM survivor").count == 1)
        await first.stop()
        #expect(try await query(second, "SELECT 1").count == 1)
        await second.stop()
    }

    @Test func `A process number that another program has by now is not taken for the server`() async throws {
        let directory = try TestServer.scratchDirectory("reused")
        let first = try await start(directory)
        let killed = try #require(postmaster(directory))
        let file = Postmaster.file(directory + "/postgres")
        let text = try #require(FileSystem.read(file))
        #expect(kill(killed, SIGKILL) == 0)
        // PostgreSQL believes that any process of its own user is the server.
        let account = try ServerAccount.current(owner: FileSystem.status(directory + "/postgres")?.owner)
        let null = open("/dev/null", O_WRONLY)
        let stranger = try ChildProcess(try account.command(["/usr/bin/sleep", "600"]), output: null)
        try Data(text.replacing("\(killed)\n", with: "\(stranger.id)\n", maxReplacements: 1).utf8)
            .write(to: URL(filePath: file))
        if geteuid() == 0 { chown(file, account.user, account.group) }
        let second = try await start(directory)
        #expect(try await query(second, "SELECT 1").count == 1)
        #expect(!stranger.hasEnded)
        kill(stranger.id, SIGKILL)
        close(null)
        await first.stop()
        await second.stop()
    }

    @Test func `A server whose socket was removed is started anew`() async throws {
        let directory = try TestServer.scratchDirectory("unsocketed")
        let first = try await start(directory)
        FileSystem.remove(try #require(first.configuration.parameters["host"]))
        await #expect(throws: PostgresError.self) { try await start(directory) }
        // As after a SIGKILL of the command: its lock is gone, its server is not.
        let process = try #require(postmaster(directory))
        first.abandon()
        let second = try await start(directory)
        #expect(try #require(postmaster(directory)) != process)
        #expect(try await query(second, "SELECT 1").count == 1)
        await second.stop()
    }

    @Test func `A command that was killed leaves a server that the next joins and stops`() async throws {
        let directory = try TestServer.scratchDirectory("killed")
        let first = try await start(directory)
        let process = try #require(postmaster(directory))
        first.abandon()
        let second = try await start(directory)
        #expect(postmaster(directory) == process)
        await second.stop()
        #expect(try !isAlive(process, directory))
    }

    @Test func `An initdb that was cut short leaves nothing in the way`() async throws {
        let directory = try TestServer.scratchDirectory("cut")
        try FileManager.default.createDirectory(
            atPath: directory + "/postgres.new/base", withIntermediateDirectories: true)
        let server = try await start(directory)
        #expect(try await query(server, "SELECT 1").count == 1)
        await server.stop()
    }

    @Test(.enabled(if: geteuid() == 0, "only root runs the server as another user"))
    func `Where the server's user can not enter, the cluster lies elsewhere`() async throws {
        let fallback = try TestServer.scratchDirectory("elsewhere")
        let parent = try TestServer.scratchDirectory("closed")
        #expect(chmod(parent, 0o700) == 0)
        func start() async throws -> EmbeddedPostgres {
            try await .start(
                dataDirectory: parent + "/data", durable: false, fallbackRoot: fallback, logger: logger)
        }
        let server = try await start()
        _ = try await query(server, "CREATE TABLE kept (value int)")
        await server.stop()
        #expect(try FileSystem.realPath(parent + "/data/postgres").hasPrefix(fallback + "/"))
        let again = try await start()
        #expect(try await query(again, "SELECT FROM kept").isEmpty)
        await again.stop()

        // A new data directory of the same name does not find the old data.
        FileSystem.remove(parent + "/data")
        let anew = try await start()
        await #expect(throws: PostgresError.self) { try await query(anew, "SELECT FROM kept") }
        await anew.stop()
    }

    @Test func `Missing server programs are named with the Debian package`() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await ServerPrograms.find(searchPath: "/nowhere", root: "/nowhere")
        }
        #expect(error?.code == .embedded)
        #expect(error?.message.contains("apt-get install postgresql-15") == true)
        let old = await #expect(throws: PostgresError.self) { try await ServerPrograms.find(major: 9) }
        #expect(old?.message.contains("apt-get install postgresql-9") == true)
    }

    @Test(arguments: [
        ("", nil), ("x\n", nil), ("1\n", nil),
        ("42\n", Postmaster.Status.starting),
        ("42\n/d\n0\n5432\n/tmp/s\n\n 1 2\nready   \n", .ready),
        ("42\n/d\n0\n5432\n/tmp/s\n\n 1 2\nstopping\n", .stopping),
    ])
    func `postmaster.pid is read as far as it is written`(text: String, status: Postmaster.Status?) {
        #expect(Postmaster(text)?.status == status)
    }
}
