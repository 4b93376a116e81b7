import LoadBalancerCosts
import Testing

@Suite struct ComparisonTests {
    let catalogue = Fixture.catalogue

    /// A quiet day and six busy hours; connections bind in every other one.
    private var hours: [TrafficHour] {
        (Int64(0)..<30).map { (index: Int64) -> TrafficHour in
            let requests: Int64 = index < 24 ? 3_600_000 : 36_000_000
            let connections: Int64 = index % 2 == 0 ? 1_000_000 : 1_000
            return TrafficHour(
                start: 1_790_812_800_000_000 + index * 3_600_000_000, requests: requests, newConnections: connections,
                activeConnections: Fraction(100), bytes: 1_000_000_000, spread: index == 3)
        }
    }

    private func compare(_ hours: [TrafficHour], _ change: (inout OwnGateway) -> Void = { _ in }) throws -> Comparison {
        var gateway = OwnGateway(sizing: catalogue.envoy)
        change(&gateway)
        return try Comparison(
            TrafficSeries(hours), Assumptions(), own: gateway, catalogue: catalogue, region: "us-east-1",
            against: ["alb"])
    }

    @Test("a fee is part of own and not of the break-even fee")
    func fee() throws {
        let without = try compare(hours)
        let with = try compare(hours) { $0.fee = Fraction(40) }
        #expect(try with.own.total == without.own.total + Fraction(40))
        #expect(with.alternatives[0].breakEvenFeePerBillion == without.alternatives[0].breakEvenFeePerBillion)
        #expect(try #require(with.alternatives[0].saving) < #require(without.alternatives[0].saving))
        // At the break-even fee nothing is saved and nothing lost.
        let breakEven = try #require(without.alternatives[0].breakEvenFeePerBillion)
        let even = try compare(hours) { $0.fee = try? breakEven * without.requests / 1_000_000_000 }
        #expect(even.alternatives[0].saving == .zero)
    }

    @Test("nodes for the busiest hour cost more than nodes that follow the hour")
    func nodes() throws {
        let hourly = try compare(hours)
        let peak = try compare(hours) { $0.nodes = .peak }
        // 1,000 and 10,000 requests a second: 4 vCPU at least.
        #expect(hourly.envoy.vcpuHours == Fraction(24 * 4 + 6 * 4))
        #expect(peak.own.nodes >= hourly.own.nodes)
        let large = try compare(hours.whatIf(requests: Fraction(10)))
        #expect(large.envoy.vcpuHours == Fraction(24 * 4 + 6 * 40))
        #expect(large.envoy.peakVCPU == Fraction(40))
        #expect(large.sensitivity.contains { $0.subject == "nodes" })
    }

    @Test("the cluster's fee is borne by the share")
    func cluster() throws {
        let half = try compare(hours) { $0.clusterShare = (try? Fraction(1, over: 2)) ?? .zero }
        #expect(half.own.other.decimal() == "1.5")
    }

    @Test("the strip has one letter an hour, a line a day, and the table says what was spread")
    func strip() throws {
        let result = try compare(hours)
        #expect(result.bindingStrip == String(repeating: "nb", count: 15))
        let table = result.table()
        #expect(table.contains("  2026-10-01  \(String(repeating: "nb", count: 12))\n  2026-10-02  nbnbnb\n"))
        #expect(table.contains("1 hour gave or got traffic that began before"))
    }

    @Test("health checks are taken off, never below zero, and said")
    func healthChecks() throws {
        let (rest, taken) = try hours.withoutHealthChecks(perHourAndTarget: 360, targets: 3)
        #expect(rest[0].newConnections == Fraction(998_920))
        #expect(rest[1].newConnections == .zero)
        #expect(taken == Fraction(15 * 1_080 + 15 * 1_000))
    }

    @Test("an idle month has no break-even fee and no division by zero")
    func idle() throws {
        let idle = TrafficHour(
            start: 0, requests: 0, newConnections: 0, activeConnections: .zero, bytes: 0)
        let result = try compare([idle])
        #expect(result.alternatives[0].breakEvenFeePerBillion == nil)
        #expect(result.table().contains("alb"))
    }

    @Test("a what-if changes what it names")
    func whatIf() throws {
        let other = try hours.whatIf(bytesPerRequest: Fraction(3), requestsPerConnection: Fraction(2))
        #expect(other[0].requests == hours[0].requests)
        #expect(other[0].bytes == Fraction(3_000_000_000))
        #expect(other[0].newConnections == Fraction(500_000))
        #expect(other[0].activeConnections == Fraction(50))
    }

    @Test("a month is filled with the hours in which nothing came")
    func filled() throws {
        let start = hours[0].start
        let month = hours.filled(from: start, to: start + 744 * 3_600_000_000)
        #expect(month.count == 744)
        let series = try TrafficSeries(month)
        #expect(series.missingHours == 0)
        #expect(series.totals == (try TrafficSeries(hours).totals))
    }

    @Test("a price that no load balancer offer holds is not sought there")
    func nodePrice() throws {
        let error = #expect(throws: LoadBalancerCostError.self) {
            try catalogue.require(.nodeVCPUHour, in: "eu-west-2")
        }
        #expect(try #require(error).message.contains("config/prices"))
        let offered = #expect(throws: LoadBalancerCostError.self) { try catalogue.require(.nlbUnit, in: "eu-west-2") }
        #expect(try #require(offered).message.contains("eu-west-2/index.json"))
    }
}
