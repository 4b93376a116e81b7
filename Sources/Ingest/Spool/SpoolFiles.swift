internal import Glibc

/// The directory of a spool: passed in, so that tests can let every call fail or stop half way.
package protocol SpoolFiles: Sendable {
    /// The names of the files in it.
    func names() throws(SpoolError) -> [String]
    func read(_ name: String) throws(SpoolError) -> [UInt8]
    /// Makes a file that does not exist yet, to append to.
    func make(_ name: String) throws(SpoolError) -> any SpoolFile
    func remove(_ name: String) throws(SpoolError)
    /// Brings made and removed names to the disk.
    func sync() throws(SpoolError)
}

package protocol SpoolFile: Sendable {
    /// Appends all of the bytes, or throws: then any part of them may stand there.
    func append(_ bytes: [UInt8]) throws(SpoolError)
    /// Brings what was appended to the disk (fdatasync).
    func sync() throws(SpoolError)
    func close()
}

/// The directory on the disk. Holds a lock on it as long as it lives: two workers that shared a spool would count under
/// one epoch.
package final class DiskSpoolFiles: SpoolFiles {
    private let directory: String
    private let descriptor: Int32
    private let lock: Int32

    /// Makes the directory where it does not exist.
    ///
    /// - Throws: `SpoolError.inUse` where another worker holds it.
    package init(_ directory: String) throws(SpoolError) {
        self.directory = directory
        try Self.makeDirectories(directory)
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("the spool can not be opened", directory) }
        lock = open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            let error = Self.failure("the spool's lock can not be made", directory + "/lock")
            Glibc.close(descriptor)
            throw error
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(lock)
            Glibc.close(descriptor)
            throw SpoolError(
                .inUse,
                "the spool \(directory) is another worker's; give each worker a directory of its own (--spool-dir)")
        }
    }

    deinit {
        Glibc.close(lock)
        Glibc.close(descriptor)
    }

    package func names() throws(SpoolError) -> [String] {
        guard let stream = opendir(directory) else { throw Self.failure("the spool can not be listed", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package func read(_ name: String) throws(SpoolError) -> [UInt8] {
        let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Self.failure("a spool segment can not be read", directory + "/" + name) }
        defer { Glibc.close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("a spool segment can not be read", directory + "/" + name) }
            if count == 0 { return bytes }
            bytes += chunk[0..<count]
        }
    }

    package func make(_ name: String) throws(SpoolError) -> any SpoolFile {
        let file = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("a spool segment can not be made", directory + "/" + name) }
        return DiskSpoolFile(path: directory + "/" + name, descriptor: file)
    }

    package func remove(_ name: String) throws(SpoolError) {
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            throw Self.failure("a spool segment can not be removed", directory + "/" + name)
        }
    }

    package func sync() throws(SpoolError) {
        guard fsync(descriptor) == 0 else { throw Self.failure("fsync failed on the spool", directory, .syncFailed) }
    }

    private static func makeDirectories(_ path: String) throws(SpoolError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectories(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        }
        throw failure("the spool's directory can not be made", path)
    }

    static func failure(_ what: String, _ path: String, _ code: SpoolError.Code? = nil) -> SpoolError {
        let number = errno
        let isFull = number == ENOSPC || number == EDQUOT
        return SpoolError(code ?? (isFull ? .full : .failed), "\(what), \(path): \(String(cString: strerror(number)))")
    }
}

private final class DiskSpoolFile: SpoolFile {
    private let path: String
    private let descriptor: Int32

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    func append(_ bytes: [UInt8]) throws(SpoolError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw DiskSpoolFiles.failure("the spool can not be written", path) }
            written += count
        }
    }

    func sync() throws(SpoolError) {
        guard fdatasync(descriptor) == 0 else {
            throw DiskSpoolFiles.failure("fdatasync failed on the spool", path, .syncFailed)
        }
    }

    func close() { Glibc.close(descriptor) }
}
