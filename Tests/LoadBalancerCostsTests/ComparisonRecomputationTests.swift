import Foundation
import LoadBalancerCosts
import Testing

/// Comparisons against Fixtures/recompute_comparison.py, from the hourly series that they print.
@Suite(.enabled(if: IndependentScript.python != nil)) struct ComparisonRecomputationTests {
    /// Every amount of both sides is the same text.
    private func expectSame(_ comparison: Data, rows count: Int) throws {
        let ours = try IndependentScript.object(comparison)
        let theirs = try IndependentScript.run("recompute_comparison.py", on: comparison)
        let alternatives = try #require(ours["alternatives"] as? [[String: Any]])
        let rows = [try #require(ours["own"] as? [String: Any])] + alternatives
        #expect(rows.count == count)
        #expect(ours["requests"] as? String == theirs["requests"] as? String)
        for row in rows {
            let key = try #require(row["key"] as? String)
            let wanted = try #require(theirs[key] as? [String: Any], "the script knows no \(key)")
            for (name, value) in wanted {
                if let text = value as? String {
                    #expect(row[name] as? String == text, "\(key).\(name)")
                } else {
                    #expect(row[name] as? [String: Int] == value as? [String: Int], "\(key).\(name)")
                }
            }
            #expect(wanted.count >= 7)
        }
    }

    @Test("the demo's comparison, made from metered traffic, is what an independent script computes from its hours")
    func demo() throws {
        let comparison = Data(try Fixture.bytes("demo-comparison.json"))
        let object = try IndependentScript.object(comparison)
        #expect(object["metered"] as? Bool == true)
        #expect(object["requests"] as? String == "6300")
        try expectSame(comparison, rows: 10)
    }

    @Test("any metered month is what an independent script computes from its hours", arguments: UInt64(1)...15)
    func metered(seed: UInt64) throws {
        var generator = Generator(state: seed &* 104_729)
        let traffic = generator.meteredTraffic(days: 2)
        let hours = try traffic.hours(periodStart: 0).filled(from: 0, to: 48 * 3_600_000_000)
        var gateway = OwnGateway(sizing: Fixture.catalogue.envoy, nodes: seed % 3 == 0 ? .peak : .hourly)
        gateway.fee = try Fraction(Int128(seed * 37), over: 100)
        var assumptions = generator.assumptions()
        assumptions.lcuReservation = Int64(seed % 2) * 20
        let comparison = try Comparison(
            TrafficSeries(hours), assumptions, own: gateway, catalogue: Fixture.catalogue, region: "us-east-1",
            isMetered: true)
        try expectSame(JSONEncoder().encode(comparison), rows: 10)
    }
}
