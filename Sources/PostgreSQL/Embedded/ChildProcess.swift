internal import CSpawn
internal import Dispatch
internal import Glibc
internal import Synchronization

/// A program started in a session of its own, so that a terminal's Ctrl-C does not reach it, with no descriptor of ours
/// but its output.
final class ChildProcess: Sendable {
    let id: pid_t
    /// The wait status once it has ended.
    private let end = Mutex<Int32?>(nil)

    /// - Parameter output: a descriptor for standard output and standard error.
    init(_ arguments: [String], output: Int32) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Who runs it may not enter our working directory.
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let argv = CStrings(arguments)
        let environment = CStrings(Self.environment)
        var child: pid_t = 0
        let code = posix_spawn(
            &child, arguments[0], &actions, &attributes, argv.mutablePointers, environment.mutablePointers)
        guard code == 0 else { throw FileSystem.failure("can not start", arguments[0], code) }
        let id = child
        self.id = id
        // Each child has a thread that waits for it: else it would stay as a zombie, which looks alive to PostgreSQL.
        DispatchQueue(label: "child process \(id)").async {
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            self.end.withLock { $0 = status }
        }
    }

    /// PostgreSQL must not see our PG… variables, and speaks English in its log.
    private static var environment: [String] {
        let passedOn: [String] = ["PATH", "LD_LIBRARY_PATH"]
        return ["LC_ALL=C"]
            + passedOn.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
    }

    /// Whether it has ended.
    var hasEnded: Bool { end.withLock { $0 != nil } }

    private var succeeded: Bool { end.withLock { $0 == 0 } }

    /// Runs a program to its end.
    ///
    /// - Returns: whether its exit status was 0, and what it printed.
    static func run(_ arguments: [String]) async throws -> (succeeded: Bool, output: String) {
        var template = Array("/tmp/waybill-output-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw FileSystem.failure("can not make a file in", "/tmp") }
        unlink(template)
        defer { Glibc.close(file) }
        let child = try ChildProcess(arguments, output: file)
        while !child.hasEnded {
            // Not cancelled half-way: a program that was begun is waited for.
            await Pause.milliseconds(5)
        }
        return (child.succeeded, FileSystem.read(file).trimmed)
    }
}

/// A wait that a cancelled task keeps too.
enum Pause {
    static func milliseconds(_ count: Int) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(count)) { continuation.resume() }
        }
    }
}
