internal import Glibc

/// A server as its `postmaster.pid` describes it.
///
/// Lines: process, data directory, start time, port, socket directory, listen address, shared memory, status.
/// Source: PostgreSQL, src/include/utils/pidfile.h.
struct Postmaster: Equatable {
    enum Status: String {
        case starting, stopping, ready, standby
    }

    let id: pid_t
    let socketDirectory: String
    let status: Status

    /// What the cluster's `postmaster.pid` says; `nil` when there is none, or it is not written to its end yet.
    static func read(cluster: String) -> Postmaster? {
        FileSystem.read(file(cluster)).flatMap { Postmaster($0) }
    }

    static func file(_ cluster: String) -> String { cluster + "/postmaster.pid" }

    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let id = pid_t(first), id > 1 else { return nil }
        self.id = id
        socketDirectory = lines.count > 4 ? String(lines[4]) : ""
        status = lines.count > 7 ? Status(rawValue: lines[7].trimmed) ?? .starting : .starting
    }

    /// Whether the process lives and is the server of this cluster. A process number alone proves nothing: after a
    /// crash another program may have it, above all in a container, and a zombie still has it.
    func isAlive(cluster: String) -> Bool {
        Self.isAlive(id, cluster: cluster)
    }

    static func isAlive(_ id: pid_t, cluster: String) -> Bool {
        guard let commandLine = FileSystem.read("/proc/\(id)/cmdline") else { return false }
        let arguments = commandLine.split(separator: "\0").map(String.init)
        guard let program = arguments.first?.split(separator: "/").last,
            program == "postgres" || program == "postmaster"
        else { return false }
        return arguments.dropFirst().contains { argument in
            argument.hasPrefix("/") && (try? FileSystem.realPath(argument)) == cluster
        }
    }
}
