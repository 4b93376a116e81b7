import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A process that does not outlive this one.
///
/// It leads a process group of its own, so that Ctrl-C at the terminal reaches us alone and we end it in order. Where
/// `setpriv` (util-linux) is to be had, the kernel kills it when we die, however we die. It inherits no open files but
/// its log, and no ignored signals.
///
/// `posix_spawn` and `waitid` take pointers: the unsafe code of this module stands here.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Exit: Hashable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    private struct State {
        var exit: Exit?
        var waiters: [CheckedContinuation<Exit, Never>] = []
    }

    package let pid: Int32
    private let state = Mutex(State())

    private init(pid: pid_t) { self.pid = pid }

    /// Starts a program; what it prints is appended to the file `log`.
    ///
    /// The kernel takes the end of the *thread* that forked for the parent's end (`PR_SET_PDEATHSIG`). So each process
    /// has a thread of its own, which starts it and then waits for it.
    package static func launch(_ executable: String, _ arguments: [String], log: String) async throws -> ChildProcess {
        var command = [executable] + arguments
        if let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].first(where: FileManager.default.isExecutableFile) {
            command = [setpriv, "--pdeathsig", "KILL", "--"] + command
        }
        return try await withCheckedThrowingContinuation { [command] continuation in
            Thread.detachNewThread {
                let child: ChildProcess
                do {
                    child = ChildProcess(pid: try spawn(command, log: log))
                } catch {
                    continuation.resume(throwing: error)
                    return
                }
                continuation.resume(returning: child)
                child.reap()
            }
        }
    }

    /// How it ended; nil while it runs.
    package var exit: Exit? { state.withLock(\.exit) }

    /// Sends a signal to the process and its group. Does nothing once it has ended.
    package func send(_ signal: Int32) {
        // Under the lock the number can not have gone to another process: it is reaped under the lock too.
        state.withLock { state in
            if state.exit == nil { _ = kill(-pid, signal) }
        }
    }

    /// Waits for the end, also in a cancelled task: to be called after a signal that ends it.
    package func ended() async -> Exit {
        await withCheckedContinuation { continuation in
            let exit = state.withLock { state in
                if state.exit == nil { state.waiters.append(continuation) }
                return state.exit
            }
            if let exit { continuation.resume(returning: exit) }
        }
    }

    /// Waits for the end, no longer than `limit`; nil when it still runs then.
    package func ended(within limit: Duration) async throws -> Exit? {
        let deadline = ContinuousClock.now + limit
        while exit == nil, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        return exit
    }

    private func reap() {
        var information = siginfo_t()
        // It stays a zombie, which keeps its number, until the lock is held.
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        let (exit, waiters) = state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let signal = status & 0x7f
            let exit: Exit = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
            state.exit = exit
            defer { state.waiters = [] }
            return (exit, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }

    /// The numbers of our open files, for a child to close: it must not hold a port of ours open.
    private static func openFiles() -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []).compactMap { Int32($0) }
    }

    private static func spawn(_ command: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        for file in openFiles() where file > STDERR_FILENO { posix_spawn_file_actions_addclose(&actions, file) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var handled = sigset_t()
        sigemptyset(&handled)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE] { sigaddset(&handled, signal) }
        posix_spawnattr_setsigdefault(&attributes, &handled)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, command[0], &actions, &attributes, arguments, environ)
        guard result == 0 else {
            throw DemoGatewayError(
                .launchFailed, "could not start \(command.joined(separator: " ")): \(String(cString: strerror(result)))"
            )
        }
        return pid
    }
}
