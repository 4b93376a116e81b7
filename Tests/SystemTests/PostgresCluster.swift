import DemoGateway
import Foundation

/// A real PostgreSQL server of a test's own, on a unix socket, which can be crashed and started again.
actor PostgresCluster {
    /// For `--database-url`.
    nonisolated var url: String { "host=\(socketDirectory) dbname=postgres user=\(Self.role)" }

    private static let role = "waybill"
    private nonisolated let socketDirectory: String
    private let cluster: String
    private let log: String
    private let programs: String
    private var server: ChildProcess?

    private init(folder: String, programs: String) {
        socketDirectory = folder + "/socket"
        cluster = folder + "/cluster"
        log = folder + "/postgres.log"
        self.programs = programs
    }

    /// Makes a cluster in the folder, starts it, runs the body, and stops it.
    static func run<Result>(
        in folder: String, isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresCluster) async throws -> Result
    ) async throws -> Result {
        let cluster = PostgresCluster(folder: folder, programs: try findPrograms())
        do {
            try await cluster.make()
            try await cluster.start()
            let result = try await body(cluster)
            await cluster.crash()
            return result
        } catch {
            await cluster.crash()
            throw error
        }
    }

    /// Crashes the server and starts it again.
    func restart(under environment: [String] = []) async throws {
        await crash()
        try await start(under: environment)
    }

    private func make() async throws {
        for directory in [socketDirectory, cluster] {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            if geteuid() == 0 {
                try FileManager.default.setAttributes([.ownerAccountName: "postgres"], ofItemAtPath: directory)
            }
        }
        let initdb = asServer([
            programs + "/initdb", "-D", cluster, "--username=\(Self.role)", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--no-sync",
        ])
        _ = try await Command.run(initdb[0], Array(initdb.dropFirst())).succeeded()
    }

    /// Starts the server and waits until it has recovered and takes connections.
    ///
    /// - Parameter environment: `NAME=value` pairs.
    func start(under environment: [String] = []) async throws {
        let command = asServer(
            ["/usr/bin/env"] + environment + [
                programs + "/postgres", "-D", cluster, "-c", "listen_addresses=", "-c",
                "unix_socket_directories=\(socketDirectory)", "-c", "fsync=off",
            ])
        let server = try await ChildProcess.launch(command[0], Array(command.dropFirst()), log: log)
        self.server = server
        try await wait(for: "PostgreSQL takes connections (its log is \(log))") {
            if let exit = server.exit { throw SystemTestError("PostgreSQL ended with \(exit): \(logText)") }
            return try await Command.run(programs + "/pg_isready", ["-q", "-h", socketDirectory]).exit == .code(0)
        }
    }

    /// Runs one statement.
    func execute(_ sql: String) async throws {
        _ = try await Command.run(programs + "/psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
            .succeeded()
    }

    /// The number that a query gives.
    func number(_ sql: String) async throws -> Int {
        let answer = try await Command.run(programs + "/psql", ["-X", "-qAt", "-d", url, "-c", sql]).succeeded()
        guard let number = Int(answer.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw SystemTestError("\(sql) gives \(answer)")
        }
        return number
    }

    /// Stops the server in immediate mode, as a crash would: no checkpoint, connections cut.
    func crash() async {
        guard let server else { return }
        server.send(SIGQUIT)
        _ = await server.ended()
        self.server = nil
    }

    private var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// PostgreSQL refuses to run as root. The kernel forgets the signal for a parent's death when the account changes:
    /// it is set anew, to the one that ends the server at once.
    private func asServer(_ command: [String]) -> [String] {
        guard geteuid() == 0 else { return command }
        return [
            "/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/bin/setpriv",
            "--pdeathsig", "QUIT", "--",
        ] + command
    }

    private static func findPrograms() throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let debian = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []
        let candidates =
            versions.sorted().reversed().map { "\(debian)/\($0)/bin" } + path.split(separator: ":").map(String.init)
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") })
        else {
            throw SystemTestError("there is no initdb in \(debian) or the PATH: run scripts/setup")
        }
        return found
    }
}
