import Metering
import Testing

@testable import UsageStore

/// The job twice at once, and after any pause.
@Suite struct SchedulerTests {
    @Test func `Two schedulers at once derive each quarter hour once between them`() async throws {
        try await withStore(connections: 8) { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            for quarterHour in 0..<40 as Range<Int64> {
                stream.flush(at: .at(1, 1 + 15 * quarterHour), requests: 10 * (quarterHour + 1), started: .at(1, 0))
            }
            stream.end()
            try await store.commit(&stream)
            let runs = try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    // Schedulers of their own: they share nothing but the database.
                    group.addTask { try await UsageStore(pool: store.pool, logger: store.logger).aggregate() }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(runs.flatMap(\.failures) == [])
            #expect(runs.reduce(0) { $0 + $1.quarterHours } == 40)
            #expect(try await store.number("SELECT count(*) FROM consumption") == 40)
            #expect(try await store.requests() == 400)
            #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
            #expect(try await store.number("SELECT count(*) FROM job_run WHERE finished_at IS NULL") == 0)
        }
    }
}
