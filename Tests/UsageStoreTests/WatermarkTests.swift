import Metering
import Testing

@testable import UsageStore

/// Rule 10: until when an epoch is expected, and what that holds back.
@Suite struct WatermarkTests {
    @Test func `An epoch holds the watermark until its orderly end, a successor, or a day of silence`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1, bootID: "boot-1")
            first.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            first.flush(at: .at(12, 14), requests: 20, started: .at(12, 0))
            first.end()
            try await store.commit(&first)
            // Not derived yet: the quarter hour holds it.
            let queued = try await store.watermark(of: "edge", asOf: .at(12, 30))
            #expect(queued.passed == .at(12, 0))
            #expect(queued.holds.first?.reason == .queued)
            try await store.aggregate()
            let expected = try await store.watermark(of: "edge", asOf: .at(12, 30))
            #expect(expected.passed == .at(12, 14))
            #expect(expected.holds.map(\.instance) == ["envoy-1"])
            #expect(expected.holds.first?.reason == .expected(until: .at(36, 14)))
            #expect(expected.hasPassed(.at(12, 14)) && !expected.hasPassed(.at(12, 15)))
            // A day of silence.
            #expect(try await store.watermark(of: "edge", asOf: .at(36, 13)).passed == .at(12, 14))
            #expect(try await store.watermark(of: "edge", asOf: .at(36, 14)).passed == .at(36, 14))
            // A successor, which is drained.
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(12, 20), requests: 1, started: .at(12, 19))
            second.flush(at: .at(12, 29), requests: 1, started: .at(12, 19))
            try await store.commit(&second)
            try await store.aggregate()
            #expect(try await store.watermark(of: "edge", asOf: .at(12, 30)).passed == .at(12, 29))
            second.flush(
                at: .at(12, 40), [Stream.requests: 1], gauges: ["http.tenant_acme.downstream_rq_active": 0],
                started: .at(12, 19), state: 1)
            second.end()
            try await store.commit(&second)
            try await store.aggregate()
            let drained = try await store.watermark(of: "edge", asOf: .at(13, 0))
            #expect(drained.passed == .at(13, 0) && drained.holds.isEmpty)
        }
    }

    @Test func `Several gateways, and those of a tenant, have the earliest of their watermarks`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = CommitAndAggregateTests.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            #expect(try await store.watermark(of: ["edge", "internal"], asOf: .at(12, 30)).passed == .at(12, 3))
            #expect(try await store.watermark(of: ["edge"], asOf: .at(12, 30)).passed == .at(12, 16))
            let acme = try await store.watermark(ofTenant: "acme", from: .at(0, 0), to: .at(24, 0), asOf: .at(12, 30))
            #expect(acme.passed == .at(12, 3) && acme.holds.map(\.gateway) == ["internal", "edge"])
            let globex = try await store.watermark(
                ofTenant: "globex", from: .at(0, 0), to: .at(24, 0), asOf: .at(12, 30))
            #expect(globex.passed == .at(12, 16))
            await #expect(throws: UsageStoreError.self) { try await store.watermark(of: "nowhere") }
        }
    }
}
