import Logging
import Synchronization
import TestSupport
import Testing

@testable import PostgreSQL

@Suite struct PoolTests {
    private func withPool(
        _ limits: PostgresPool.Limits, _ configuration: PostgresConfiguration? = nil,
        _ body: (PostgresPool) async throws -> Void
    ) async throws {
        var own = try await TestServer.configuration()
        if let configuration { own = configuration }
        let pool = PostgresPool(own, limits: limits, logger: TestServer.logger)
        do {
            try await body(pool)
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }

    @Test func `No more connections are made than its size, and they are used again`() async throws {
        try await withPool(.init(size: 3)) { pool in
            let processes = try await withThrowingTaskGroup { group in
                for _ in 0..<60 {
                    group.addTask { try await pool.execute("SELECT pg_backend_pid()")[0].decode(0, as: Int32.self) }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
            }
            #expect((1...3).contains(processes.count))
        }
    }

    @Test func `A full queue is an error at once, and those who wait go on`() async throws {
        try await withPool(.init(size: 1, queue: 2)) { pool in
            let gate = Gate()
            let holder = Task { try await pool.withConnection { _ in await gate.wait() } }
            await gate.awaitArrival()
            let waiting = (0..<2).map { number in
                Task { try await pool.execute("SELECT $1", [Int64(number)])[0].decode(0, as: Int64.self) }
            }
            while await pool.waitingCount < 2 { await Task.yield() }
            let error = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1") }
            #expect(error?.code == .poolExhausted)
            #expect(error?.isRetryable == true)
            await gate.open()
            try await holder.value
            #expect(try await waiting[0].value == 0)
            #expect(try await waiting[1].value == 1)
        }
    }

    @Test func `Who waits too long, or is cancelled, leaves the queue`() async throws {
        try await withPool(.init(size: 1, wait: .milliseconds(50))) { pool in
            let gate = Gate()
            let holder = Task { try await pool.withConnection { _ in await gate.wait() } }
            await gate.awaitArrival()
            let error = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1") }
            #expect(error?.code == .timeout)
            let cancelled = Task { try await pool.execute("SELECT 1") }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            #expect(await pool.waitingCount == 0)
            await gate.open()
            try await holder.value
            #expect(try await pool.execute("SELECT 1").count == 1)
        }
    }

    @Test func `A transaction commits, and its error rolls back`() async throws {
        try await TestServer.withDatabase { configuration in
            try await withPool(.init(), configuration) { pool in
                try await pool.execute("CREATE TABLE coin (id int)")
                let made = try await pool.transaction(.serializable) { connection in
                    try await connection.execute("INSERT INTO coin VALUES (1)")
                    return try await connection.execute("SELECT current_setting('transaction_isolation')")[0]
                        .decode(0, as: String.self)
                }
                #expect(made == "serializable")
                struct Refusal: Error {}
                await #expect(throws: Refusal.self) {
                    try await pool.transaction { connection in
                        try await connection.execute("INSERT INTO coin VALUES (2)")
                        throw Refusal()
                    }
                }
                #expect(try await pool.execute("SELECT id FROM coin").count == 1)
            }
        }
    }

    @Test func `A cancelled transaction rolls back, and its connection is used again`() async throws {
        try await TestServer.withDatabase { configuration in
            try await withPool(.init(size: 1), configuration) { pool in
                try await pool.execute("CREATE TABLE coin (id int)")
                let process = Mutex<Int32>(0)
                let task = Task {
                    try await pool.transaction { connection in
                        let own = await connection.serverProcess
                        process.withLock { $0 = own }
                        try await connection.execute("INSERT INTO coin VALUES (1)")
                        try await connection.execute("SELECT pg_sleep(600)")
                    }
                }
                while process.withLock({ $0 == 0 }) { await Task.yield() }
                try await waitUntil(process: process.withLock { $0 }, isRunning: "%pg_sleep%")
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(try await pool.execute("SELECT id FROM coin").isEmpty)
                let again = try await pool.execute("SELECT pg_backend_pid()")[0].decode(0, as: Int32.self)
                #expect(again == process.withLock { $0 })
            }
        }
    }

    @Test func `A swallowed error does not pass for a commit`() async throws {
        try await withPool(.init()) { pool in
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { connection in
                    _ = try? await connection.execute("SELECT 1 / 0")
                }
            }
            #expect(error?.code == .transactionAborted)
        }
    }

    @Test func `A connection lost during COMMIT leaves the outcome unknown`() async throws {
        try await TestServer.withDatabase { configuration in
            try await withPool(.init(), configuration) { pool in
                try await pool.execute("CREATE TABLE coin (id int)")
                try await pool.execute(
                    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NULL; END'"
                )
                try await pool.execute(
                    """
                    CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON coin DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION wait()
                    """)
                let process = Mutex<Int32>(0)
                let task = Task {
                    try await pool.transaction { connection in
                        let own = await connection.serverProcess
                        process.withLock { $0 = own }
                        try await connection.execute("INSERT INTO coin VALUES (1)")
                    }
                }
                while process.withLock({ $0 == 0 }) { await Task.yield() }
                try await waitUntil(process: process.withLock { $0 }, isRunning: "COMMIT")
                try await pool.execute("SELECT pg_terminate_backend($1)", [process.withLock { $0 }])
                let error = await #expect(throws: PostgresError.self) { try await task.value }
                #expect(error?.code == .commitUnknown)
                #expect(error?.isRetryable == false)
                #expect(error?.isConnectionLost == true)
            }
        }
    }

    @Test func `A connection that is left inside a transaction is not given to the next`() async throws {
        try await withPool(.init(size: 1)) { pool in
            let first = try await pool.withConnection { connection in
                try await connection.executeOnce("BEGIN")
                return await connection.serverProcess
            }
            let second = try await pool.withConnection { await $0.serverProcess }
            #expect(first != second)
        }
    }

    @Test func `After an immediate restart of the server it connects again`() async throws {
        let directory = try TestServer.scratchDirectory("restart")
        let server = try await EmbeddedPostgres.start(
            dataDirectory: directory, durable: false, logger: TestServer.logger)
        try await withPool(.init(size: 2), server.configuration) { pool in
            try await pool.execute("CREATE TABLE kept AS SELECT 1 AS value")
            let task = Task { try await pool.execute("SELECT pg_sleep(600)") }
            while try await pool.execute(
                "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(600)'"
            ).isEmpty { await Task.yield() }

            let programs = try await ServerPrograms.find()
            let cluster = directory + "/postgres"
            let account = try ServerAccount.current(owner: FileSystem.status(cluster)?.owner)
            let restart = try await ChildProcess.run(
                try account.command([
                    programs.directory + "/pg_ctl", "-D", cluster, "-m", "immediate", "-l", "/dev/null", "-w",
                    "restart",
                ]))
            #expect(restart.succeeded, "\(restart.output)")
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            // Not `.timeout`: the end of the connection was seen, not waited for.
            #expect(error?.code == .connection)
            #expect(error?.isConnectionLost == true)
            #expect(error?.isRetryable == true)
            let rows = try await Retry.whileRetryable { try await pool.execute("SELECT value FROM kept") }
            #expect(rows.count == 1)
        }
        await server.stop()
        #expect(Postmaster.read(cluster: directory + "/postgres") == nil)
    }

    @Test func `A pool that is shut down refuses, after the work under way`() async throws {
        let pool = PostgresPool(try await TestServer.configuration(), logger: TestServer.logger)
        let gate = Gate()
        let holder = Task {
            try await pool.withConnection { connection in
                await gate.wait()
                return try await connection.execute("SELECT 1").count
            }
        }
        await gate.awaitArrival()
        let shutdown = Task { await pool.shutdown() }
        while await !pool.isClosing { await Task.yield() }
        let error = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1") }
        #expect(error?.code == .poolShutDown)
        await gate.open()
        #expect(try await holder.value == 1)
        await shutdown.value
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `Back-off doubles up to its limit, from which it takes a random part`(seed: UInt64) {
        struct SplitMix: RandomNumberGenerator {
            var state: UInt64
            mutating func next() -> UInt64 {
                state &+= 0x9E37_79B9_7F4A_7C15
                var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                return mixed ^ (mixed >> 31)
            }
        }
        var generator = SplitMix(state: seed)
        var backoff = Backoff(first: .milliseconds(50), limit: .milliseconds(300))
        var waits: [Duration] = []
        for whole in [50, 100, 200, 300, 300, 300] {
            let wait = backoff.next(using: &generator)
            #expect(wait >= .milliseconds(whole / 2) && wait <= .milliseconds(whole))
            waits.append(wait)
        }
        #expect(Set(waits.suffix(3)).count > 1)
    }
}

enum Retry {
    static func whileRetryable<Result>(_ body: () async throws -> Result) async throws -> Result {
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isRetryable {
                await Task.yield()
            }
        }
    }
}

/// Holds a task until it is opened, and tells when the task has come.
actor Gate {
    private var isOpen = false
    private var hasArrived = false
    private var arrivals: [CheckedContinuation<Void, Never>] = []
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        hasArrived = true
        for arrival in arrivals { arrival.resume() }
        arrivals = []
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func awaitArrival() async {
        if !hasArrived { await withCheckedContinuation { arrivals.append($0) } }
    }

    func open() {
        isOpen = true
        for task in waiting { task.resume() }
        waiting = []
    }
}
