import Metering

@testable import UsageStore

/// Envoys over an hour: processes that start, count, are reset, restarted and killed; their flushes reach one of two
/// workers, which commit at random instants. A ledger in memory is told the same.
struct SimulatedFleet {
    private struct Process {
        var instance: Int
        var started: Timestamp
        var bootID: String?
        var counters: [String: Int64]
        var stream: Int?
        /// A listener is away until then.
        var isPartlyAwayUntil: Timestamp?
    }

    static let instances = 3

    private(set) var streams: [Stream] = []
    private var processes: [Process] = []
    private var random: SeededGenerator
    private var now = Timestamp.at(11, 50)
    private let hasBootIDs: Bool
    private var boots = 0

    init(seed: UInt64, hasBootIDs: Bool) {
        random = SeededGenerator(seed: seed)
        self.hasBootIDs = hasBootIDs
        for instance in 0..<Self.instances { processes.append(start(instance)) }
    }

    /// Lets the fleet live, commits to both the store and the ledger, and aggregates now and then.
    mutating func live(_ store: UsageStore, _ ledger: inout MemoryLedger) async throws {
        var snapshots: [StreamCommit] = []
        for _ in 0..<random.pick(40...90) {
            now = now.plus(seconds: random.pick(5...120))
            for index in processes.indices where random.chance(85) { step(index) }
            if random.chance(60) { try await commit(store, &ledger, &snapshots) }
            if random.chance(20), let old = snapshots.randomElement(using: &random) {
                _ = try await store.commit([old])
            }
            if random.chance(10) { try await store.aggregate() }
        }
        for index in streams.indices.shuffled(using: &random) {
            streams[index].end()
            try await commit([index], store, &ledger, &snapshots)
        }
    }

    private mutating func commit(
        _ store: UsageStore, _ ledger: inout MemoryLedger, _ snapshots: inout [StreamCommit]
    ) async throws {
        let chosen = streams.indices.filter { _ in random.chance(40) }
        try await commit(chosen, store, &ledger, &snapshots)
    }

    private mutating func commit(
        _ chosen: [Int], _ store: UsageStore, _ ledger: inout MemoryLedger, _ snapshots: inout [StreamCommit]
    ) async throws {
        let commits = chosen.map { streams[$0].snapshot }
        snapshots = Array((snapshots + commits).suffix(40))
        // The ledger takes known streams first, then the others in the order of their first flush, as the store does.
        let order = commits.indices.sorted { left, right in
            func key(_ commit: StreamCommit) -> (Int, Timestamp, StreamID) {
                (commit.stored.epoch == nil ? 1 : 0, commit.tape.firstSign?.receivedAt ?? .earliest, commit.tape.stream)
            }
            return key(commits[left]) < key(commits[right])
        }
        for index in order where commits[index].tape.latestRevision > commits[index].stored.revision {
            var tape = commits[index].tape
            for segment in ledger.stage(&tape, of: commits[index].identity) {
                ledger.merge(segment, of: commits[index].identity)
            }
        }
        let stored = try await store.commit(commits)
        // Some answers are lost: the worker commits the same again later.
        for index in chosen where random.chance(80) {
            if let stored = stored[streams[index].tape.stream] { streams[index].hasStored(stored) }
        }
    }

    private mutating func start(_ instance: Int) -> Process {
        boots += 1
        return Process(
            instance: instance, started: now, bootID: hasBootIDs ? "boot-\(boots)" : nil,
            counters: [
                "http.tenant_acme.downstream_rq_completed": 0, "http.tenant_globex.downstream_rq_completed": 0,
                "cluster.web.upstream_rq_total": 0,
            ])
    }

    private mutating func step(_ index: Int) {
        if random.chance(4) {
            // Killed, and started anew.
            now = now.plus(seconds: random.pick(2...20))
            if let stream = processes[index].stream { streams[stream].end() }
            processes[index] = start(processes[index].instance)
            now = now.plus(seconds: 2)
        }
        for name in processes[index].counters.keys.sorted() where random.chance(70) {
            processes[index].counters[name, default: 0] += random.pick(0...50)
        }
        // A cluster's counters are reset by each of its updates.
        if random.chance(5) { processes[index].counters["cluster.web.upstream_rq_total"] = 0 }
        if processes[index].stream == nil || random.chance(10) { open(index) }
        guard let stream = processes[index].stream else { return }
        now = now.advanced(byMicroseconds: random.pick(1...1_000_000))
        var seen = processes[index].counters
        if random.chance(5) { processes[index].isPartlyAwayUntil = now.plus(seconds: random.pick(10...4000)) }
        if let until = processes[index].isPartlyAwayUntil, now < until {
            seen["http.tenant_globex.downstream_rq_completed"] = nil
        }
        streams[stream].flush(at: now, seen, started: processes[index].started)
    }

    /// Goes over to a stream of the other worker, or to a new one of the same.
    private mutating func open(_ index: Int) {
        if let old = processes[index].stream { streams[old].end() }
        let number = random.pick(1...1_000_000_000) * 1000 + Int64(streams.count)
        streams.append(
            Stream(number, instance: "envoy-\(processes[index].instance)", bootID: processes[index].bootID))
        processes[index].stream = streams.count - 1
    }
}
