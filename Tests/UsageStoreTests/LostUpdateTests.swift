import Metering
import PostgreSQL
import Synchronization
import TestSupport
import Testing

@testable import UsageStore

/// The lost update that the lock on a unit prevents: a job reads 100, a commit follows, another job writes 150, the
/// first writes 100, the queue is empty and the record wrong for ever.
@Suite struct LostUpdateTests {
    @Test func `Commits and a second job at any statement of a job lose nothing`() async throws {
        try await withStore(connections: 8) { store in
            try await store.putShippedMetersInForce()
            try await StatementProxy.run(before: store.pool.configuration) { proxy in
                var place = 1
                while try await hold(at: place, proxy, store) { place += 1 }
                #expect(place > 30)
                #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
                let report = try await store.checkConservation(from: .at(0, 0), to: .at(0, 0).plus(seconds: 1_000_000))
                #expect(report.differences == [])
            }
        }
    }

    /// Stops a job before a statement, while its unit and a quarter hour before that change and a second job takes both.
    ///
    /// - Returns: whether the job came so far.
    private func hold(at place: Int, _ proxy: StatementProxy, _ store: UsageStore) async throws -> Bool {
        let tenant = "at-\(place)"
        let counter = "http.tenant_\(tenant).downstream_rq_completed"
        let before = Timestamp.at(0, 0).plus(seconds: Int64(place) * 1800)
        let unit = before.plus(seconds: 900)
        // The names are there: else the second job waits for the first one's, and not for its roll-ups.
        try await store.pool.execute("INSERT INTO tenant (name) VALUES ($1)", [tenant])
        try await store.pool.execute(
            "INSERT INTO service (tenant_id, name) SELECT tenant_id, 'gateway' FROM tenant WHERE name = $1", [tenant])
        var stream = Stream(Int64(place) * 2, instance: "envoy-1 \(tenant)")
        stream.flush(at: unit.plus(seconds: 30), [counter: 60], started: unit)
        stream.flush(at: unit.plus(seconds: 60), [counter: 100], started: unit)
        try await store.commit(&stream)
        var second: Task<AggregationRun, any Error>?
        let (first, isHeld) = try await proxy.holding(at: place) {
            try await withProcess(proxy.configuration) { try await $0.aggregate() }
        } while: {
            stream.flush(at: unit.plus(seconds: 120), [counter: 150], started: unit)
            stream.end()
            try await store.commit(&stream)
            var other = Stream(Int64(place) * 2 + 1, instance: "envoy-2 \(tenant)")
            other.flush(at: before.plus(seconds: 60), [counter: 7], started: before)
            other.end()
            try await store.commit(&other)
            second = try await store.aggregateUntilItWaits()
        }
        let failures = try await first.failures + (second?.value.failures ?? [])
        #expect(failures == [], "statement \(place)")
        guard isHeld else { return false }
        // Each roll-up took each difference once.
        let rollUps = try await store.names(
            """
            SELECT concat_ws(' ', grain, requests, records) FROM consumption_rollup JOIN tenant USING (tenant_id)
            WHERE name = $1 ORDER BY 1
            """, [tenant])
        #expect(rollUps == ["day 157 2", "hour 157 2", "month 157 2"], "statement \(place)")
        return true
    }

    @Test func `Without the lock the same course of events loses the commit for ever`() async throws {
        try await withStore(connections: 5) { store in
            var stream = try await oneHundred(store)
            try await withoutLock(store) {
                try await fiftyMore(&stream, store)
                try await withoutLock(store) {}
                #expect(try await store.usage(of: "acme").requests == 150)
            }
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
            #expect(try await store.requests() == 100)
        }
    }

    private func oneHundred(_ store: UsageStore) async throws -> Stream {
        try await store.putShippedMetersInForce()
        var stream = Stream(1)
        stream.flush(at: .at(12, 1), requests: 100, started: .at(12, 0))
        stream.flush(at: .at(12, 2), requests: 100, started: .at(12, 0))
        try await store.commit(&stream)
        return stream
    }

    private func fiftyMore(_ stream: inout Stream, _ store: UsageStore) async throws {
        stream.flush(at: .at(12, 3), requests: 150, started: .at(12, 0))
        stream.end()
        try await store.commit(&stream)
    }

    /// The job's steps for the one unit of this suite, without its lock, with something else between reading and
    /// writing.
    private func withoutLock(_ store: UsageStore, between: () async throws -> Void) async throws {
        let gateway = try await store.number("SELECT gateway_id FROM gateway")
        let unit = AggregationUnit(gateway: gateway, quarterHour: QuarterHour(containing: .at(12, 0)))
        let meters = try await store.meterVersions().inForce(at: unit.quarterHour)
        try await store.pool.transaction { connection in
            let changes = try await connection.execute("SELECT tape_change_id FROM tape_change")
            let reader = TapeReader(connection: connection)
            let tapes = try await reader.read(unit, try await reader.parts(of: unit)[0])
            try await between()
            let attributions = meters?.attributions(of: tapes.names, gateway: "edge") ?? [:]
            let derived = try DerivedConsumption(unit: unit, tapes: tapes, attributions: attributions)
            try await ConsumptionWriter(connection: connection).replace(unit, with: derived)
            let taken = try changes.map { try $0.decode(0, as: Int64.self) }
            _ = try await connection.execute(
                "DELETE FROM tape_change WHERE tape_change_id = ANY($1::bigint[])", [taken])
        }
    }
}

extension UsageStore {
    /// Begins a run of the job, and returns when it waits for somebody, or has ended.
    fileprivate func aggregateUntilItWaits() async throws -> Task<AggregationRun, any Error> {
        let hasEnded = Mutex(false)
        let run = Task {
            defer { hasEnded.withLock { $0 = true } }
            return try await aggregate()
        }
        for _ in 0..<1500 where !hasEnded.withLock({ $0 }) {
            let waiting = try await number(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'
                """)
            if waiting > 0 { return run }
            try await Task.sleep(for: .milliseconds(5))
        }
        if !hasEnded.withLock({ $0 }) { Issue.record("the second job neither ended nor waited") }
        return run
    }
}
