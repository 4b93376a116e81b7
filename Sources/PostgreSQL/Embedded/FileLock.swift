internal import Glibc
internal import Synchronization

/// An advisory lock on a file (`flock`), which ends with the process that holds it, however it ends.
///
/// The descriptor is closed on exec, so that the server does not inherit the lock.
final class FileLock: Sendable {
    private let descriptor: Int32
    let path: String

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            var error = FileSystem.failure("can not open the lock", path, code)
            if code == EACCES { error.hint = "run waybill as the user who made this data directory" }
            throw error
        }
    }

    /// Releases the lock.
    deinit {
        Glibc.close(descriptor)
    }

    /// Takes the lock for oneself, or turns a shared one into it; false when others hold it.
    ///
    /// A shared lock may be lost when this returns false: the kernel releases it before it tries.
    func tryExclusive() throws -> Bool { try attempt(LOCK_EX) }

    /// Takes the lock together with others.
    func tryShared() throws -> Bool { try attempt(LOCK_SH) }

    /// Takes the lock together with others; false when another holds it for longer than a moment. A child that was
    /// forked while the lock was one's own holds it too, until its exec closes the descriptor.
    func shared() async throws -> Bool {
        for _ in 0..<100 {
            if try tryShared() { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    private func attempt(_ operation: Int32) throws -> Bool {
        while flock(descriptor, operation | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else { throw FileSystem.failure("can not lock", path) }
        }
        return true
    }

    /// Waits until the lock is one's own.
    func exclusive() async throws {
        while try !tryExclusive() {
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
