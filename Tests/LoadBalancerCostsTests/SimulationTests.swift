import LoadBalancerCosts
import Testing

@Suite struct SimulationTests {
    let catalogue = Fixture.catalogue
    let hours = [
        TrafficHour(
            start: 3_600_000_000, requests: 1_000, newConnections: 100, activeConnections: Fraction(10), bytes: 5_000)
    ]

    private func compare(_ hours: [TrafficHour], region: String = "us-east-1", metered: Bool = false) throws
        -> Comparison
    {
        var gateway = OwnGateway(sizing: catalogue.envoy)
        gateway.vcpuHourPrice = Fraction(1)
        return try Comparison(
            TrafficSeries(hours), Assumptions(), own: gateway, catalogue: catalogue, region: region, against: ["alb"],
            isMetered: metered)
    }

    @Test("means are brought to what is asked, whatever the growth")
    func means() throws {
        let (changed, changes) = try WhatIf(
            requestsFactor: Fraction(3), requestsPerConnection: Fraction(50), bytesPerRequest: Fraction(200)
        ).applied(to: hours)
        #expect(changed[0].requests == Fraction(3_000))
        #expect(changed[0].newConnections == Fraction(60))
        #expect(changed[0].bytes == Fraction(600_000))
        #expect(changes.count == 3)
        #expect(try WhatIf().applied(to: hours).hours == hours)
    }

    @Test("a mean that is not there can not be changed")
    func none() throws {
        let idle = [TrafficHour(idle: 0)]
        #expect(throws: LoadBalancerCostError.self) { try WhatIf(bytesPerRequest: Fraction(1)).applied(to: idle) }
        #expect(throws: LoadBalancerCostError.self) { try WhatIf(requestsPerConnection: .one).applied(to: idle) }
    }

    @Test("now stands beside then, with the change and its sign")
    func table() throws {
        let more = try WhatIf(requestsFactor: Fraction(100_000)).applied(to: hours)
        let simulation = try Simulation(
            now: compare(hours, metered: true), then: compare(more.hours), changes: more.changes)
        let table = simulation.table()
        #expect(
            table.hasPrefix("What if: requests × 100000\nNow:  Your own gateway cost 4.00 USD more than ALB would have")
        )
        #expect(table.contains("\nThen: Your own gateway would cost"))
        let own = try #require(table.split(separator: "\n").first { $0.hasPrefix("own") })
        #expect(own.contains("+"))
    }

    @Test("two currencies are never put beside each other")
    func currencies() throws {
        var yuan = catalogue
        yuan.regions["us-east-1"] = nil
        let now = try compare(hours)
        var china = try #require(catalogue.regions["cn-northwest-1"])
        for item in [PriceItem.nlbHour, .nlbUnit, .interZoneGigabyte] { china.prices[item] = china.prices[.albHour] }
        yuan.regions["cn-northwest-1"] = china
        var gateway = OwnGateway(sizing: catalogue.envoy)
        gateway.vcpuHourPrice = Fraction(1)
        let then = try Comparison(
            TrafficSeries(hours), Assumptions(), own: gateway, catalogue: yuan, region: "cn-northwest-1",
            against: ["alb"])
        let error = #expect(throws: LoadBalancerCostError.self) { try Simulation(now: now, then: then, changes: []) }
        #expect(error?.code == .mixedCurrencies)
    }
}

@Suite struct ReadableTests {
    @Test(
        "no amount that is something prints as nothing",
        arguments: [
            ("0", "0.00"), ("0.145", "0.145"), ("0.000268761", "0.0002688"), ("-0.144910413", "-0.1449"),
            ("0.0225", "0.0225"), ("0.5", "0.50"), ("1", "1.00"), ("1127.535", "1,127.54"), ("0.99999", "1.00"),
            ("0.000000000012345", "0.00000000001235"), ("-1234567.891", "-1,234,567.89"), ("0.02285", "0.02285"),
        ])
    func amounts(value: String, text: String) throws {
        #expect(try #require(Fraction(decimal: value)).readable == text)
    }

    @Test("counts agree with their nouns", arguments: [(0, "0 hours"), (1, "1 hour"), (1_440, "1,440 hours")])
    func counts(count: Int, text: String) {
        #expect(Counted.text(count, "hour") == text)
    }
}

@Suite struct StoredPriceTests {
    private func row(_ amount: String, _ currency: String = "USD", item: String = "alb_lcu") throws -> PriceRow {
        PriceRow(
            region: "us-east-1", item: item,
            price: ListPrice(
                amount: try #require(Fraction(decimal: amount)), currency: currency, source: "stored",
                date: "2026-10-01",
                inferred: false))
    }

    @Test("a stored price stands above the shipped one and is named as the source")
    func above() throws {
        let catalogue = try Fixture.catalogue.adding([row("0.009")])
        #expect(try catalogue.require(.albUnit, in: "us-east-1").source == "stored")
        #expect(
            try catalogue.require(.albHour, in: "us-east-1") == Fixture.catalogue.require(.albHour, in: "us-east-1"))
    }

    @Test("a stored price of another currency or of no item is refused")
    func refused() throws {
        let yuan = #expect(throws: LoadBalancerCostError.self) { try Fixture.catalogue.adding([row("1", "CNY")]) }
        #expect(yuan?.code == .mixedCurrencies)
        let item = #expect(throws: LoadBalancerCostError.self) { try Fixture.catalogue.adding([row("1", item: "x")]) }
        #expect(item?.code == .invalidInput)
    }

    @Test("a gateway load balancer costs its zones' hours, endpoints, units and bytes")
    func gatewayLoadBalancer() throws {
        // 2 GB and 1,200 new connections a second: 2 GLCU of each kind.
        let hour = TrafficHour(
            start: 0, requests: 0, newConnections: 4_320_000, activeConnections: .zero, bytes: 2_000_000_000)
        let cost = try GatewayLoadBalancerCost(
            TrafficSeries([hour]), Assumptions(), catalogue: Fixture.catalogue, region: "us-east-1")
        #expect(cost.use.unitHours == Fraction(2))
        // 3 × (0.0125 + 0.01) + 2 × 0.004 + 2 × 0.0035
        #expect(cost.total.decimal() == "0.0825")
    }
}
