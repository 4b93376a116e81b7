import Metering
import Testing

@testable import UsageStore

/// From readings to a tenant's month, with every number computed by hand.
@Suite struct CommitAndAggregateTests {
    /// One Envoy of two tenants from 12:00 to 12:20, and one of another gateway.
    static func traffic() -> [Stream] {
        var edge = Stream(1)
        func counters(_ acme: Int64, _ globex: Int64) -> [String: Int64] {
            [
                "http.tenant_acme.downstream_rq_completed": acme, "http.tenant_acme.downstream_rq_2xx": acme - 1,
                "http.tenant_acme.downstream_rq_4xx": 1, "http.tenant_acme.downstream_rq_total": acme + 2,
                "http.tenant_acme.downstream_cx_total": 3, "http.tenant_acme.downstream_cx_rx_bytes_total": acme * 100,
                "http.tenant_acme.downstream_cx_tx_bytes_total": acme * 1000,
                "http.tenant_globex.downstream_rq_completed": globex, "cluster.web.upstream_rq_total": acme + globex,
            ]
        }
        edge.flush(
            at: .at(12, 1), counters(10, 1), gauges: ["http.tenant_acme.downstream_cx_active": 2], started: .at(12, 0))
        edge.flush(
            at: .at(12, 2), counters(40, 1), gauges: ["http.tenant_acme.downstream_cx_active": 5], started: .at(12, 0))
        edge.flush(at: .at(12, 16), counters(100, 7), started: .at(12, 0))
        edge.end()
        var other = Stream(2, gateway: "internal", instance: "envoy-9", bootID: "boot-9")
        other.flush(at: .at(12, 3), requests: 1000, started: .at(12, 2))
        other.end()
        return [edge, other]
    }

    @Test func `Readings become the exact usage of tenants, and names make unconfirmed tenants`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = Self.traffic()
            try await store.commit(&streams)
            let run = try await store.aggregate()
            #expect(run.quarterHours == 3)
            #expect(run.failures == [])

            let acme = try await store.usage(of: "acme")
            #expect(acme.requests == 1100)
            #expect(acme.lower == 1100)
            #expect(acme.upper == 1100)
            #expect(
                acme.dimensions.counts == [
                    .requests: 1100, .newConnections: 3, .receivedBytes: 10_000, .sentBytes: 100_000, .responses1xx: 0,
                    .responses2xx: 99, .responses3xx: 0, .responses4xx: 1, .responses5xx: 0,
                ])
            // Two samples of one quarter hour, 2 and 5; the other was not sampled.
            #expect(acme.dimensions.activeConnectionsMicros == 3_500_000)
            #expect(acme.dimensions.activeConnectionsMaximum == 5)
            #expect(try await store.usage(of: "globex").requests == 7)
            #expect(try await store.names("SELECT name FROM tenant ORDER BY name") == ["acme", "globex"])
            #expect(try await store.number("SELECT count(*) FROM tenant WHERE confirmed") == 0)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
        }
    }

    @Test func `Usage is broken down by service, day and gateway, and the parts add up`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = Self.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            let groups = try await store.usage(of: "acme", by: [.service, .day, .gateway]).groups
            #expect(groups.map(\.gateway) == ["edge", "internal"])
            #expect(groups.map(\.day) == ["2024-11-05", "2024-11-05"])
            #expect(groups.map(\.dimensions.counts[.requests]) == [100, 1000])
            #expect(
                try await store.usage(of: "acme", by: [.service]).groups.map(\.dimensions.counts[.requests]) == [1100])
        }
    }

    @Test func `A day is the zone's day`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(22, 59), requests: 5, started: .at(22, 58))
            stream.flush(at: .at(23, 1), requests: 7, started: .at(22, 58))
            stream.end()
            try await store.commit(&stream)
            try await store.aggregate()
            let usage = try await store.monthlyUsage(
                tenant: "acme", month: "2024-11", zone: "Europe/Berlin", from: .at(0, 0), to: .at(30, 0),
                groupBy: [.day])
            #expect(usage.groups.map(\.day) == ["2024-11-05", "2024-11-06"])
            #expect(usage.groups.map(\.dimensions.counts[.requests]) == [5, 2])
        }
    }

    @Test func `What no rule binds is kept as unattributed, and what a check rule names is not`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = Self.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            let names = try await store.names(
                """
                SELECT DISTINCT name FROM unattributed JOIN counter USING (gateway_id, counter_id)
                """)
            #expect(names == ["cluster.web.upstream_rq_total"])
            #expect(try await store.number("SELECT sum(quantity)::bigint FROM unattributed") == 107)
        }
    }

    @Test func `The error for an unknown tenant names those that are known`() async throws {
        try await withStore { store in
            let none = await #expect(throws: UsageStoreError.self) { try await store.usage(of: "acme") }
            #expect(none?.message == "there is no tenant acme; nothing is metered yet")
            try await store.putShippedMetersInForce()
            var streams = Self.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            let error = await #expect(throws: UsageStoreError.self) { try await store.usage(of: "initech") }
            #expect(error?.code == .unknownTenant)
            #expect(error?.message == "there is no tenant initech; known are acme, globex")
        }
    }
}
