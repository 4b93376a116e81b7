import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Commits that fail, come twice, or come late (invariant 1).
@Suite struct RepeatedCommitTests {
    @Test(arguments: ["boot-1", nil], [true, false])
    func `A commit of unknown outcome is made again and changes nothing`(
        bootID: String?, hasUptime: Bool
    ) async throws {
        try await withStore(meteringSince: .at(13, 0)) { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1, bootID: bootID)
            let started: Timestamp? = hasUptime ? .at(11, 0) : nil
            stream.flush(at: .at(12, 1), requests: 100, started: started)
            stream.flush(at: .at(12, 16), requests: 130, started: started)
            stream.tape.refuse(.notWhole)
            stream.flush(at: .at(12, 17), requests: 131, started: started)
            stream.end()
            let snapshot = stream.snapshot
            _ = try await store.commit([snapshot])
            #expect(try await store.requests() == 31)
            let before = try await store.contents()
            // The answer was lost: the worker knows nothing of the first time.
            _ = try await store.commit([snapshot])
            _ = try await store.commit([snapshot])
            #expect(try await store.requests() == 31)
            #expect(try await store.contents() == before)
        }
    }

    @Test func `An older snapshot that is committed after a newer one changes nothing`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 100, started: .at(12, 0))
            stream.flush(at: .at(12, 2), requests: 110, started: .at(12, 0))
            let older = stream.snapshot
            stream.flush(at: .at(12, 3), requests: 150, started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 150)
            let before = try await store.contents()
            _ = try await store.commit([older])
            #expect(try await store.requests() == 150)
            #expect(try await store.contents() == before)
        }
    }

    @Test func `A late commit before an edge moves usage to where it belongs, and adds none`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1)
            first.flush(at: .at(12, 10), requests: 100, started: .at(12, 0))
            first.end()
            try await store.commit(&first)
            var third = Stream(3)
            third.flush(at: .at(12, 15, 3), requests: 125, started: .at(12, 0))
            third.end()
            try await store.commit(&third)
            #expect(try await store.requests() == 125)
            var second = Stream(2)
            second.flush(at: .at(12, 14, 58), requests: 110, started: .at(12, 0))
            second.end()
            try await store.commit(&second)
            #expect(try await store.requests() == 125)
            let quantities = try await store.names("SELECT requests::text FROM consumption ORDER BY quarter_hour")
            #expect(quantities == ["110", "15"])
        }
    }

    @Test(arguments: ["epoch", "tape", "tape_change"])
    func `A commit that is cut between two statements leaves nothing half done`(table: String) async throws {
        try await withStore(connections: 1) { store in
            try await store.putShippedMetersInForce()
            // The session that writes into the table is ended by the server, as an administrator would.
            _ = try await store.pool.withConnection { connection in
                try await connection.executeOnce(
                    """
                    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
                    """)
                try await connection.executeOnce(
                    "CREATE TRIGGER cut AFTER INSERT ON \(table) FOR EACH STATEMENT EXECUTE FUNCTION cut()")
            }
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 100, started: .at(12, 0))
            stream.flush(at: .at(12, 2), requests: 110, started: .at(12, 0))
            stream.end()
            let error = await #expect(throws: PostgresError.self) { try await store.commit([stream.snapshot]) }
            #expect(error?.isOutage == true)
            #expect(try await store.number("SELECT count(*) FROM epoch") == 0)
            #expect(try await store.number("SELECT count(*) FROM tape") == 0)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
            _ = try await store.pool.withConnection { try await $0.executeOnce("DROP TRIGGER cut ON \(table)") }
            try await store.commit(&stream)
            #expect(try await store.requests() == 110)
        }
    }

    @Test func `A counter that was away opens at its older closing, however long it was away`() async throws {
        for quarterHoursAway in [1, 2, 5, 40] as [Int64] {
            try await withStore { store in
                try await store.putShippedMetersInForce()
                var stream = Stream(1)
                let other = "http.tenant_globex.downstream_rq_completed"
                stream.flush(at: .at(1, 1), [Stream.requests: 100, other: 1], started: .at(1, 0))
                for quarterHour in 0..<quarterHoursAway {
                    stream.flush(at: .at(1, 16 + 15 * quarterHour), [other: 1], started: .at(1, 0))
                }
                stream.flush(
                    at: .at(1, 16 + 15 * quarterHoursAway), [Stream.requests: 130, other: 1], started: .at(1, 0))
                stream.end()
                try await store.commit(&stream)
                #expect(try await store.requests() == 130, "away for \(quarterHoursAway) quarter hours")
            }
        }
    }

    @Test func `Workers that commit the same instances in any order do not stop each other`() async throws {
        try await withStore(connections: 8) { store in
            try await store.putShippedMetersInForce()
            let instances = 12
            try await withThrowingTaskGroup { group in
                for worker in 0..<6 as Range<Int64> {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(worker))
                        var streams: [Stream] = []
                        for round in 1...15 as ClosedRange<Int64> {
                            // Some streams are new in each round, the others go on.
                            if streams.isEmpty || round % 5 == 0 {
                                streams = (0..<instances).map { instance in
                                    let number = worker * 10_000 + round * 100 + Int64(instance)
                                    return Stream(
                                        random.pick(0...1000) * 1_000_000 + number, instance: "envoy-\(instance)")
                                }
                            }
                            for index in streams.indices {
                                streams[index].flush(
                                    at: .at(12, 0, round * 10 + worker), requests: round * 10 + worker,
                                    started: .at(12, 0))
                                streams[index].tape.end()
                            }
                            var part = streams.filter { _ in random.chance(70) }
                            try await store.commit(&part)
                            for stored in part {
                                guard let index = streams.firstIndex(where: { $0.tape.stream == stored.tape.stream })
                                else { continue }
                                streams[index] = stored
                            }
                        }
                        try await store.commit(&streams)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.number("SELECT count(*) FROM epoch") == Int64(instances))
        }
    }
}
