package import Logging
internal import Synchronization

/// A small pool of connections, made when they are needed, with a bounded queue for them.
///
/// A slot is the right to use one connection. `size` slots go round; whoever finds none waits in the order of coming.
package actor PostgresPool {
    /// The bounds of a pool.
    package struct Limits: Sendable {
        /// Connections at once.
        package var size = 4
        /// Tasks that may wait for one.
        package var queue = 256
        /// How long a task waits for one.
        package var wait: Duration = .seconds(30)
        /// How long a lost server is tried again before the error is thrown. A server that was never reached is tried
        /// once, unless it says that it is starting or full.
        package var reconnect: Duration = .seconds(10)

        package init() {}

        package init(
            size: Int = 4, queue: Int = 256, wait: Duration = .seconds(30), reconnect: Duration = .seconds(10)
        ) {
            self.size = max(1, size)
            self.queue = max(0, queue)
            self.wait = wait
            self.reconnect = reconnect
        }
    }

    package nonisolated let configuration: PostgresConfiguration
    package nonisolated let limits: Limits
    private let logger: Logger

    private nonisolated let connections = Atomic(0)

    private var freeSlots: Int
    private var idle: [PostgresConnection] = []
    private var waiting: [Waiter] = []
    private var lastWaiter: UInt64 = 0
    private var hasConnected = false
    private var isShutDown = false
    private var whenDrained: [CheckedContinuation<Void, Never>] = []

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    package init(_ configuration: PostgresConfiguration, limits: Limits = Limits(), logger: Logger) {
        self.configuration = configuration
        self.limits = limits
        self.logger = logger
        freeSlots = limits.size
    }

    /// Runs `body` with a connection that nobody else uses meanwhile. In a ``TransactionScope`` with settings it is a
    /// transaction, for they hold in nothing else.
    ///
    /// - Throws: `.poolExhausted`, `.timeout`, `.poolShutDown`, `.connection`, and what `body` throws.
    nonisolated(nonsending) package func withConnection<Result>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        guard TransactionScope.settings.isEmpty else { return try await transaction(.readCommitted, body) }
        return try await borrowing(body)
    }

    /// Runs `body` in a transaction of its own; see `PostgresConnection.transaction`.
    nonisolated(nonsending) package func transaction<Result>(
        _ isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false,
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await borrowing { try await $0.transaction(isolation, readOnly: readOnly, body) }
    }

    /// Runs statements that only read, over one snapshot and in one round trip; see `PostgresConnection.snapshot`.
    package nonisolated func snapshot(_ statements: [PostgresStatement]) async throws -> [PostgresRows] {
        try await borrowing { try await $0.snapshot(statements) }
    }

    nonisolated(nonsending) private func borrowing<Result>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await acquire()
        do {
            let result = try await body(connection)
            await release(connection)
            return result
        } catch {
            await release(connection)
            throw error
        }
    }

    /// Runs one statement.
    @discardableResult
    package nonisolated func execute(
        _ sql: StaticString, _ parameters: [any PostgresEncodable] = []
    ) async throws -> PostgresRows {
        try await withConnection { try await $0.execute(sql, parameters) }
    }

    /// Refuses new work, waits for the work under way, and closes all connections.
    package func shutdown() async {
        isShutDown = true
        for waiter in waiting { waiter.continuation.resume(throwing: Self.shutDown) }
        waiting = []
        await closeIdle()
        if freeSlots < limits.size {
            await withCheckedContinuation { whenDrained.append($0) }
        }
    }

    private static var shutDown: PostgresError {
        PostgresError(.poolShutDown, "the connections to PostgreSQL are being closed")
    }

    private func closeIdle() async {
        let closing = idle
        idle = []
        for connection in closing { await connection.close() }
    }

    /// Tasks that wait for a connection.
    package var waitingCount: Int { waiting.count }

    /// `shutdown` was called.
    package var isClosing: Bool { isShutDown }

    /// How many connections were made so far. While it stays the same, whoever works has a connection of before: so the
    /// server was not started again meanwhile, for it closes all of them.
    package nonisolated var connectionsMade: Int { connections.load(ordering: .sequentiallyConsistent) }

    // MARK: - Slots

    private func acquire() async throws -> PostgresConnection {
        try await takeSlot()
        do {
            while let connection = idle.popLast() {
                if await connection.isUsable { return connection }
            }
            return try await connect()
        } catch {
            giveSlot()
            throw error
        }
    }

    private func release(_ connection: PostgresConnection) async {
        if await connection.isUsable, !isShutDown {
            idle.append(connection)
        } else {
            await connection.close()
        }
        giveSlot()
    }

    private func takeSlot() async throws {
        try Task.checkCancellation()
        if isShutDown { throw Self.shutDown }
        if freeSlots > 0 {
            freeSlots -= 1
            return
        }
        guard waiting.count < limits.queue else {
            throw PostgresError(
                .poolExhausted,
                "all \(limits.size) connections to PostgreSQL are in use and \(waiting.count) tasks wait for one")
        }
        lastWaiter += 1
        let id = lastWaiter
        let timer = Task {
            try await Task.sleep(for: limits.wait)
            fail(
                id,
                PostgresError(
                    .timeout,
                    "no connection to PostgreSQL became free within \(limits.wait); "
                        + "all \(limits.size) are in use"))
        }
        defer { timer.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiting.append(Waiter(id: id, continuation: $0)) }
        } onCancel: {
            Task { await self.fail(id, CancellationError()) }
        }
    }

    private func fail(_ id: UInt64, _ error: any Error) {
        guard let place = waiting.firstIndex(where: { $0.id == id }) else { return }
        waiting.remove(at: place).continuation.resume(throwing: error)
    }

    /// The slot goes to the first who waits.
    private func giveSlot() {
        if waiting.isEmpty {
            freeSlots += 1
        } else {
            waiting.removeFirst().continuation.resume()
        }
        if isShutDown, freeSlots == limits.size {
            for drained in whenDrained { drained.resume() }
            whenDrained = []
        }
    }

    // MARK: - Connecting

    private func connect() async throws -> PostgresConnection {
        let end = ContinuousClock.now + limits.reconnect
        var backoff = Backoff()
        while true {
            do {
                let connection = try await PostgresConnection.connect(configuration, logger: logger)
                hasConnected = true
                connections.add(1, ordering: .sequentiallyConsistent)
                return connection
            } catch let error as PostgresError where error.isRetryable {
                let isPassing = hasConnected || error.sqlState == "57P03" || error.sqlState == "53300"
                let delay = backoff.next()
                guard isPassing, !isShutDown, ContinuousClock.now + delay < end else { throw error }
                logger.debug("\(error.message); trying again in \(delay)")
                try await Task.sleep(for: delay)
            }
        }
    }
}

extension PostgresConnection {
    /// Fit for the next user: alive, with no transaction left open and no statement under way.
    var isUsable: Bool { !isClosed && !isBusy && !isInTransaction }
}
