import Metering
import PostgreSQL
import TestSupport
import Testing

@testable import UsageStore

/// What flushes when, fixed before anything is committed.
struct FleetScript {
    struct Event {
        var stream: Int
        var time: Timestamp
        var counters: [String: Int64]
        var started: Timestamp

        func flush(to streams: inout [Stream]) {
            // A gauge that changes from sample to sample.
            let open = time.microseconds / 1_000_000 % 13
            streams[stream].flush(
                at: time, counters, gauges: ["http.tenant_acme.downstream_cx_active": open], started: started)
        }
    }

    private(set) var events: [Event] = []
    private let seed: UInt64
    private var random: SeededGenerator
    private var lives: [(instance: Int, boot: String, stream: Int64)] = []

    init(seed: UInt64) {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        for instance in 0..<3 {
            var time = Timestamp.at(11, 50).plus(seconds: random.pick(0...40))
            for life in 0..<random.pick(1...3) {
                let started = time
                var counters = [
                    "http.tenant_acme.downstream_rq_completed": Int64(0),
                    "http.tenant_globex.downstream_rq_completed": 0, "cluster.web.upstream_rq_total": 0,
                ]
                lives.append(
                    (instance, "boot-\(instance)-\(life)", random.pick(1...1_000_000) * 10 + Int64(lives.count)))
                var flushes = random.pick(5...25)
                while flushes > 0 {
                    flushes -= 1
                    time = time.plus(seconds: random.chance(5) ? random.pick(900...2400) : random.pick(20...200))
                    for name in counters.keys.sorted() { counters[name, default: 0] += random.pick(0...90) }
                    if random.chance(5) { counters["cluster.web.upstream_rq_total"] = 0 }
                    events.append(
                        Event(stream: lives.count - 1, time: time, counters: counters, started: started))
                    // The other worker takes over now and then.
                    if random.chance(8), flushes > 0 {
                        let last = lives[lives.count - 1]
                        lives.append((last.instance, last.boot, random.pick(1...1_000_000) * 10 + Int64(lives.count)))
                    }
                }
                time = time.plus(seconds: 30)
            }
        }
        events.sort { ($0.time, $0.stream) < ($1.time, $1.stream) }
    }

    func streams() -> [Stream] {
        lives.map { Stream($0.stream, instance: "envoy-\($0.instance)", bootID: $0.boot) }
    }

    /// The same flushes, with commits, runs and deaths at random.
    mutating func live(_ store: UsageStore, _ proxy: StatementProxy) async throws {
        var streams = streams()
        var snapshots: [StreamCommit] = []
        for event in events {
            event.flush(to: &streams)
            if random.chance(30) {
                let chosen = streams.indices.filter { _ in random.chance(50) }
                snapshots = Array((snapshots + chosen.map { streams[$0].snapshot }).suffix(30))
                try await commit(chosen, &streams, store, proxy)
            }
            if random.chance(10), let old = snapshots.randomElement(using: &random) {
                _ = try await store.commit([old])
            }
            if random.chance(12) { try await aggregate(store, proxy) }
            if random.chance(8) { try await checkWhatIsDerived(store) }
            if random.chance(12) {
                let instant = event.time.plus(seconds: -random.pick(0...2000))
                try await run(0...8, store, proxy) { try await $0.packTapes(before: instant) }
            }
        }
        for index in streams.indices.shuffled(using: &random) {
            streams[index].end()
            try await commit([index], &streams, store, proxy, mayStayAway: false)
            if random.chance(30) { try await aggregate(store, proxy) }
        }
        try await store.keepRollUps(ofTenant: "acme", zone: "Asia/Kathmandu")
        try await aggregate(store, proxy)
        let last = try await store.aggregate()
        guard last.failures.isEmpty else { throw UsageStoreError(.corrupt, last.failures.joined(separator: "; ")) }
    }

    /// Runs a process, which dies before a statement in two of five times.
    ///
    /// - Returns: whether it came to its end.
    @discardableResult
    private mutating func run(
        _ statements: ClosedRange<Int64>, _ store: UsageStore, _ proxy: StatementProxy,
        _ process: (UsageStore) async throws -> Void
    ) async throws -> Bool {
        guard random.chance(40) else {
            try await process(store)
            return true
        }
        return try await !proxy.killing(at: Int(random.pick(statements))) {
            try await withProcess(proxy.configuration, process)
        }
    }

    private mutating func commit(
        _ chosen: [Int], _ streams: inout [Stream], _ store: UsageStore, _ proxy: StatementProxy,
        mayStayAway: Bool = true
    ) async throws {
        let snapshots = chosen.map { streams[$0].snapshot }
        guard try await run(1...25, store, proxy, { _ = try await $0.commit(snapshots) }) else {
            // A worker that was killed knows nothing; one whose session was makes the commit again, or is away for a
            // while: nobody derives then what it had not committed.
            if mayStayAway, random.chance(50) {
                try await aggregate(store, proxy)
                try await checkWhatIsDerived(store)
                return
            }
            return try await commit(chosen, &streams, store)
        }
        try await commit(chosen, &streams, store)
    }

    /// Where the answer was lost the worker commits the same again later.
    private mutating func commit(_ chosen: [Int], _ streams: inout [Stream], _ store: UsageStore) async throws {
        var part = chosen.map { streams[$0] }
        try await store.commit(&part)
        for (place, index) in chosen.enumerated() where random.chance(80) { streams[index] = part[place] }
    }

    /// What does not wait in the queue is what the tapes give, at any time.
    private func checkWhatIsDerived(_ store: UsageStore) async throws {
        let report = try await store.checkConservation(from: .at(0, 0), to: .at(24, 0))
        #expect(report.differences == [], "seed \(seed)")
    }

    private mutating func aggregate(_ store: UsageStore, _ proxy: StatementProxy) async throws {
        try await run(1...120, store, proxy) { store in
            async let other = store.aggregate()
            _ = try await store.aggregate()
            _ = try await other
        }
    }
}
