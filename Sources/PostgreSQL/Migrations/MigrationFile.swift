internal import FoundationEssentials

/// A file `0001_name.sql`.
struct MigrationFile: Sendable {
    let version: Int32
    let name: String
    let path: String
    let text: String
    let statements: [SQLStatement]

    var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// How the tables are spread over nodes: no migration, and of no number.
    static let layout = "citus.sql"

    /// The statements of a directory's layout file; none without one.
    static func layout(directory: String) throws -> [SQLStatement] {
        let path = directory + "/" + layout
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try SQLStatements.split(String(contentsOfFile: path, encoding: .utf8))
        } catch {
            throw PostgresError(.migration, "\(path) can not be read", cause: error)
        }
    }

    /// Reads all `.sql` files of a directory in the order of their numbers.
    static func read(directory: String) throws -> [MigrationFile] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw PostgresError(.migration, "the migrations directory \(directory) can not be read", cause: error)
        }
        let files = try names.filter { $0.hasSuffix(".sql") && !$0.hasPrefix(".") && $0 != layout }.map {
            try MigrationFile(directory: directory, fileName: $0)
        }.sorted { $0.version < $1.version }
        for (one, other) in zip(files, files.dropFirst()) where one.version == other.version {
            throw PostgresError(
                .migration, "\(one.path) and \(other.path) have the same number; give one of them the next free one")
        }
        guard !files.isEmpty else {
            throw PostgresError(.migration, "there are no migrations (0001_name.sql, …) in \(directory)")
        }
        return files
    }

    private init(directory: String, fileName: String) throws {
        path = directory.hasSuffix("/") ? directory + fileName : directory + "/" + fileName
        let parts = fileName.dropLast(4).split(separator: "_", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count == 4, let version = Int32(parts[0]), version > 0 else {
            throw PostgresError(
                .migration, "\(path): a migration is named by four digits, _, and a name: 0001_name.sql")
        }
        self.version = version
        name = String(parts[1])
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw PostgresError(.migration, "\(path) can not be read as UTF-8", cause: error)
        }
        do {
            statements = try SQLStatements.split(text)
        } catch {
            throw PostgresError(.migration, "\(path):\(error.line): \(error.reason)")
        }
        if let ending = statements.first(where: { Self.controlsTransaction($0.text) }) {
            throw PostgresError(
                .migration, "\(path):\(ending.line): a migration runs in one transaction; remove this statement")
        }
    }

    private static func controlsTransaction(_ statement: String) -> Bool {
        let words = statement.lowercased().split(whereSeparator: \.isWhitespace).prefix(2).map(String.init)
        switch words.first {
        case "begin", "commit", "rollback", "abort", "end": return true
        case "start", "prepare": return words.last == "transaction"
        default: return false
        }
    }
}
