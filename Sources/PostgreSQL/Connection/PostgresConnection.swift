internal import CLibPQ
internal import Dispatch
package import Logging

/// A connection to PostgreSQL: libpq without blocking, on a queue of its own, extended protocol and binary values only.
///
/// States: `connecting → idle ⇄ working → closed`. A connection that is lost is closed and stays so; the pool makes
/// another. Statements of several tasks take turns.
package actor PostgresConnection {
    package nonisolated let logger: Logger
    let configuration: PostgresConfiguration
    private let executor: ConnectionExecutor

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    var handle: LibPQHandle?
    /// Why the connection is closed, once it is.
    private(set) var closure: PostgresError?
    private var watch: SocketWatch?
    private(set) var inputHasEnded = false
    /// Who waits for the socket, or for the end of the connection.
    private var readiness: CheckedContinuation<Void, Never>?

    /// Prepared statements by text and parameter types.
    var prepared: [StatementKey: String] = [:]
    var preparedCount = 0

    private var isWorking = false
    private var turns: [CheckedContinuation<Void, Never>] = []
    private var operation: UInt64 = 0
    private var cancelsUnderWay = 0
    private var cancelEnd: CheckedContinuation<Void, Never>?
    private var deadline: DispatchTime?
    private var isWatched = false

    private init(configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        executor = ConnectionExecutor(label: "postgresql")
    }

    /// Connects, or throws `.connection` or `.timeout`.
    package static func connect(
        _ configuration: PostgresConfiguration, logger: Logger
    ) async throws -> PostgresConnection {
        let connection = PostgresConnection(configuration: configuration, logger: logger)
        try await connection.open()
        return connection
    }

    /// No statement can be sent any more.
    package var isClosed: Bool { closure != nil }

    /// The server's version, as 150020 for 15.20.
    package var serverVersion: Int {
        handle.map { Int(PQserverVersion($0.pointer)) } ?? 0
    }

    /// The process that serves this connection, as in `pg_stat_activity`.
    package var serverProcess: Int32 {
        handle.map { PQbackendPID($0.pointer) } ?? 0
    }

    /// Between BEGIN and its end.
    var isInTransaction: Bool {
        guard let handle else { return false }
        return PQtransactionStatus(handle.pointer) != PQTRANS_IDLE
    }

    /// A statement is under way.
    var isBusy: Bool { isWorking }

    /// Closes the connection. A statement under way fails.
    package func close() {
        end(with: PostgresError(.connection, "the connection is closed", isConnectionLost: true))
    }

    // MARK: - Opening

    private func open() async throws {
        guard let handle = LibPQHandle(parameters: configuration.connectionParameters, logger: logger) else {
            throw PostgresError(.connection, "there is no memory for a connection")
        }
        do {
            try await connect(handle)
        } catch {
            closure = error as? PostgresError
            throw error
        }
        self.handle = handle
        watchSocket(of: handle)
        do {
            let timeout = configuration.statementTimeout.map { String($0.milliseconds) } ?? "0"
            _ = try await executeOnce(
                "SELECT set_config('statement_timeout', $1, false), set_config('TimeZone', 'UTC', false)", [timeout])
        } catch {
            close()
            throw error
        }
    }

    private func connect(_ handle: LibPQHandle) async throws {
        let deadline = DispatchTime.now() + .milliseconds(Int(configuration.connectTimeout.milliseconds))
        var status = PQstatus(handle.pointer) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while status != PGRES_POLLING_OK {
            try Task.checkCancellation()
            guard status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING else {
                throw connectionFailure(handle.errorMessage)
            }
            let isReady = await SocketReadiness.wait(
                PQsocket(handle.pointer), toRead: status == PGRES_POLLING_READING, until: deadline,
                on: executor.queue, keeping: handle)
            guard isReady else {
                throw PostgresError(
                    .timeout,
                    "PostgreSQL (\(configuration)) did not answer within \(configuration.connectTimeout); "
                        + "is it reachable from here?", isConnectionLost: true)
            }
            status = PQconnectPoll(handle.pointer)
        }
        guard PQsetnonblocking(handle.pointer, 1) == 0 else { throw connectionFailure(handle.errorMessage) }
    }

    private func connectionFailure(_ text: String) -> PostgresError {
        // libpq gives no SQLSTATE for a refused connection; the server's own words begin with FATAL.
        let sqlState = ConnectionRefusal.sqlState(of: text)
        return PostgresError(
            .connection, "can not connect to PostgreSQL (\(configuration)): \(text)", sqlState: sqlState,
            isConnectionLost: sqlState == nil)
    }

    // MARK: - The socket

    private func watchSocket(of handle: LibPQHandle) {
        watch = SocketWatch(handle, .toRead, on: executor.queue) { [weak self] in
            self?.assumeIsolated { $0.socketIsReadable() }
        }
    }

    private func socketIsReadable() {
        guard let handle else { return }
        var isAlive = PQconsumeInput(handle.pointer) == 1
        // Of a socket whose peer is gone dispatch tells once: all is read now, to the end.
        while isAlive, SocketReadiness.peerIsGone(PQsocket(handle.pointer)) {
            isAlive = PQconsumeInput(handle.pointer) == 1
        }
        if !isAlive {
            // What the server said before it closed is still to be read by the statement under way.
            inputHasEnded = true
            watch = nil
            if !isWorking { loseConnection() }
        } else if !isWorking {
            // Nothing was asked: a notice, a changed parameter, or the end.
            _ = PQisBusy(handle.pointer)
            if PQstatus(handle.pointer) == CONNECTION_BAD { return loseConnection() }
        }
        wake()
    }

    private func wake() {
        readiness?.resume()
        readiness = nil
    }

    /// Waits until the socket can be read (its bytes are then consumed), or the connection has ended.
    func readable() async throws(PostgresError) {
        if let closure { throw closure }
        if inputHasEnded { return }
        await withCheckedContinuation { readiness = $0 }
        if let closure { throw closure }
    }

    /// Waits until the socket can be written or was read.
    func writable() async throws(PostgresError) {
        guard let handle else { return }
        let watch = SocketWatch(handle, .toWrite, on: executor.queue) { [weak self] in
            self?.assumeIsolated { $0.wake() }
        }
        defer { withExtendedLifetime(watch) {} }
        try await readable()
    }

    /// Ends the connection because libpq says that it is broken.
    func loseConnection(_ error: PostgresError? = nil) {
        let text = handle?.errorMessage ?? ""
        let reason = [handle?.notices.last, text.isEmpty ? nil : text].compactMap { $0 }.joined(separator: "; ")
        end(
            with: error
                ?? PostgresError(
                    .connection, "the connection to PostgreSQL (\(configuration)) was lost: \(reason)",
                    isConnectionLost: true))
    }

    private func end(with error: PostgresError) {
        guard closure == nil else { return }
        closure = error
        watch = nil
        handle = nil
        prepared = [:]
        wake()
    }

    // MARK: - One statement at a time

    /// Waits for this task's turn, and runs `body`; a cancelled task asks the server to cancel the statement.
    func inTurn<Result: Sendable>(
        _ body: (isolated PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        if isWorking {
            await withCheckedContinuation { turns.append($0) }
        }
        isWorking = true
        defer { passTurn() }
        try Task.checkCancellation()
        if let closure { throw closure }
        operation += 1
        let own = operation
        if let timeout = configuration.statementTimeout { expectAnswer(within: timeout + configuration.answerGrace) }
        do {
            let result = try await withTaskCancellationHandler {
                try await body(self)
            } onCancel: {
                Task { await self.cancel(own) }
            }
            await endOperation()
            return result
        } catch {
            await endOperation()
            if Task.isCancelled, let error = error as? PostgresError, error.sqlState == "57014" {
                throw CancellationError()
            }
            throw error
        }
    }

    private func passTurn() {
        if turns.isEmpty {
            isWorking = false
        } else {
            turns.removeFirst().resume()
        }
    }

    /// A cancel request that arrives after its statement would hit the next one: it is waited for.
    private func endOperation() async {
        operation += 1
        deadline = nil
        while cancelsUnderWay > 0 {
            await withCheckedContinuation { cancelEnd = $0 }
        }
    }

    private func cancel(_ operation: UInt64) {
        guard operation == self.operation, let handle, let request = PQgetCancel(handle.pointer) else { return }
        cancelsUnderWay += 1
        expectAnswer(within: configuration.answerGrace)
        // Opaque and thread-safe, by libpq's documentation of PQcancel.
        nonisolated(unsafe) let pointer = request
        // PQcancel blocks: it makes a connection of its own.
        DispatchQueue.global().async {
            var text = [CChar](repeating: 0, count: 256)
            _ = PQcancel(pointer, &text, 256)
            PQfreeCancel(pointer)
            Task { await self.cancelHasEnded() }
        }
    }

    private func cancelHasEnded() {
        cancelsUnderWay -= 1
        cancelEnd?.resume()
        cancelEnd = nil
    }

    // MARK: - A server that does not answer

    private func expectAnswer(within limit: Duration) {
        let new = DispatchTime.now() + .milliseconds(Int(limit.milliseconds))
        deadline = new
        if !isWatched { watch(until: new) }
    }

    /// One timer at most is under way, whatever the number of statements.
    private func watch(until time: DispatchTime) {
        isWatched = true
        executor.queue.asyncAfter(deadline: time) { [weak self] in
            self?.assumeIsolated { $0.checkDeadline() }
        }
    }

    private func checkDeadline() {
        isWatched = false
        guard let deadline, closure == nil else { return }
        if deadline > .now() { return watch(until: deadline) }
        loseConnection(
            PostgresError(
                .timeout,
                "PostgreSQL (\(configuration)) did not answer a statement in time; the connection is given up",
                isConnectionLost: true))
    }
}
