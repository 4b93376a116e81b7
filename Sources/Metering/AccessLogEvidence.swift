/// Requests that access logs show, per connection manager, route and cluster: evidence beside the counters, never the bill.
///
/// Adding is idempotent by the stream's id: an entry that comes twice, by any log, counts once.
package struct AccessLogEvidence: Hashable, Sendable {
    /// What is counted apart.
    package struct Key: Hashable, Comparable, Sendable {
        /// The connection manager's `stat_prefix`, or the log's name where it stands for it.
        package var prefix: String
        /// The route, else the upstream cluster; empty for a request of no route.
        package var route: String
        /// The cluster that counts the request as completed; empty for one that none counts.
        package var cluster: String

        package init(prefix: String, route: String, cluster: String = "") {
            self.prefix = prefix
            self.route = route
            self.cluster = cluster
        }

        package static func < (left: Key, right: Key) -> Bool {
            (left.prefix, left.route, left.cluster) < (right.prefix, right.route, right.cluster)
        }
    }

    /// Unit: requests; connections where a log is one of TCP.
    package struct Counts: Hashable, Sendable {
        /// Answered by Envoy: what `downstream_rq_completed` counts.
        package var answered: Int64 = 0
        /// Of them, by the first digit of the answer's code: index 1 to 5.
        package var byClass: [Int64] = Array(repeating: 0, count: 6)
        /// The client went before an answer.
        package var unanswered: Int64 = 0
        /// First parts of internally redirected requests, which are answered by their second part.
        package var internalRedirects: Int64 = 0
        package var connections: Int64 = 0
        /// When the first and the last of them were counted.
        package var first: Timestamp
        package var last: Timestamp

        package init(first: Timestamp, last: Timestamp) {
            self.first = first
            self.last = last
        }
    }

    /// What became of a request.
    package enum Outcome: Hashable, Sendable {
        case answered(code: Int)
        case unanswered
        case internalRedirect
        case connection
    }

    /// Ids that are remembered; the older half is forgotten when there are twice as many.
    private let remembered: Int
    private var recent: Set<StreamKey> = []
    private var older: Set<StreamKey> = []
    package private(set) var counts: [Key: Counts] = [:]
    /// Entries that were there before.
    package private(set) var duplicates: Int64 = 0
    /// Entries without an id: one that came twice is counted twice.
    package private(set) var unidentified: Int64 = 0

    /// 128 bits of a stream's id.
    package struct StreamKey: Hashable, Sendable {
        package var high: UInt64
        package var low: UInt64

        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    /// - Parameter remembered: how many ids are kept at least to tell duplicates; each takes about 40 bytes.
    package init(remembered: Int = 1_000_000) {
        self.remembered = remembered
    }

    /// Counts an entry, unless its stream was counted before. Returns whether it was counted.
    @discardableResult
    package mutating func add(_ key: Key, _ outcome: Outcome, stream: StreamKey?, countedAt: Timestamp) -> Bool {
        if let stream {
            guard !older.contains(stream), recent.insert(stream).inserted else {
                duplicates += 1
                return false
            }
            if recent.count >= remembered {
                older = recent
                recent = []
            }
        } else {
            unidentified += 1
        }
        var counts = self.counts[key] ?? Counts(first: countedAt, last: countedAt)
        switch outcome {
        case .answered(let code):
            counts.answered += 1
            if 100..<600 ~= code { counts.byClass[code / 100] += 1 }
        case .unanswered: counts.unanswered += 1
        case .internalRedirect: counts.internalRedirects += 1
        case .connection: counts.connections += 1
        }
        counts.first = min(counts.first, countedAt)
        counts.last = max(counts.last, countedAt)
        self.counts[key] = counts
        return true
    }

    /// Takes the counts so far; ids stay remembered.
    package mutating func takeCounts() -> [Key: Counts] {
        defer { counts = [:] }
        return counts
    }
}
