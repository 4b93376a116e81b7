import Synchronization

/// The bounds of what one credential may ask of the server.
package struct RequestLimits: Sendable {
    /// Requests at once for one credential.
    package var concurrent = 64
    /// Requests a second for one credential, and how many may come at once after a pause.
    package var rate = 1_000
    package var burst = 2_000
    /// Unit: bytes.
    package var body = 1 << 20
    package var url = 8 << 10
    /// Reading a request's body and answering it. Unit: seconds.
    package var timeout = 30
    /// From a request's first line to its last byte. Unit: seconds.
    package var receive = 35
    /// A connection without a request. Unit: seconds.
    package var idle = 60
    /// Longest range of a query. Unit: days.
    package var span = 400
    /// Entries of a page.
    package var page = 1_000

    package init() {}
}

/// Counts each credential's requests: a token bucket and a number under way.
final class RequestMeter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: ContinuousClock.Instant
        var underWay = 0
    }

    /// Credentials remembered; idle ones are forgotten above it.
    private static let remembered = 10_000

    private let limits: RequestLimits
    private let buckets = Mutex<[String: Bucket]>([:])

    init(_ limits: RequestLimits) {
        self.limits = limits
    }

    /// - Throws: ``Problem`` 429 with the seconds after which to come again.
    func begin(_ credential: String, now: ContinuousClock.Instant = .now) throws {
        let refusal: Problem? = buckets.withLock { buckets in
            var bucket = buckets[credential] ?? Bucket(tokens: Double(limits.burst), filledAt: now)
            let elapsed = bucket.filledAt.duration(to: now) / .seconds(1)
            bucket.tokens = min(Double(limits.burst), bucket.tokens + elapsed * Double(limits.rate))
            bucket.filledAt = now
            defer { buckets[credential] = bucket }
            guard bucket.underWay < limits.concurrent else {
                return .tooMany("\(limits.concurrent) requests of this credential are under way", retryAfter: 1)
            }
            guard bucket.tokens >= 1 else {
                return .tooMany("more than \(limits.rate) requests a second with this credential", retryAfter: 1)
            }
            bucket.tokens -= 1
            bucket.underWay += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    func end(_ credential: String) {
        buckets.withLock { buckets in
            buckets[credential]?.underWay -= 1
            if buckets.count > Self.remembered { buckets = buckets.filter { $0.value.underWay > 0 } }
        }
    }
}
