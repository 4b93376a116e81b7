import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Partitions are made ahead and dropped past retention, and nothing that is counted later changes by it.
@Suite struct RetentionTests {
    /// An instant on a day of November 2024 and after.
    static func day(_ day: Int64, _ hour: Int64 = 12) -> Timestamp { .at((day - 5) * 24 + hour, 1) }

    static func stream() -> Stream {
        var stream = Stream(1)
        let other = "http.tenant_globex.downstream_rq_completed"
        stream.flush(at: day(6), [Stream.requests: 100, other: 5], started: day(6, 11))
        stream.flush(at: day(20), [Stream.requests: 250, other: 9], started: day(6, 11))
        // One counter is away at the month's end.
        stream.flush(at: day(30), [Stream.requests: 300], started: day(6, 11))
        return stream
    }

    @Test func `A life that goes on counts exactly after the tapes of its first months went`() async throws {
        try await withStore(meteringSince: Self.day(1)) { store in
            try await store.putShippedMetersInForce()
            var stream = Self.stream()
            try await store.commit(&stream)
            #expect(try await store.requests() == 0)
            let november = try await store.names("SELECT consumption::text FROM consumption ORDER BY 1")
            let run = try await store.lookAfterPartitions(now: Self.day(5 + 31 + 28 + 31 + 40))
            #expect(run.tapesBefore == Timestamp("2024-12-01T00:00:00Z"))
            #expect(run.baselines == 2 && run.notes == [])
            #expect(try await store.number("SELECT count(*) FROM tape") == 0)
            // The records stay as they are, also when something queues them.
            try await store.pool.execute(
                "INSERT INTO tape_change (gateway_id, quarter_hour) SELECT gateway_id, quarter_hour FROM consumption")
            let kept = try await store.aggregate()
            #expect(kept.failures == [] && kept.notes.count > 0)
            #expect(try await store.names("SELECT consumption::text FROM consumption ORDER BY 1") == november)
            // The life is read again: its differences are to what it had read.
            let other = "http.tenant_globex.downstream_rq_completed"
            stream.flush(at: Self.day(140), [Stream.requests: 307, other: 12], started: Self.day(6, 11))
            stream.end()
            try await store.commit(&stream)
            try await store.aggregate()
            let late = try await store.names(
                """
                SELECT requests::text FROM consumption WHERE quarter_hour > '2025-01-01' ORDER BY requests
                """)
            #expect(late == ["3", "7"])
            let range = await #expect(throws: UsageStoreError.self) {
                try await store.aggregate(
                    from: Self.day(29, 0).plus(seconds: -60), to: Self.day(31, 0).plus(seconds: -60))
            }
            #expect(range?.code == .dropped)
        }
    }

    @Test func `Roll-ups stay when the quarter hours go`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Self.stream()
            stream.end()
            try await store.commit(&stream)
            try await store.aggregate()
            func november() async throws -> MonthlyUsage {
                try await store.monthlyUsage(
                    tenant: "acme", month: "2024-11", zone: "UTC", from: Self.month(1), to: Self.month(31),
                    groupBy: [.day])
            }
            let before = try await november()
            #expect(before.requests == 300)
            let run = try await store.lookAfterPartitions(now: Timestamp("2026-01-15T00:00:00Z"))
            #expect(run.quarterHoursBefore == Timestamp("2024-12-01T00:00:00Z"))
            #expect(try await store.number("SELECT count(*) FROM consumption") == 0)
            #expect(try await november().groups.map(\.dimensions) == before.groups.map(\.dimensions))
            #expect(try await store.checkConservation(from: Self.month(1), to: Self.month(31)).differences == [])
        }
    }

    @Test func `Nothing that an open invoice or the queue needs is dropped`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Self.stream()
            stream.end()
            try await store.commit(&stream)
            let later = Timestamp("2027-01-15T00:00:00Z")
            let waiting = try await store.lookAfterPartitions(now: later)
            #expect(waiting.tapesBefore == nil && waiting.notes.first?.contains("queue") == true)
            try await store.aggregate()
            try await store.hold("acme", from: Self.day(20), reason: "invoice 7")
            let held = try await store.lookAfterPartitions(now: later)
            #expect(held.tapesBefore == nil && held.quarterHoursBefore == nil)
            #expect(held.notes.contains { $0.contains("invoice 7") })
            try await store.release("acme", reason: "invoice 7")
            let dropped = try await store.lookAfterPartitions(now: later)
            #expect(dropped.notes == [])
            #expect(try await store.number("SELECT count(*) FROM tape") == 0)
        }
    }

    @Test func `Partitions are there two months ahead`() async throws {
        try await withStore { store in
            try await store.lookAfterPartitions(now: Timestamp("2024-11-30T12:00:00Z"))
            let names = try await store.names(
                """
                SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                WHERE relkind = 'r' ORDER BY 1
                """)
            #expect(
                names == [
                    "consumption_2024_11", "consumption_2024_12", "consumption_2025_01", "consumption_rollup_2024_10",
                    "consumption_rollup_2024_11", "consumption_rollup_2024_12", "consumption_rollup_2025_01",
                    "packed_tape_2024_11", "packed_tape_2024_12", "packed_tape_2025_01", "tape_2024_11", "tape_2024_12",
                    "tape_2025_01",
                ])
        }
    }

    private static func month(_ day: Int64) -> Timestamp { .at((day - 5) * 24, 0) }
}
