internal import Glibc
internal import Logging

/// Starts, joins and stops the server of a cluster. Its caller holds the lock for starting, and `membership` shared.
struct ClusterServer {
    let cluster: Cluster
    let membership: FileLock
    let durable: Bool
    let logger: Logger

    /// Finds the running server or starts one.
    ///
    /// - Returns: the directory of its socket.
    func join() async throws -> String {
        for _ in 0..<5 {
            guard let running = Postmaster.read(cluster: cluster.path) else {
                if let directory = try await start() { return directory }
                continue
            }
            guard running.isAlive(cluster: cluster.path) else {
                logger.notice("PostgreSQL was not shut down in order; it recovers now")
                // Its process number may be another program's by now, and PostgreSQL would take that for the server.
                // What remains of the old server it knows by the shared memory.
                unlink(Postmaster.file(cluster.path))
                continue
            }
            if running.status == .stopping {
                try await awaitEnd(of: running.id)
                continue
            }
            try await awaitReady(running.id, process: nil)
            if hasSocket(running) { return running.socketDirectory }
            guard try isAlone() else {
                throw PostgresError(
                    .embedded,
                    "PostgreSQL (process \(running.id)) runs for \(cluster.dataDirectory), but its socket in "
                        + "\(running.socketDirectory) is gone or not private; end the other waybill commands on this "
                        + "directory and try again")
            }
            try await stop(running.id)
        }
        throw failure("PostgreSQL did not come up in five attempts")
    }

    /// Makes the database, and says how to reach it.
    func database(_ socketDirectory: String) async throws -> PostgresConfiguration {
        var configuration = PostgresConfiguration(
            socketDirectory: socketDirectory, user: Cluster.role, database: "postgres")
        // Nobody else's server may stand in for ours.
        if let name = cluster.account.name { configuration.parameters["requirepeer"] = name }
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        do {
            let found = try await connection.execute(
                "SELECT FROM pg_database WHERE datname = $1", [Cluster.database])
            if found.isEmpty { try await connection.executeOnce("CREATE DATABASE \(Cluster.database)") }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        configuration.parameters["dbname"] = Cluster.database
        return configuration
    }

    /// Stops the server if nobody else is a member. The membership is lost either way.
    func leave() async {
        do {
            guard try membership.tryExclusive() else { return }
            if let running = Postmaster.read(cluster: cluster.path), running.isAlive(cluster: cluster.path) {
                try await stop(running.id)
            }
            SocketDirectory.removeRecorded(dataDirectory: cluster.dataDirectory, account: cluster.account)
        } catch {
            logger.error("the embedded PostgreSQL could not be stopped: \(error)")
        }
    }

    // MARK: - Starting

    /// Returns `nil` when it is worth another attempt.
    private func start() async throws -> String? {
        let log = try openLog()
        defer { close(log) }
        let logStart = lseek(log, 0, SEEK_END)
        let socket = try SocketDirectory.make(dataDirectory: cluster.dataDirectory, account: cluster.account)
        let process = try ChildProcess(
            try cluster.serverCommand(socketDirectory: socket.path, durable: durable), output: log)
        do {
            try await awaitReady(process.id, process: process)
            return socket.path
        } catch {
            if !process.hasEnded { try? await stop(process.id) }
            SocketDirectory.removeRecorded(dataDirectory: cluster.dataDirectory, account: cluster.account)
            let said = FileSystem.read(log, last: Int(lseek(log, 0, SEEK_END) - logStart)).trimmed
            if said.contains("shared memory block") {
                // Processes of a killed server live on for a moment; they see that it is gone, and end.
                try await Task.sleep(for: .seconds(1))
                return nil
            }
            if error is CancellationError { throw error }
            throw failure("PostgreSQL did not start", detail: said)
        }
    }

    private func openLog() throws -> Int32 {
        if let status = FileSystem.status(cluster.log), status.size > 16 << 20 {
            rename(cluster.log, cluster.log + ".1")
        }
        let file = open(cluster.log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileSystem.failure("can not open", cluster.log) }
        return file
    }

    /// Waits for the server's word that it takes connections: as long as it lives, for recovery can take its time.
    private func awaitReady(_ id: pid_t, process: ChildProcess?) async throws {
        var waits = 0
        while true {
            if let now = Postmaster.read(cluster: cluster.path), now.id == id,
                now.status == .ready || now.status == .standby
            {
                return
            }
            if let process {
                if process.hasEnded { throw failure("PostgreSQL ended while it was starting") }
            } else if !Postmaster.isAlive(id, cluster: cluster.path) {
                return
            }
            waits += 1
            if waits % 500 == 0 { logger.notice("PostgreSQL is still starting; it may have to recover") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func hasSocket(_ running: Postmaster) -> Bool {
        SocketDirectory.isPrivate(running.socketDirectory, account: cluster.account)
            && FileSystem.exists(running.socketDirectory + "/.s.PGSQL.5432")
    }

    /// Whether no other command is a member. Stays a member.
    private func isAlone() throws -> Bool {
        let isAlone = try membership.tryExclusive()
        guard try membership.tryShared() else { throw failure("the lock \(membership.path) was lost") }
        return isAlone
    }

    // MARK: - Stopping

    /// A fast shutdown: transactions are rolled back, a checkpoint is written. After a minute an immediate one, from
    /// which the next start recovers.
    private func stop(_ id: pid_t) async throws {
        guard kill(id, SIGINT) == 0 || errno == ESRCH else { throw failure("can not stop process \(id)") }
        for _ in 0..<6_000 where Postmaster.isAlive(id, cluster: cluster.path) { await Pause.milliseconds(10) }
        guard Postmaster.isAlive(id, cluster: cluster.path) else { return }
        logger.warning("PostgreSQL did not stop within a minute; it is stopped at once, and recovers at the next start")
        kill(id, SIGQUIT)
        try await awaitEnd(of: id)
    }

    private func awaitEnd(of id: pid_t) async throws {
        for _ in 0..<6_000 {
            guard Postmaster.isAlive(id, cluster: cluster.path) else { return }
            await Pause.milliseconds(10)
        }
        throw failure("PostgreSQL (process \(id)) does not end; stop it with kill -9 \(id)")
    }

    private func failure(_ message: String, detail: String? = nil) -> PostgresError {
        PostgresError(.embedded, "\(message); its log is \(cluster.log)", detail: detail)
    }
}
