import Metering
import Testing

@testable import UsageStore

@Suite struct GatewayTrafficTests {
    @Test func `A gateway's traffic is told by quarter hour, with what each carried in`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = CommitAndAggregateTests.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            let traffic = try await store.traffic(of: "edge", from: .at(0, 0), to: .at(24, 0))
            #expect(traffic.slices.map(\.quarterHour) == [.at(12, 0), .at(12, 15)])
            #expect(traffic.slices.map(\.requests) == [41, 66])
            #expect(traffic.slices.map(\.newConnections) == [3, 0])
            #expect(traffic.slices.map(\.bytes) == [44_000, 66_000])
            // A mean of 2 and 5.
            #expect(traffic.slices.map { $0.activeConnectionParts * 2 / GatewayTraffic.partsPerConnection } == [7, 0])
            #expect(traffic.carries.map(\.quarterHour) == [.at(12, 15)])
            #expect(traffic.carries.map(\.requests) == [66])
            // The share of the record's requests that was carried in is all of them here.
            #expect(traffic.carries.map(\.newConnections) == [0])
            #expect(traffic.carries.map(\.bytes) == [66_000])
            #expect(traffic.carries.allSatisfy { $0.since == .at(12, 2) && $0.until == .at(12, 16) })
            await #expect(throws: UsageStoreError.self) {
                try await store.traffic(of: "nowhere", from: .at(0, 0), to: .at(24, 0))
            }
        }
    }
}
