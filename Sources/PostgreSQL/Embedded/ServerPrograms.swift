internal import Glibc

/// PostgreSQL's server programs of one version.
struct ServerPrograms: Equatable {
    /// Where `postgres` and `initdb` are.
    let directory: String
    /// 15, 16, …
    let major: Int

    var postgres: String { directory + "/postgres" }
    var initdb: String { directory + "/initdb" }

    static let oldest = 15

    /// The newest programs of version 15 or later, or those of version `major`.
    ///
    /// - Parameters:
    ///   - searchPath: directories, separated by colons, as in `PATH`.
    ///   - root: holds one directory a version, as Debian's `/usr/lib/postgresql` does.
    static func find(
        major: Int? = nil, searchPath: String? = nil, root: String = "/usr/lib/postgresql"
    ) async throws -> ServerPrograms {
        let path = searchPath ?? getenv("PATH").map { String(cString: $0) } ?? ""
        let pathDirectories = path.split(separator: ":").map(String.init)
        var directories = pathDirectories + FileSystem.names(in: root).map { "\(root)/\($0)/bin" }
        if let pgConfig = pathDirectories.map({ $0 + "/pg_config" }).first(where: { access($0, X_OK) == 0 }) {
            let answer = try await ChildProcess.run([pgConfig, "--bindir"])
            if answer.succeeded { directories.append(answer.output) }
        }
        var found: [ServerPrograms] = []
        for directory in directories where !found.contains(where: { $0.directory == directory }) {
            if let programs = try await ServerPrograms(in: directory) { found.append(programs) }
        }
        let fit = found.filter { $0.major >= oldest && (major == nil || $0.major == major) }
        if let newest = fit.max(by: { $0.major < $1.major }) { return newest }
        throw missing(major, found)
    }

    private init?(in directory: String) async throws {
        self.directory = directory
        guard access(directory + "/postgres", X_OK) == 0, access(directory + "/initdb", X_OK) == 0 else { return nil }
        let answer = try await ChildProcess.run([directory + "/postgres", "--version"])
        // postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)
        guard answer.succeeded, let version = answer.output.split(separator: " ").dropFirst(2).first,
            let major = Int(version.prefix { $0.isNumber })
        else { return nil }
        self.major = major
    }

    private static func missing(_ major: Int?, _ found: [ServerPrograms]) -> PostgresError {
        let others =
            found.isEmpty
            ? "" : " (found: " + found.map { "\($0.major) in \($0.directory)" }.joined(separator: ", ") + ")"
        if let major {
            return PostgresError(
                .embedded,
                "this data directory was made by PostgreSQL \(major), whose server programs were not found\(others); "
                    + "on Debian: apt-get install postgresql-\(major)")
        }
        return PostgresError(
            .embedded,
            "PostgreSQL's server programs (postgres, initdb), version \(oldest) or later, were found neither in PATH "
                + "nor in /usr/lib/postgresql/*/bin\(others); on Debian: apt-get install postgresql-15. "
                + "Or name a running server in WAYBILL_DATABASE_URL")
    }
}
