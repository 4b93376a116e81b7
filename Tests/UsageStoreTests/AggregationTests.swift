import Foundation
import Metering
import PostgreSQL
import Testing

@testable import UsageStore

@Suite struct AggregationTests {
    @Test(arguments: [
        "UPDATE tape SET readings = '\\xffffff' WHERE gateway_id = (SELECT gateway_id FROM gateway WHERE name = 'bad')",
        "UPDATE tape SET gauges = '\\xff' WHERE gateway_id = (SELECT gateway_id FROM gateway WHERE name = 'bad')",
        "UPDATE tape SET recent_flushes = '\\xff' WHERE gateway_id = (SELECT gateway_id FROM gateway WHERE name = 'bad')",
        """
        UPDATE tape SET counter_set_id = 4711 WHERE gateway_id = (SELECT gateway_id FROM gateway WHERE name = 'bad')
        """,
    ])
    func `A tape that can not be read is a failure of its quarter hour alone, and stays in the queue`(
        spoil: String
    ) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = [
                Stream(1, gateway: "bad", instance: "a"), Stream(2, gateway: "good", instance: "b"),
            ]
            for index in streams.indices {
                streams[index].flush(
                    at: .at(12, 1), [Stream.requests: 10], gauges: ["http.tenant_acme.downstream_cx_active": 1],
                    started: .at(12, 0))
                streams[index].end()
            }
            try await store.commit(&streams)
            _ = try await store.pool.withConnection { try await $0.executeOnce(spoil) }
            for _ in 0..<2 {
                let run = try await store.aggregate()
                #expect(run.failures.count == 1)
                #expect(run.failures.first?.contains("2024-11-05T12:00:00Z") == true)
                #expect(try await store.usage(of: "acme").requests == 10)
                #expect(
                    try await store.names("SELECT DISTINCT name FROM tape_change JOIN gateway USING (gateway_id)")
                        == ["bad"])
            }
            let said = try await store.names("SELECT failure FROM job_run ORDER BY job_run_id DESC LIMIT 1")
            #expect(said.first?.contains("quarter hour") == true)
        }
    }

    @Test func `A job derives only what changed, and says since when it had waited`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            stream.flush(at: .at(12, 2), requests: 20, started: .at(12, 0))
            try await store.commit(&stream)
            let first = try await store.aggregate()
            #expect(first.quarterHours == 1)
            #expect(first.lagSince != nil)
            let second = try await store.aggregate()
            #expect(second.quarterHours == 0)
            #expect(second.lagSince == nil)
        }
    }

    @Test func `A month's usage is told with the keys and shapes that are published`() async throws {
        try await withStore(meteringSince: .at(12, 0)) { store in
            try await store.putShippedMetersInForce()
            // Metered from 12:30 on though it ran since 11:30, then killed at 12:45 and followed at 13:00.
            var first = Stream(1, bootID: "boot-1")
            first.flush(at: .at(12, 30), requests: 400, started: .at(11, 30))
            first.flush(at: .at(12, 45), requests: 423, started: .at(11, 30))
            first.end()
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(13, 1), requests: 100, started: .at(13, 0))
            second.flush(at: .at(13, 30), requests: 100, started: .at(13, 0), state: 1)
            second.end()
            try await store.commit(&first)
            try await store.commit(&second)
            _ = try await store.requests()
            let usage = try await store.usage(of: "acme", by: [.service, .day])
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            let json = try #require(
                try JSONSerialization.jsonObject(with: encoder.encode(usage)) as? [String: Any])
            #expect(
                Set(json.keys) == [
                    "tenant", "period", "requests", "lower", "upper", "dimensions", "coverage", "groups",
                ])
            let period = try #require(json["period"] as? [String: String])
            #expect(
                period == [
                    "month": "2024-11", "zone": "UTC", "start": "2024-11-05T00:00:00Z", "end": "2024-11-06T00:00:00Z",
                    "as_of": "2024-11-05T23:00:00Z",
                ])
            #expect(json["requests"] as? Int == 123)
            #expect(json["lower"] as? Int == 123)
            // Nothing bounds a lost tail.
            #expect(json["upper"] is NSNull)
            let coverage = try #require(json["coverage"] as? [String: Any])
            #expect(Set(coverage.keys) == ["percent", "gaps"])
            // Observed 12:30–12:45 and 13:00–13:30 of 11:30–13:00 and 13:00–13:30: 2700 s of 7200 s, less than two
            // seconds of each start that uptimes do not tell.
            let percent = try #require(coverage["percent"] as? String)
            #expect(["37.49", "37.50", "37.51"].contains(percent))
            #expect(usage.coverage.isBelowThreshold)
            let gaps = try #require(coverage["gaps"] as? [[String: Any]])
            #expect(gaps.map { $0["reason"] as? String } == ["late_start", "tail_lost"])
            #expect(gaps.map { $0["lower"] as? Int } == [0, 0])
            #expect(gaps.first?["upper"] as? Int == 400)
            #expect(gaps.first?["instance"] as? String == "envoy-1")
            #expect(gaps.first?["to"] as? String == "2024-11-05T12:30:00Z")
            let groups = try #require(json["groups"] as? [[String: Any]])
            #expect(groups.count == 1)
            #expect(Set(groups[0].keys) == ["service", "day", "dimensions"])
            let dimensions = try #require(json["dimensions"] as? [String: Any])
            #expect(Set(dimensions.keys).isSuperset(of: Dimension.allCases.map(\.rawValue)))
        }
    }
}
