import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Any split, order and repetition of commits and runs of the job, with workers and jobs killed between statements,
/// gives the records of one clean run (invariant 1).
@Suite struct KilledRunsTests {
    /// Where sessions are killed: after a statement that wrote into the table.
    static let places = [
        "epoch", "tape", "tape_change", "tenant", "service", "consumption", "consumption_rollup",
        "carried_over",
        "unattributed", "gap", "packed_tape",
    ]

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `Whatever is killed, split, repeated and reordered, the records are those of a clean run`(
        seed: UInt64
    ) async throws {
        var script = FleetScript(seed: seed)
        try await withStore(meteringSince: .at(11, 0)) { clean in
            try await clean.putShippedMetersInForce()
            var streams = script.streams()
            for event in script.events {
                streams[event.stream].flush(at: event.time, event.counters, started: event.started)
            }
            for index in streams.indices { streams[index].end() }
            try await clean.commit(&streams)
            #expect(try await clean.aggregate().failures == [])
            try await clean.keepRollUps(ofTenant: "acme", zone: "Asia/Kathmandu")
            let expected = try await clean.records()
            #expect(expected.count > 20)

            try await withStore(meteringSince: .at(11, 0)) { store in
                try await store.putShippedMetersInForce()
                try await KillSwitch.install(store, Self.places)
                try await script.live(store)
                let records = try await store.records()
                #expect(records.filter { !expected.contains($0) } == [], "seed \(seed): not of the clean run")
                #expect(expected.filter { !records.contains($0) } == [], "seed \(seed): of the clean run alone")
                #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
            }
        }
    }
}

/// What flushes when, fixed before anything is committed.
private struct FleetScript {
    struct Event {
        var stream: Int
        var time: Timestamp
        var counters: [String: Int64]
        var started: Timestamp
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
    mutating func live(_ store: UsageStore) async throws {
        var streams = streams()
        var snapshots: [StreamCommit] = []
        for event in events {
            streams[event.stream].flush(at: event.time, event.counters, started: event.started)
            if random.chance(30) {
                let chosen = streams.indices.filter { _ in random.chance(50) }
                snapshots = Array((snapshots + chosen.map { streams[$0].snapshot }).suffix(30))
                try await commit(chosen, &streams, store)
            }
            if random.chance(10), let old = snapshots.randomElement(using: &random) {
                _ = try await store.commit([old])
            }
            if random.chance(12) { try await aggregate(store) }
            if random.chance(8) { try await checkWhatIsDerived(store) }
            if random.chance(12) {
                try await pack(before: event.time.plus(seconds: -random.pick(0...2000)), store)
            }
        }
        for index in streams.indices.shuffled(using: &random) {
            streams[index].end()
            try await commit([index], &streams, store, mayStayAway: false)
            if random.chance(30) { try await aggregate(store) }
        }
        try await store.keepRollUps(ofTenant: "acme", zone: "Asia/Kathmandu")
        try await aggregate(store)
        let last = try await store.aggregate()
        guard last.failures.isEmpty else { throw UsageStoreError(.corrupt, last.failures.joined(separator: "; ")) }
    }

    private mutating func commit(
        _ chosen: [Int], _ streams: inout [Stream], _ store: UsageStore, mayStayAway: Bool = true
    ) async throws {
        if random.chance(25) { try await KillSwitch.arm(store, KilledRunsTests.places[Int(random.pick(0...2))]) }
        var part = chosen.map { streams[$0] }
        do {
            try await store.commit(&part)
        } catch let error as PostgresError where error.isOutage {
            // A worker that was killed knows nothing; one whose session was makes the commit again, or is away for a
            // while: nobody derives then what it had not committed.
            try await KillSwitch.disarm(store)
            if mayStayAway, random.chance(50) {
                try await aggregate(store)
                try await checkWhatIsDerived(store)
                return
            }
            try await store.commit(&part)
        }
        try await KillSwitch.disarm(store)
        for (place, index) in chosen.enumerated() where random.chance(80) { streams[index] = part[place] }
    }

    /// What does not wait in the queue is what the tapes give, at any time.
    private func checkWhatIsDerived(_ store: UsageStore) async throws {
        let report = try await store.checkConservation(from: .at(0, 0), to: .at(24, 0))
        #expect(report.differences == [], "seed \(seed)")
    }

    private mutating func pack(before instant: Timestamp, _ store: UsageStore) async throws {
        if random.chance(40) { try await KillSwitch.arm(store, random.chance(50) ? "tape" : "packed_tape") }
        do {
            try await store.packTapes(before: instant)
        } catch let error as PostgresError where error.isOutage {
            // What was not moved is where it was.
        }
        try await KillSwitch.disarm(store)
    }

    private mutating func aggregate(_ store: UsageStore) async throws {
        if random.chance(40) { try await KillSwitch.arm(store, KilledRunsTests.places[Int(random.pick(2...9))]) }
        do {
            async let other = store.aggregate()
            _ = try await store.aggregate()
            _ = try await other
        } catch let error as PostgresError where error.isOutage {
            // The next run takes what is left.
        }
        try await KillSwitch.disarm(store)
    }
}

/// Ends the session of whoever writes into a table, once the switch is armed for it.
private enum KillSwitch {
    static func install(_ store: UsageStore, _ tables: [String]) async throws {
        try await store.pool.withConnection { connection in
            try await connection.executeOnce("CREATE TABLE kill_switch (place text)")
            try await connection.executeOnce(
                """
                CREATE FUNCTION kill_session() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF EXISTS (SELECT FROM kill_switch WHERE place = TG_ARGV[0]) THEN
                        PERFORM pg_terminate_backend(pg_backend_pid());
                    END IF;
                    RETURN NULL;
                END $$
                """)
            for table in tables {
                try await connection.executeOnce(
                    """
                    CREATE TRIGGER kill_session AFTER INSERT OR UPDATE OR DELETE ON \(table)
                    FOR EACH STATEMENT EXECUTE FUNCTION kill_session('\(table)')
                    """)
            }
        }
    }

    static func arm(_ store: UsageStore, _ table: String) async throws {
        try await store.pool.execute("INSERT INTO kill_switch VALUES ($1)", [table])
    }

    static func disarm(_ store: UsageStore) async throws {
        try await store.pool.execute("DELETE FROM kill_switch")
    }
}

extension UsageStore {
    /// All that was derived, by names: numbers depend on who came first.
    func records() async throws -> [String] {
        try await names(
            """
            SELECT concat_ws(' ', 'record', tenant.name, service.name, quarter_hour, requests, carried_in,
                carried_since, carried_until)
            FROM consumption JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
            UNION ALL
            SELECT concat_ws(' ', 'roll-up', tenant.name, service.name, grain, zone, starts_at, ends_at, records,
                requests, carried_in)
            FROM consumption_rollup JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
            UNION ALL
            SELECT concat_ws(' ', 'over', tenant.name, quarter_hour, since, until, requests)
            FROM carried_over JOIN tenant USING (tenant_id)
            UNION ALL
            SELECT concat_ws(' ', 'unattributed', name, quarter_hour, quantity)
            FROM unattributed JOIN counter USING (gateway_id, counter_id)
            UNION ALL
            SELECT concat_ws(' ', 'gap', instance.name, reason, from_at, to_at, lower_bound, upper_bound)
            FROM gap JOIN instance USING (instance_id)
            ORDER BY 1
            """)
    }
}
