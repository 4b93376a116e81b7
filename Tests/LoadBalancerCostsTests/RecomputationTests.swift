import Foundation
import LoadBalancerCosts
import Testing

/// The answers against Fixtures/recompute.py, which has the published rules in Python's fractions.
@Suite struct RecomputationTests {
    @Test(
        "an independent script has the same answer from the same hours", .enabled(if: IndependentScript.python != nil),
        arguments: UInt64(1)...12)
    func recomputed(seed: UInt64) throws {
        var generator = Generator(state: seed &* 7_919)
        let hours = generator.hours(9)
        let assumptions = generator.assumptions()
        let file = Self.traffic(hours, assumptions, repeats: Int64(seed))
        let read = try TrafficFile(Array(file.utf8), name: "hours.json")
        let answer = try CostAnswer(read.series, read.assumptions, catalogue: Fixture.catalogue, region: "us-east-1")
        let ours = try IndependentScript.object(JSONEncoder().encode(answer))
        let theirs = try IndependentScript.run("recompute.py", on: file.utf8)
        for (balancer, wanted) in theirs {
            let got = try #require(ours[balancer] as? [String: Any])
            for (key, value) in try #require(wanted as? [String: Any]) {
                if let text = value as? String {
                    #expect(got[key] as? String == text, "\(balancer).\(key), seed \(seed)")
                } else {
                    #expect(got[key] as? [String: Int] == value as? [String: Int], "\(balancer).\(key), seed \(seed)")
                }
            }
        }
        #expect(theirs.count == 3)
    }

    private static func traffic(_ hours: [TrafficHour], _ assumptions: Assumptions, repeats: Int64) -> String {
        let list = hours.enumerated().map { index, hour in
            // Means with three places, so that the file holds them exactly.
            let active = hour.activeConnections.decimal(places: 3)
            return """
                {"start":"2026-10-01T0\(index):00:00Z","requests":\(hour.requests),"new_connections":\(hour.newConnections),
                 "active_connections":\(active),"bytes":\(hour.bytes),"lambda_bytes":\(hour.lambdaBytes),
                 "rule_evaluations":\(hour.ruleEvaluations.map(\.description) ?? "null")}
                """
        }
        let assumed = """
            {"rules":\(assumptions.rules),"certificate_key":"\(assumptions.certificateKey.rawValue)",
             "mutual_tls":\(assumptions.mutualTLS),"trust_stores":\(assumptions.trustStores),"zones":\(assumptions.zones),
             "cross_zone":\(assumptions.crossZone),"nlb_listener":"\(assumptions.nlbListener.rawValue)",
             "gb":"\(assumptions.gigabyte.rawValue)","lcu_reservation":\(repeats % 2 * 20)}
            """
        return
            "{\"region\":\"us-east-1\",\"assumptions\":\(assumed),\"hours\":[\(list.joined(separator: ","))],\"repeat\":\(repeats)}"
    }
}
