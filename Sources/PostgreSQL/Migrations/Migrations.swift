package import Logging

/// Brings a database to the newest of the numbered files in a directory, forward only.
///
/// Each file is one transaction, and each of its statements one message (Citus needs that). An advisory lock is held by
/// each of these transactions, and what is applied is read again under it: any number of runners at once apply each
/// file once. The table `schema_migration` remembers a checksum of each applied file.
package struct Migrations: Sendable {
    package let directory: String
    /// A lock that a migration needs and does not get in this time ends the attempt, so that those who queue behind it
    /// go on.
    package var lockTimeout: Duration = .seconds(5)
    /// How often a file is tried when it did not get its locks.
    package var lockAttempts = 10

    /// `waybill` in ASCII: the advisory lock of the runners.
    private static let advisoryLock: Int64 = 0x0077_6179_6269_6c6c

    package init(directory: String) {
        self.directory = directory
    }

    /// What was applied.
    package struct Applied: Hashable, Sendable {
        package let version: Int32
        package let name: String
    }

    /// Applies what is missing, on a connection of its own.
    ///
    /// - Returns: the files that this run applied, in order.
    /// - Throws: `.migration` with the file, its line and what to do.
    package func run(on configuration: PostgresConfiguration, logger: Logger) async throws -> [Applied] {
        let files = try MigrationFile.read(directory: directory)
        var configuration = configuration
        configuration.statementTimeout = nil
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        do {
            let applied = try await run(files, on: connection, logger: logger)
            if !applied.isEmpty { try await distribute(on: connection) }
            await connection.close()
            return applied
        } catch {
            await connection.close()
            throw error
        }
    }

    package func run(on pool: PostgresPool, logger: Logger) async throws -> [Applied] {
        try await run(on: pool.configuration, logger: logger)
    }

    private func run(
        _ files: [MigrationFile], on connection: PostgresConnection, logger: Logger
    ) async throws -> [Applied] {
        let pending = try await retryingLocks("schema_migration", logger) {
            try await connection.transaction { connection in
                try await lock(connection)
                try await createTable(connection)
                return try await pendingFiles(files, on: connection)
            }
        }
        var applied: [Applied] = []
        for file in pending {
            let isNew = try await retryingLocks(file.fileName, logger) {
                try await connection.transaction { connection in
                    try await lock(connection)
                    return try await apply(file, on: connection)
                }
            }
            guard isNew else { continue }
            logger.info("applied migration \(file.fileName)")
            applied.append(Applied(version: file.version, name: file.name))
        }
        return applied
    }

    /// Spreads new tables over the nodes, where the server has the extension Citus.
    private func distribute(on connection: PostgresConnection) async throws {
        let found = try await connection.execute("SELECT FROM pg_extension WHERE extname = 'citus'")
        guard !found.isEmpty else { return }
        for statement in try MigrationFile.layout(directory: directory) {
            try await connection.executeOnce(statement.text)
        }
    }

    /// Waits without limit for other runners, and then with a limit for tables.
    private func lock(_ connection: PostgresConnection) async throws {
        try await connection.execute("SELECT set_config('lock_timeout', '0', true)")
        try await connection.execute("SELECT pg_advisory_xact_lock($1)", [Self.advisoryLock])
        try await connection.execute(
            "SELECT set_config('lock_timeout', $1, true)", [String(max(1, lockTimeout.milliseconds))])
    }

    private func createTable(_ connection: PostgresConnection) async throws {
        let found = try await connection.execute("SELECT to_regclass('schema_migration') IS NOT NULL")
        guard try found.first?.decode(0, as: Bool.self) == false else { return }
        try await connection.execute(
            """
            CREATE TABLE schema_migration (
                version integer PRIMARY KEY,
                name text NOT NULL,
                checksum bytea NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """)
    }

    /// The files that are not applied, after a comparison of those that are.
    private func pendingFiles(
        _ files: [MigrationFile], on connection: PostgresConnection
    ) async throws -> [MigrationFile] {
        let rows = try await connection.execute(
            """
            SELECT m.version, m.name, m.checksum = sha256(f.content) AS is_same
            FROM schema_migration m
            LEFT JOIN unnest($1, $2) AS f (version, content) USING (version)
            ORDER BY m.version
            """, [files.map(\.version), files.map { Array($0.text.utf8) }])
        let known = Dictionary(uniqueKeysWithValues: files.map { ($0.version, $0) })
        var newest: Int32 = 0
        for row in rows {
            let version = try row.decode("version", as: Int32.self)
            let isSame = try row.decode("is_same", as: Bool?.self)
            newest = max(newest, version)
            guard let file = known[version], let isSame else {
                let name = try row.decode("name", as: String.self)
                throw unknownMigration(version, name, newestFile: files.last?.version ?? 0)
            }
            guard isSame else {
                throw PostgresError(
                    .migration,
                    "\(file.path) was changed after it had been applied to this database; put its old text back, "
                        + "and make the change in a new file")
            }
        }
        let applied = Set(try rows.map { try $0.decode("version", as: Int32.self) })
        let pending = files.filter { !applied.contains($0.version) }
        if let late = pending.first(where: { $0.version < newest }) {
            throw PostgresError(
                .migration,
                "\(late.path) is not applied, but the database is at number \(newest) already; "
                    + "give the file the next free number")
        }
        return pending
    }

    private func unknownMigration(_ version: Int32, _ name: String, newestFile: Int32) -> PostgresError {
        if version > newestFile {
            return PostgresError(
                .migration,
                "the database is newer than this program: it has migration \(version) (\(name)), and \(directory) "
                    + "ends with \(newestFile); run the newer waybill")
        }
        return PostgresError(
            .migration,
            "migration \(version) (\(name)) is applied to the database, but its file is missing from \(directory); "
                + "put it back")
    }

    /// Returns false when another runner has applied the file meanwhile.
    private func apply(_ file: MigrationFile, on connection: PostgresConnection) async throws -> Bool {
        let content = Array(file.text.utf8)
        let found = try await connection.execute(
            "SELECT checksum = sha256($2) FROM schema_migration WHERE version = $1", [file.version, content])
        if let row = found.first {
            guard try row.decode(0, as: Bool.self) else {
                throw PostgresError(
                    .migration, "another program applied a different \(file.fileName) just now; compare the two")
            }
            return false
        }
        for statement in file.statements {
            do {
                try await connection.executeOnce(statement.text)
            } catch let error as PostgresError where !error.isRetryable {
                throw failure(of: statement, in: file, error)
            }
        }
        try await connection.execute(
            "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, sha256($3))",
            [file.version, file.name, content])
        return true
    }

    private func failure(of statement: SQLStatement, in file: MigrationFile, _ error: PostgresError) -> PostgresError {
        let before = error.position.map { statement.text.unicodeScalars.prefix(max(0, $0 - 1)) }
        let line = statement.line + (before?.count { $0 == "\n" } ?? 0)
        var failure = PostgresError(
            .migration, "\(file.path):\(line): \(error.message); nothing of this file was applied",
            sqlState: error.sqlState, detail: error.detail, hint: error.hint)
        failure.constraint = error.constraint
        return failure
    }

    /// Tries again when a lock was not to be had in time, a deadlock was broken, or a statement ran into it.
    private func retryingLocks<Result: Sendable>(
        _ name: String, _ logger: Logger, _ body: () async throws -> Result
    ) async throws -> Result {
        var backoff = Backoff(first: .milliseconds(200), limit: .seconds(5))
        var attempts = 0
        while true {
            attempts += 1
            do {
                return try await body()
            } catch let error as PostgresError where error.sqlState == "55P03" || error.sqlState == "40P01" {
                guard attempts < lockAttempts else {
                    throw PostgresError(
                        .migration,
                        "\(name): its locks were not to be had in \(lockAttempts) attempts of \(lockTimeout); "
                            + "end the long transactions (pg_stat_activity) and run it again",
                        sqlState: error.sqlState, cause: error)
                }
                logger.notice("\(name) waits for a lock that others hold; trying again")
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}
