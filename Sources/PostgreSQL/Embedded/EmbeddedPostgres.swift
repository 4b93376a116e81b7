internal import Glibc
package import Logging
internal import Synchronization

/// A private PostgreSQL under a data directory, shared by all commands on that directory.
///
/// Two locks order them. `waybill.lock` is held shared by every command for as long as it uses the server; who gets it
/// exclusively on leaving is the last, and stops the server. `waybill.start.lock` is held for the short time of coming
/// and going. Both are the kernel's and end with their process: after a SIGKILL the server runs on, and the next command
/// joins it and stops it on leaving. After a crash of the server the next command starts it, and PostgreSQL recovers.
///
/// The server listens on a unix socket alone, in a directory that only its account and root can enter; whoever can is
/// the superuser `waybill`. As root it runs as another account (see `ServerAccount`), and where that can not enter the
/// data directory, the cluster lies in /var/lib/waybill.
package final class EmbeddedPostgres: Sendable {
    /// For connections to the database `waybill` as its superuser.
    package let configuration: PostgresConfiguration

    private let dataDirectory: String
    private let cluster: Cluster
    private let membership: Mutex<FileLock?>
    private let logger: Logger

    private init(
        configuration: PostgresConfiguration, dataDirectory: String, cluster: Cluster, membership: FileLock,
        logger: Logger
    ) {
        self.configuration = configuration
        self.dataDirectory = dataDirectory
        self.cluster = cluster
        self.membership = Mutex(membership)
        self.logger = logger
    }

    /// Joins the server of a data directory; makes the directory, the cluster and the server where they are missing.
    ///
    /// - Parameter durable: false (for tests only) does not wait for the disk: what is committed survives the death of
    ///   the server, but not that of the machine. It holds for the server that this call starts.
    /// - Throws: `.embedded`, with what to do.
    package static func start(
        dataDirectory: String, durable: Bool = true, logger: Logger
    ) async throws -> EmbeddedPostgres {
        try await start(
            dataDirectory: dataDirectory, durable: durable, fallbackRoot: "/var/lib/waybill", logger: logger)
    }

    static func start(
        dataDirectory: String, durable: Bool, fallbackRoot: String, logger: Logger
    ) async throws -> EmbeddedPostgres {
        try FileSystem.makeDirectories(dataDirectory, mode: geteuid() == 0 ? 0o711 : 0o700)
        let dataDirectory = try FileSystem.realPath(dataDirectory)
        let gate = try FileLock(path: dataDirectory + "/waybill.start.lock")
        try await gate.exclusive()
        defer { withExtendedLifetime(gate) {} }
        let membership = try FileLock(path: dataDirectory + "/waybill.lock")
        guard try await membership.shared() else {
            throw PostgresError(.embedded, "another program holds \(membership.path); end it")
        }
        let cluster = try await Cluster.prepare(
            dataDirectory: dataDirectory, fallbackRoot: fallbackRoot, durable: durable, logger: logger)
        let server = ClusterServer(cluster: cluster, membership: membership, durable: durable, logger: logger)
        do {
            let socketDirectory = try await server.join()
            let configuration = try await server.database(socketDirectory)
            return EmbeddedPostgres(
                configuration: configuration, dataDirectory: dataDirectory, cluster: cluster, membership: membership,
                logger: logger)
        } catch {
            await server.leave()
            throw error
        }
    }

    /// Leaves the server, and stops it when nobody else uses it. Connections should be closed before.
    ///
    /// Goes on in a cancelled task. What fails is logged: there is nothing more that a caller could do.
    package func stop() async {
        guard let membership = membership.withLock({ $0.take() }) else { return }
        await Task {
            do {
                let gate = try FileLock(path: dataDirectory + "/waybill.start.lock")
                try await gate.exclusive()
                await ClusterServer(cluster: cluster, membership: membership, durable: true, logger: logger).leave()
                withExtendedLifetime(gate) {}
            } catch {
                logger.error("the embedded PostgreSQL could not be left in order: \(error)")
            }
        }.value
    }

    /// Lets go of the locks and leaves the server running, as the death of the process would.
    func abandon() {
        membership.withLock { $0 = nil }
    }
}
