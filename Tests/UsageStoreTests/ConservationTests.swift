import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Σ bound tapes + corrections = Σ quarter hours = Σ roll-ups, or it is said where not, with the numbers.
@Suite struct ConservationTests {
    private func traffic(_ store: UsageStore) async throws {
        try await store.putShippedMetersInForce()
        var streams = CommitAndAggregateTests.traffic()
        try await store.commit(&streams)
        try await store.aggregate()
        try await store.keepRollUps(ofTenant: "acme", zone: "Asia/Kolkata")
    }

    @Test func `A month in which all agrees is told with its sums`() async throws {
        try await withStore { store in
            try await traffic(store)
            let report = try await store.checkConservation(from: .at(0, 0), to: .at(24, 0))
            #expect(report.differences == [])
            #expect(report.quarterHours == 3 && report.waiting == 0 && report.rollUps > 9)
            let requests = report.totals.filter { $0.dimension == "requests" }
            #expect(requests.map(\.tenant) == ["acme", "globex"])
            #expect(requests.map(\.derived) == [1100, 7] && requests.map(\.stored) == [1100, 7])
        }
    }

    @Test(
        arguments: [
            ("UPDATE consumption SET requests = requests + 1 WHERE requests = 1000", "quarter hour", 1000, 1001),
            ("DELETE FROM consumption WHERE requests = 1000", "quarter hour", 1000, 0),
            ("UPDATE consumption_rollup SET requests = 99 WHERE grain = 'day' AND requests = 1000", "day", 1000, 99),
            ("DELETE FROM consumption_rollup WHERE grain = 'month' AND requests = 1000", "month", 1000, 0),
            ("UPDATE consumption_rollup SET requests = 2 WHERE grain = 'hour' AND requests = 1000", "hour", 1000, 2),
            ("UPDATE tape SET readings = gauges WHERE gateway_id = 2", "quarter hour", 0, 1000),
        ] as [(String, String, Int64, Int64)])
    func `What was changed by hand is found, with both numbers`(
        spoil: String, level: String, expected: Int64, stored: Int64
    ) async throws {
        try await withStore { store in
            try await traffic(store)
            _ = try await store.pool.withConnection { try await $0.executeOnce(spoil) }
            let report = try await store.checkConservation(from: .at(0, 0), to: .at(24, 0))
            let found = report.differences.first { $0.level == level && $0.dimension == "requests" }
            #expect(found?.tenant == "acme")
            #expect(found?.gateway == "internal")
            #expect(found?.expected == expected && found?.stored == stored)
        }
    }

    @Test func `A quarter hour that waits in the queue is left out`() async throws {
        try await withStore { store in
            try await traffic(store)
            var late = Stream(9, instance: "late", bootID: "late")
            late.flush(at: .at(12, 5), requests: 50, started: .at(12, 0))
            late.end()
            try await store.commit(&late)
            let report = try await store.checkConservation(from: .at(0, 0), to: .at(24, 0))
            #expect(report.differences == [] && report.waiting == 1 && report.quarterHours == 2)
        }
    }

    @Test func `A job whose roll-ups are not the sum of their quarter hours stops with the numbers`() async throws {
        try await withStore { store in
            try await traffic(store)
            try await store.pool.execute(
                "UPDATE consumption_rollup SET requests = requests + 5 WHERE grain = 'day' AND zone = 'UTC'")
            var late = Stream(9, instance: "late", bootID: "late")
            late.flush(at: .at(12, 5), requests: 50, started: .at(12, 0))
            late.end()
            try await store.commit(&late)
            let error = await #expect(throws: UsageStoreError.self) { try await store.aggregate() }
            #expect(error?.code == .conservation)
            #expect(error?.message.contains("acme") == true && error?.message.contains("155") == true)
            let said = try await store.names("SELECT failure FROM job_run ORDER BY job_run_id DESC LIMIT 1")
            #expect(said.first?.contains("roll-ups") == true)
            // The range made anew mends it.
            _ = try await store.aggregate(from: .at(12, 0), to: .at(13, 0))
            #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
            #expect(try await store.usage(of: "acme").requests == 1150)
        }
    }

    @Test(arguments: [
        ("2024-11-05T12:07:00Z", "2024-11-05T13:00:00Z", "2024-11-05T12:00:00Z"),
        ("2024-11-05T13:00:00Z", "2024-11-05T12:00:00Z", "empty"),
        ("2024-11-05T13:00:00Z", "2174-11-05T12:00:00Z", "future"),
    ])
    func `A range off the quarter hours, the wrong way round or in the future does nothing`(
        from: String, to: String, says: String
    ) async throws {
        try await withStore { store in
            try await traffic(store)
            let before = try await store.contents()
            let (from, to) = (try #require(Timestamp(from)), try #require(Timestamp(to)))
            let error = await #expect(throws: UsageStoreError.self) { try await store.aggregate(from: from, to: to) }
            #expect(error?.code == .invalidRange)
            #expect(error?.message.contains(says) == true)
            #expect(try await store.contents() == before)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
        }
    }
}
