import Metering
import TestSupport
import Testing

@testable import UsageStore

/// A fleet whose quarter hours are all alike: in the first a step is killed before its first statement, in the second
/// before its second, and so on until it comes to its end.
struct SteadyLife {
    enum Step: CaseIterable {
        /// Readings of the quarter hour that goes on.
        case commit
        /// What another worker had read in the quarter hour before, which has been derived.
        case lateCommit
        case job
        case packing
        /// A revision of a tape that was packed.
        case commitOfPacked
        case jobAfterPacking
    }

    private(set) var deaths = 0
    private let store: UsageStore
    /// The streams as workers hold them, and as they would be if nothing of them had been committed yet.
    private var streams: [Stream] = []
    private var whole: [Stream] = []
    private var start = Timestamp.at(1, 0)
    private let instances = 2

    init(_ store: UsageStore) {
        self.store = store
        for instance in 0..<instances { open(instance) }
    }

    /// Lives a quarter hour.
    ///
    /// - Returns: whether the step died.
    mutating func quarterHour(killing victim: Step, _ proxy: StatementProxy) async throws -> Bool {
        let deathsBefore = deaths
        let before = start.plus(seconds: -900)
        for instance in 0..<instances {
            flush(instance, instance, at: start.plus(seconds: 60))
            flush(instance, instance, at: start.plus(seconds: 420))
        }
        try await commit(Array(0..<instances), .commit, victim, proxy)
        try await run(.job, nil, proxy) { _ = try await $0.aggregate() }
        // A stream is decided after its first whole flush, so it needs two.
        let late = open(0)
        flush(late, 0, at: before.plus(seconds: 800))
        flush(late, 0, at: before.plus(seconds: 840))
        try await commit([late], .lateCommit, victim, proxy)
        try await run(.job, victim, proxy) { _ = try await $0.aggregate() }
        try await run(.packing, victim, proxy) { [start] in _ = try await $0.packTapes(before: start) }
        flush(late, 0, at: before.plus(seconds: 870))
        try await commit([late], .commitOfPacked, victim, proxy)
        try await run(.jobAfterPacking, victim, proxy) { _ = try await $0.aggregate() }
        start = start.plus(seconds: 900)
        return deaths > deathsBefore
    }

    /// All of it committed at once and derived at once.
    func cleanRun(_ clean: UsageStore) async throws {
        var whole = whole
        for index in whole.indices { whole[index].end() }
        try await clean.commit(&whole)
        #expect(try await clean.aggregate().failures == [])
    }

    private mutating func commit(
        _ chosen: [Int], _ step: Step, _ victim: Step, _ proxy: StatementProxy
    ) async throws {
        let snapshots = chosen.map { streams[$0].snapshot }
        let stored = try await run(step, victim, proxy) { try await $0.commit(snapshots) }
        for index in chosen {
            if let stored = stored[streams[index].tape.stream] { streams[index].hasStored(stored) }
        }
    }

    /// Makes a step, which dies first where it is the victim.
    @discardableResult
    private mutating func run<Result>(
        _ step: Step, _ victim: Step?, _ proxy: StatementProxy, _ body: (UsageStore) async throws -> Result
    ) async throws -> Result {
        if step == victim {
            let hasDied = try await proxy.killing(at: deaths + 1) {
                _ = try await withProcess(proxy.configuration, body)
            }
            if hasDied {
                deaths += 1
                try await checkWhatStands("\(step), dead before statement \(deaths)")
            }
        }
        return try await body(store)
    }

    /// What the next run of the job makes of it is what all tapes that are there give.
    private func checkWhatStands(_ death: String) async throws {
        #expect(try await store.aggregate().failures == [], "\(death)")
        let records = try await store.records()
        try await store.aggregate(from: start.plus(seconds: -2700), to: start.plus(seconds: 900))
        let anew = try await store.records()
        #expect(records.filter { !anew.contains($0) } == [], "\(death): not what the tapes give")
        #expect(anew.filter { !records.contains($0) } == [], "\(death): missing")
    }

    /// A worker begins to read an instance.
    @discardableResult
    private mutating func open(_ instance: Int) -> Int {
        let stream = Stream(
            Int64(streams.count) + 1, instance: "envoy-\(instance)", bootID: "boot-\(instance)")
        streams.append(stream)
        whole.append(stream)
        return streams.count - 1
    }

    /// Each flush shows what the instance has counted by then.
    private mutating func flush(_ stream: Int, _ instance: Int, at time: Timestamp) {
        let since = time.microseconds(since: .at(0, 30)) / 1_000_000
        let counters = [Stream.requests: since * (3 + Int64(instance)), "cluster.web.upstream_rq_total": since]
        let gauges = ["http.tenant_acme.downstream_cx_active": since / 30 % 17]
        streams[stream].flush(at: time, counters, gauges: gauges, started: .at(0, 30))
        whole[stream].flush(at: time, counters, gauges: gauges, started: .at(0, 30))
    }
}
