internal import Glibc
internal import Logging

/// The files of the embedded server: where they lie, who owns them, and how they are made.
///
/// In the data directory lie `postgres` (the cluster, or a link to it), `server.log`, `socket-directory`, and the locks.
struct Cluster {
    let dataDirectory: String
    /// Without links: the server's `-D`.
    let path: String
    let account: ServerAccount
    let programs: ServerPrograms

    static let role = "waybill"
    static let database = "waybill"

    var log: String { dataDirectory + "/server.log" }

    /// Finds the cluster of a data directory, or makes it.
    ///
    /// The caller holds the lock for starting.
    static func prepare(
        dataDirectory: String, fallbackRoot: String, durable: Bool, logger: Logger
    ) async throws -> Cluster {
        let entry = dataDirectory + "/postgres"
        if let status = FileSystem.status(entry, followingLinks: true), status.isDirectory {
            let path = try FileSystem.realPath(entry)
            guard let version = FileSystem.read(path + "/PG_VERSION").flatMap({ Int($0.trimmed) }) else {
                throw PostgresError(
                    .embedded,
                    "\(path) is not a PostgreSQL cluster that this user can read; move it away, or run "
                        + "waybill as the user who made it")
            }
            let cluster = Cluster(
                dataDirectory: dataDirectory, path: path, account: try .current(owner: status.owner),
                programs: try await .find(major: version))
            cluster.warnIfElsewhere(logger)
            return cluster
        }
        if FileSystem.status(entry)?.isLink == true {
            throw PostgresError(
                .embedded, "\(entry) is a link to a cluster that is gone; restore it, or remove the link to begin anew")
        }
        let account = try ServerAccount.current(owner: nil)
        let programs = try await ServerPrograms.find()
        var home = dataDirectory
        if try await !account.canEnter(dataDirectory) {
            home = try fallback(for: dataDirectory, root: fallbackRoot)
            guard try await account.canEnter(home) else {
                throw PostgresError(
                    .embedded,
                    "the user \(account.description), as whom PostgreSQL is to run, can enter "
                        + "neither \(dataDirectory) nor \(home); give another --data-dir")
            }
        }
        let cluster = Cluster(
            dataDirectory: dataDirectory, path: home + "/postgres", account: account, programs: programs)
        logger.info("making a PostgreSQL \(programs.major) cluster in \(cluster.path)")
        try await cluster.make(durable: durable)
        if home != dataDirectory, symlink(cluster.path, entry) != 0 { throw FileSystem.failure("can not link", entry) }
        cluster.warnIfElsewhere(logger)
        return cluster
    }

    private func warnIfElsewhere(_ logger: Logger) {
        guard path != dataDirectory + "/postgres" else { return }
        logger.warning(
            """
            PostgreSQL runs as \(account.description), who can not enter \(dataDirectory): the cluster lies in \(path)
            """)
    }

    /// A directory under `root` for the cluster of a data directory. One that is taken belongs to an earlier data
    /// directory of that name: it is neither used nor removed.
    private static func fallback(for dataDirectory: String, root: String) throws -> String {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in dataDirectory.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let name = root + "/" + String(hash, radix: 16)
        var home = name
        var number = 1
        while FileSystem.exists(home + "/postgres") {
            number += 1
            home = "\(name)-\(number)"
        }
        try FileSystem.makeDirectories(home, mode: 0o711)
        return home
    }

    /// Makes the cluster under another name and renames it when it is whole.
    private func make(durable: Bool) async throws {
        let new = path + ".new"
        FileSystem.remove(new)
        guard mkdir(new, 0o700) == 0 else { throw FileSystem.failure("can not make the directory", new) }
        if geteuid() == 0, chown(new, account.user, account.group) != 0 {
            throw FileSystem.failure("can not give away", new)
        }
        let initdb =
            [
                programs.initdb, "-D", new, "--username=\(Self.role)", "--auth=trust", "--encoding=UTF8", "--locale=C",
                "--data-checksums", "--no-instructions",
            ] + (durable ? [] : ["--no-sync"])
        let answer = try await ChildProcess.run(try account.command(initdb))
        guard answer.succeeded else {
            FileSystem.remove(new)
            throw PostgresError(.embedded, "initdb could not make a cluster in \(path)", detail: answer.output)
        }
        guard rename(new, path) == 0 else { throw FileSystem.failure("can not rename to", path) }
    }

    /// The server's command line. All settings are here, and none in the cluster's files.
    func serverCommand(socketDirectory: String, durable: Bool) throws -> [String] {
        var settings = [
            "listen_addresses=", "unix_socket_directories=\(socketDirectory)", "unix_socket_permissions=0700",
            "port=5432", "logging_collector=off", "log_destination=stderr", "log_timezone=UTC", "TimeZone=UTC",
            "cluster_name=waybill",
            // A page's first change after a checkpoint logs the whole page: fewer checkpoints, and pages compressed.
            "checkpoint_timeout=15min", "max_wal_size=2GB", "wal_compression=on",
        ]
        if !durable { settings += ["fsync=off", "full_page_writes=off"] }
        return try account.command([programs.postgres, "-D", path] + settings.flatMap { ["-c", $0] })
    }
}
