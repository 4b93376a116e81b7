import Synchronization

/// Counts of requests for `/metrics`.
package final class RequestStatistics: Sendable {
    struct Key: Hashable, Comparable {
        let method: String
        let path: String
        let status: Int

        static func < (one: Key, other: Key) -> Bool {
            (one.path, one.method, one.status) < (other.path, other.method, other.status)
        }
    }

    struct Count {
        var requests: Int64 = 0
        /// Unit: microseconds.
        var duration: Int64 = 0
    }

    private let counts = Mutex<[Key: Count]>([:])

    package init() {}

    func count(method: String, path: String, status: Int, duration: Duration) {
        let microseconds = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
        counts.withLock { counts in
            counts[Key(method: method, path: path, status: status), default: Count()].requests += 1
            counts[Key(method: method, path: path, status: status), default: Count()].duration += microseconds
        }
    }

    var all: [(key: Key, count: Count)] {
        counts.withLock { $0.sorted { $0.key < $1.key } }.map { (key: $0.key, count: $0.value) }
    }
}
