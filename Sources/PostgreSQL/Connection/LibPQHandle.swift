internal import CLibPQ
internal import Logging
internal import Synchronization

/// Owns a `PGconn`. It is finished when the last holder lets go: the connection, or the cancel handler of a dispatch
/// source that still watches its socket.
///
/// `@unchecked Sendable`: only the connection's queue touches the pointer while there is a connection; `deinit` is alone.
final class LibPQHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    let notices: Notices

    init?(parameters: [String: String], logger: Logger) {
        notices = Notices(logger: logger)
        let pairs = parameters.sorted { $0.key < $1.key }
        let keywords = CStrings(pairs.map(\.key))
        let values = CStrings(pairs.map(\.value))
        guard let pointer = PQconnectStartParams(keywords.pointers, values.pointers, 0) else { return nil }
        self.pointer = pointer
        PQsetNoticeProcessor(
            pointer,
            { context, text in
                guard let context, let text else { return }
                Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue().add(String(cString: text).trimmed)
            }, Unmanaged.passUnretained(notices).toOpaque())
    }

    deinit {
        PQfinish(pointer)
    }

    var errorMessage: String {
        String(cString: PQerrorMessage(pointer)).trimmed
    }

    /// The server's notices, and the last of them: it is often why the server then closed the connection.
    final class Notices: Sendable {
        private let logger: Logger
        private let latest = Mutex<String?>(nil)

        init(logger: Logger) {
            self.logger = logger
        }

        var last: String? { latest.withLock { $0 } }

        func add(_ text: String) {
            latest.withLock { $0 = text }
            logger.debug("\(text)")
        }
    }
}

/// A NULL-terminated array of C strings.
final class CStrings {
    private let storage: UnsafeMutablePointer<UnsafePointer<CChar>?>

    init(_ strings: [String]) {
        storage = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            let bytes = string.utf8CString
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            for (place, byte) in bytes.enumerated() { copy[place] = byte }
            storage[index] = UnsafePointer(copy)
        }
        storage[strings.count] = nil
    }

    var pointers: UnsafePointer<UnsafePointer<CChar>?> { UnsafePointer(storage) }

    deinit {
        var index = 0
        while let string = storage[index] {
            string.deallocate()
            index += 1
        }
        storage.deallocate()
    }
}

extension CStrings {
    /// For calls that do not change what they declare as mutable.
    var mutablePointers: UnsafePointer<UnsafeMutablePointer<CChar>?> {
        UnsafeRawPointer(pointers).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
    }
}
