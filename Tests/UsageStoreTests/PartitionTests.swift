import Metering
import Testing

@testable import UsageStore

/// Months' partitions are there before they are needed.
@Suite struct PartitionTests {
    @Test(arguments: [
        ["2025-01-31T12:00:00Z", "2025-03-01T00:01:00Z"], ["2025-01-30T12:00:00Z", "2025-02-28T23:59:00Z"],
        ["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        ["2025-01-15T12:00:00Z", "2025-11-15T12:00:00Z", "2025-06-15T12:00:00Z"],
    ])
    func `A worker stores readings of any month, in any order of months`(_ times: [String]) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            for (index, text) in times.enumerated() {
                let time = try #require(Timestamp(text))
                var stream = Stream(Int64(index), instance: "envoy-\(index)")
                stream.flush(at: time, requests: 10, started: time.plus(seconds: -5))
                stream.end()
                try await store.commit(&stream)
            }
            let run = try await store.aggregate()
            #expect(run.failures == [])
            #expect(try await store.number("SELECT sum(requests)::bigint FROM consumption") == Int64(times.count * 10))
        }
    }

    @Test func `Workers at the turn of a month make each partition once`() async throws {
        try await withStore(connections: 8) { store in
            try await withThrowingTaskGroup { group in
                for number in 0..<8 as Range<Int64> {
                    group.addTask {
                        // A worker of its own: it knows of no partition yet.
                        let worker = UsageStore(pool: store.pool, logger: store.logger)
                        var stream = Stream(number, instance: "envoy-\(number)")
                        stream.flush(at: .at(12, 1), requests: 1, started: .at(12, 0))
                        stream.end()
                        try await worker.commit(&stream)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.number("SELECT count(*) FROM tape") == 8)
        }
    }
}
