internal import Glibc

/// The calls of the operating system that the embedded server needs, with errors that name the path.
enum FileSystem {
    struct Status {
        var isDirectory: Bool
        var isLink: Bool
        var owner: uid_t
        var group: gid_t
        /// Permission bits.
        var mode: mode_t
        var size: Int
    }

    static func failure(_ what: String, _ path: String, _ code: Int32 = errno) -> PostgresError {
        PostgresError(.embedded, "\(what) \(path): \(String(cString: strerror(code)))")
    }

    /// What stands at `path`, not following a link that stands there; `nil` when there is nothing to be seen.
    static func status(_ path: String, followingLinks: Bool = false) -> Status? {
        var found = stat()
        guard (followingLinks ? stat(path, &found) : lstat(path, &found)) == 0 else { return nil }
        return Status(
            isDirectory: found.st_mode & S_IFMT == S_IFDIR, isLink: found.st_mode & S_IFMT == S_IFLNK,
            owner: found.st_uid, group: found.st_gid, mode: found.st_mode & 0o7777, size: Int(found.st_size))
    }

    static func exists(_ path: String) -> Bool {
        status(path, followingLinks: true) != nil
    }

    /// Makes a directory and the missing ones above it.
    static func makeDirectories(_ path: String, mode: mode_t) throws {
        if mkdir(path, mode) == 0 { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectories(String(path[..<slash]), mode: mode)
            if mkdir(path, mode) == 0 { return }
        }
        guard status(path, followingLinks: true)?.isDirectory == true else {
            throw failure("can not make the directory", path)
        }
    }

    static func realPath(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else { throw failure("can not find", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The text of a small file; `nil` when it can not be read.
    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { Glibc.close(file) }
        return read(file)
    }

    /// All of an open file from its start, or its last `limit` bytes.
    static func read(_ file: Int32, last limit: Int? = nil) -> String {
        var place: off_t = 0
        if let limit {
            place = max(0, lseek(file, 0, SEEK_END) - off_t(limit))
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = pread(file, &chunk, chunk.count, place)
            guard count > 0 else { break }
            bytes += chunk[..<count]
            place += off_t(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a small file whole: under another name, then renamed.
    static func write(_ text: String, to path: String) throws {
        let new = path + ".new"
        let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("can not write", new) }
        defer { Glibc.close(file) }
        var text = text
        let count = text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) }
        guard count == text.utf8.count, rename(new, path) == 0 else { throw failure("can not write", path) }
    }

    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = Glibc.readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file, or a directory and all in it. Links are removed, never followed.
    static func remove(_ path: String) {
        if status(path)?.isDirectory == true {
            for name in names(in: path) { remove(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
