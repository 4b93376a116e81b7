import Metering
import TestSupport
import Testing

@testable import UsageStore

/// What is billed, beside what check rules and other sources say.
@Suite struct SourceDifferenceTests {
    @Test func `A check rule and another source are held against what is billed`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let total = "http.tenant_acme.downstream_rq_total"
            var first = Stream(1)
            first.flush(at: .at(12, 1), [Stream.requests: 10, total: 11], started: .at(12, 0))
            first.flush(at: .at(12, 16), [Stream.requests: 25, total: 28], started: .at(12, 0))
            first.end()
            try await store.commit(&first)
            var second = Stream(2, source: .statsd)
            second.flush(at: .at(12, 1), [Stream.requests: 9])
            second.flush(at: .at(12, 14), [Stream.requests: 4])
            second.end()
            try await store.commit(&second)
            let found = try await store.sourceDifferences(gateway: "edge", from: .at(0, 0), to: .at(24, 0))
            #expect(found.map(\.against) == [total.replacing("acme", with: "{tenant}"), "metrics-service", "statsd"])
            #expect(found.map(\.billed) == [25, 25, 25])
            #expect(found.map(\.difference) == [3, 0, -12])
            await #expect(throws: UsageStoreError.self) {
                try await store.sourceDifferences(gateway: "nowhere", from: .at(0, 0), to: .at(24, 0))
            }
        }
    }

    @Test func `EnRoute's connection manager is held against the sum of its clusters`() async throws {
        try await withStore { store in
            let text = try Shipped.text("config/meters/enroute.yaml")
            try await store.putInForce(meters: [text], now: .at(0, 0))
            var stream = Stream(1, collect: try Meters(yaml: text, file: "enroute.yaml").collect)
            stream.flush(
                at: .at(12, 1),
                [
                    "cluster.shop_web_80.upstream_rq_completed": 30, "cluster.shop_web_80.upstream_rq_total": 35,
                    "cluster.pay_api_8443.upstream_rq_completed": 12,
                    "cluster.ns_enroute_8001.upstream_rq_completed": 99,
                    "http.ingress_http.downstream_rq_completed": 50,
                ], started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests(of: "shop") == 30)
            #expect(try await store.usage(of: "shop", by: [.service]).groups.map(\.service) == ["web"])
            #expect(try await store.usage(of: "pay").requests == 12)
            let found = try await store.sourceDifferences(gateway: nil, from: .at(0, 0), to: .at(24, 0))
            let own = try #require(found.first { $0.tenant == "*" && $0.dimension == "requests" })
            #expect(own.billed == 42)
            // Answered by Envoy itself.
            #expect(own.difference == 8)
        }
    }
}
