import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// The lost update that the lock on a unit prevents: a job reads 100, a commit follows, another job writes 150, the
/// first writes 100, the queue is empty and the record wrong for ever.
@Suite struct LostUpdateTests {
    /// Tables in the order in which a job comes to them: it is stopped before its first statement with one of them.
    static let tables = [
        "retention_floor", "meter_version", "gateway", "counter_set", "epoch_baseline", "counter", "stream_remark",
        "tenant", "service", "consumption", "carried_over", "rollup_zone", "consumption_rollup", "unattributed", "gap",
    ]

    @Test(arguments: tables)
    func `A commit and a second job in the middle of a job lose nothing`(table: String) async throws {
        try await withStore(connections: 5) { store in
            var stream = try await oneHundred(store)
            let gate = try await PostgresConnection.connect(store.pool.configuration, logger: store.logger)
            _ = try await gate.executeOnce("BEGIN")
            _ = try await gate.executeOnce("LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE")
            async let first = store.aggregate()
            try await waiting(1, store)
            try await fiftyMore(&stream, store)
            async let second = store.aggregate()
            try await waiting(2, store)
            await gate.close()
            let failures = try await first.failures + second.failures
            #expect(failures == [])
            #expect(try await store.requests() == 150)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
            // Each roll-up took the difference once.
            let rollUps = try await store.names(
                "SELECT DISTINCT concat(requests, ' ', records) FROM consumption_rollup")
            #expect(rollUps == ["150 1"])
        }
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

    /// Waits until as many sessions of this database wait for a lock.
    private func waiting(_ sessions: Int64, _ store: UsageStore) async throws {
        for _ in 0..<1500 {
            let waiting = try await store.number(
                """
                SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                WHERE datname = current_database() AND NOT granted
                """)
            if waiting == sessions { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("\(sessions) sessions never waited at one time")
    }
}
