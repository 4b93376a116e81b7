import Metering
import Testing

@testable import UsageStore

@Suite struct UsageWindowTests {
    @Test func `A free range is told in quarter hours, hours or days`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = CommitAndAggregateTests.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            func sums(_ window: UsageWindow, _ from: Timestamp, _ to: Timestamp) async throws -> [String] {
                try await store.usage(tenant: "acme", from: from, to: to, window: window, groupBy: [.gateway]).map {
                    "\($0.start) \($0.end) \($0.gateway ?? "") \($0.dimensions[.requests])"
                }
            }
            #expect(
                try await sums(.quarterHour, .at(12, 0), .at(12, 30)) == [
                    "2024-11-05T12:00:00Z 2024-11-05T12:15:00Z edge 40",
                    "2024-11-05T12:00:00Z 2024-11-05T12:15:00Z internal 1000",
                    "2024-11-05T12:15:00Z 2024-11-05T12:30:00Z edge 60",
                ])
            #expect(
                try await sums(.hour, .at(12, 15), .at(14, 0)) == [
                    "2024-11-05T12:15:00Z 2024-11-05T13:00:00Z edge 60"
                ])
            #expect(
                try await sums(.day, .at(0, 0), .at(48, 0)).first
                    == "2024-11-05T00:00:00Z 2024-11-06T00:00:00Z edge 100")
            let series = try await store.hourlySeries(ofGateway: "edge", from: .at(0, 0), to: .at(24, 0))
            #expect(series.map(\.dimensions.counts[.requests]) == [107])
            #expect(series.map(\.start) == [.at(12, 0)])
            let hours = try await store.usage(of: "acme", by: [.hour, .service])
            #expect(hours.groups.map(\.hour) == ["2024-11-05T12:00:00Z"])
        }
    }

    @Test(arguments: [
        ("2024-11-05T12:00:01Z", "2024-11-05T13:00:00Z", "2024-11-05T12:00:00Z"),
        ("2024-11-05T12:00:00Z", "2024-11-05T13:07:00Z", "2024-11-05T13:00:00Z"),
        ("2024-11-05T13:00:00Z", "2024-11-05T13:00:00Z", "empty"),
        ("2014-11-05T13:00:00Z", "2024-11-05T13:00:00Z", "windows"),
    ])
    func `A range that can not be told is refused with the reason`(from: String, to: String, says: String) async throws
    {
        try await withStore { store in
            let (from, to) = (try #require(Timestamp(from)), try #require(Timestamp(to)))
            let error = await #expect(throws: UsageStoreError.self) {
                try await store.usage(tenant: "acme", from: from, to: to, window: .quarterHour)
            }
            #expect(error?.code == .invalidRange)
            #expect(error?.message.contains(says) == true)
        }
    }

    @Test func `Sources are told with their lives, their flush interval and their way`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            for flush in 0..<10 as Range<Int64> {
                stream.flush(at: .at(12, 0, 5 * flush), requests: flush, started: .at(11, 50))
            }
            stream.end()
            try await store.commit(&stream)
            let sources = try await store.sources(ofGateway: "edge", seenSince: .at(0, 0))
            #expect(sources.count == 1)
            #expect(sources.first?.instance == "envoy-1")
            #expect(sources.first?.bootID == "boot-1")
            #expect(sources.first?.flushIntervalMilliseconds == 5000)
            #expect(sources.first?.kind == .metricsService)
            #expect(sources.first?.lastSeen == .at(12, 0, 45))
            #expect(sources.first?.isExpected == false)
            #expect(try await store.sources(seenSince: .at(13, 0)).isEmpty)
            await #expect(throws: UsageStoreError.self) {
                try await store.sources(ofGateway: "nowhere", seenSince: .at(0, 0))
            }
        }
    }
}
