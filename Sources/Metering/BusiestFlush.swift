/// How many requests the busiest flush of a stream brought: what bounds a stretch that nobody observed.
///
/// Requests are counted by several counters at once (connection managers, virtual hosts, clusters; attempts and answers).
/// Each kind is added up for itself, and the largest sum counts, for the stream does not know which of them is billed.
struct BusiestFlush: Sendable {
    private static let scopes = ["http.", "vhost.", "cluster."]
    private static let suffixes = [".downstream_rq_completed", ".downstream_rq_total", ".upstream_rq_completed"]
    static let kinds = scopes.count * suffixes.count

    /// By slot: the kind of its name, -1 where it counts no requests.
    private var kindOfSlot: [Int] = []
    private var last: [Int64] = []
    private var sums = [Int64](repeating: 0, count: kinds)
    /// What the first flush brought had grown over an unknown time.
    private var isFirst = true

    mutating func watch(_ name: String) {
        last.append(0)
        kindOfSlot.append(Self.kind(of: name))
    }

    /// The kind of a counter's name; -1 where it counts no requests.
    static func kind(of name: String) -> Int {
        guard let scope = scopes.firstIndex(where: name.hasPrefix),
            let suffix = suffixes.firstIndex(where: name.hasSuffix)
        else { return -1 }
        return scope * suffixes.count + suffix
    }

    mutating func count(_ value: Int64, slot: Int) {
        let kind = kindOfSlot[slot]
        guard kind >= 0 else { return }
        // After a reset a counter begins anew at 0.
        let step = value < last[slot] ? value : value - last[slot]
        last[slot] = value
        sums[kind] = sums[kind].addingClamped(step)
    }

    /// The requests of the flush that ends; 0 for the first one.
    mutating func endFlush() -> Int64 {
        let requests = isFirst ? 0 : sums.reduce(0) { max($0, $1) }
        isFirst = false
        for kind in sums.indices { sums[kind] = 0 }
        return requests
    }
}
