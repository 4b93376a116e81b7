internal import Glibc

/// The directory of the server's unix socket: private (0700), of the server's account, and short, because a socket's
/// path has 107 bytes at most. Its place is written in the data directory.
struct SocketDirectory {
    let path: String
    /// The file that names `path`.
    private let record: String

    private static let prefix = "/tmp/waybill-"

    /// Makes a new one. What a crash left is removed: its lock file may name a process that is now another program.
    static func make(dataDirectory: String, account: ServerAccount) throws -> SocketDirectory {
        removeRecorded(dataDirectory: dataDirectory, account: account)
        var template = Array((prefix + "XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw FileSystem.failure("can not make", prefix + "…") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = SocketDirectory(path: path, record: dataDirectory + "/socket-directory")
        do {
            if geteuid() == 0, chown(path, account.user, account.group) != 0 {
                throw FileSystem.failure("can not give away", path)
            }
            try FileSystem.write(path + "\n", to: directory.record)
        } catch {
            FileSystem.remove(path)
            throw error
        }
        return directory
    }

    /// Removes the recorded directory, if it is one of ours, and the record.
    static func removeRecorded(dataDirectory: String, account: ServerAccount) {
        let record = dataDirectory + "/socket-directory"
        guard let path = FileSystem.read(record)?.trimmed else { return }
        if path.hasPrefix(prefix), !path.dropFirst(prefix.count).contains("/"), isPrivate(path, account: account) {
            FileSystem.remove(path)
        }
        unlink(record)
    }

    /// Whether only the account (and root) can have put a socket there.
    static func isPrivate(_ path: String, account: ServerAccount) -> Bool {
        guard let status = FileSystem.status(path), status.isDirectory else { return false }
        return (status.owner == account.user || status.owner == geteuid()) && status.mode & 0o077 == 0
    }
}
