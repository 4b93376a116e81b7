import LoadBalancerCosts
import Testing

/// What is done to traffic before it is priced, and request-priced gateways over several months.
@Suite struct AdjustmentTests {
    static let hour: Int64 = 3_600_000_000

    private func hours(_ count: Int64, busy: Int64, requests: Int64 = 3_600, from start: Int64 = 0) -> [TrafficHour] {
        (0..<count).map { index in
            var hour = TrafficHour(idle: start + index * Self.hour)
            if index < busy { hour.requests = Fraction(requests) }
            return hour
        }
    }

    private func series(
        _ hours: [TrafficHour], isPattern: Bool, repeats: Int64 = 1, _ change: (inout TrafficAdjustments) -> Void
    ) throws -> (series: TrafficSeries, notes: [String], assumptions: Assumptions) {
        var adjustments = TrafficAdjustments()
        change(&adjustments)
        var assumptions = Assumptions()
        let (series, notes) = try adjustments.series(
            hours, repeats: repeats, isPattern: isPattern, freeRules: 10, &assumptions)
        return (series, notes, assumptions)
    }

    @Test(
        "another number of hours repeats a pattern, and moves only idle hours of metered traffic",
        arguments: [
            // listed, busy, hours, is pattern, requests that remain
            (24, 24, 720, true, 720), (24, 24, 730, true, 730), (1, 1, 730, true, 730), (24, 1, 730, true, 31),
            (744, 700, 730, false, 700), (744, 744, 730, false, 744), (1, 1, 730, false, 1), (744, 700, 730, true, 700),
        ] as [(Int64, Int64, Int64, Bool, Int64)])
    func otherHours(listed: Int64, busy: Int64, count: Int64, isPattern: Bool, requests: Int64) throws {
        let (series, notes, _) = try series(hours(listed, busy: busy), isPattern: isPattern) { $0.hours = count }
        #expect(series.hourCount == count)
        #expect(series.totals.requests == Fraction(requests * 3_600))
        #expect(notes.count == 1 && notes[0].contains("--hours"))
        let cost = try ClassicLoadBalancerCost(
            series, Assumptions(), catalogue: Fixture.catalogue, region: "us-east-1")
        #expect(cost.hourCharge == (try Fraction(count) / 40))
    }

    @Test(
        "rules processed come from route counts, each route beyond the free ones for itself", arguments: [true, false])
    func routes(isJSON: Bool) throws {
        // The mean is 8 rules, under the free ten: charging by the mean would charge nothing.
        let text =
            isJSON
            ? #"{"routes":[{"position":1,"requests":800,"route":"home"},{"position":36,"requests":200}]}"#
            : "route,position,requests\nhome,1,800\n\"the, rest\",36,200\n"
        let counts = try RouteCounts(Array(text.utf8), name: "routes")
        #expect(try counts.rulesPerRequest() == Fraction(8))
        #expect(try counts.evaluationsPerRequest(free: 10).decimal() == "5.2")
        var listed = hours(2, busy: 2)
        listed[1].ruleEvaluations = Fraction(7)
        let (series, notes, assumptions) = try series(listed, isPattern: true) { $0.routes = counts }
        #expect(try series.hours.map(\.ruleEvaluations) == [Fraction(18_720), Fraction(7)])
        #expect(assumptions.rules == 8)
        #expect(assumptions.source(.rules).contains("routes"))
        #expect(notes == ["rules processed: 8 a request on the mean of routes, of which 5.2 are charged"])
    }

    @Test(
        "route counts that say nothing are refused",
        arguments: [
            ("{\"routes\":[]}", "counts no request"),
            ("{\"routes\":[{\"position\":0,\"requests\":1}]}", "position from 1"),
            ("{\"routes\":[{\"position\":1}]}", "lacks `requests`"), ("position,requests\n1,-1\n", "line 2"),
            ("position\n1\n", "'requests' is missing"), ("position,requests\n1,nan\n", "give a number"),
            ("", "is empty"),
        ])
    func badRoutes(text: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) { try RouteCounts(Array(text.utf8), name: "r.csv") }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
    }

    @Test("health checks are taken off each hour, at most what it has, and counted with the repetition")
    func checks() throws {
        var listed = hours(2, busy: 2)
        listed[0].newConnections = Fraction(1_000)
        listed[1].newConnections = Fraction(50)
        let (series, notes, _) = try series(listed, isPattern: true, repeats: 10) {
            $0.healthChecks = .init(perHourAndTarget: 120, targets: 3)
        }
        #expect(series.totals.newConnections == Fraction(6_400))
        #expect(notes[0].hasPrefix("4,100 new connections are only health checks"))
    }

    @Test(
        "monthly charges and tiers begin anew each month, by date or by 730 hours",
        arguments: [
            // first hour (days since 1970), listed, repeats, months
            (0, 744, 1, 1), (0, 745, 1, 1), (0, 24 * 59, 1, 2), (0, 24 * 365, 1, 12), (30, 24 * 59, 1, 2),
            (0, 1, 8760, 12),
            (0, 24, 365, 12), (0, 1, 720, 1), (0, 1, 744, 1),
        ] as [(Int64, Int64, Int64, Int64)])
    func months(day: Int64, listed: Int64, repeats: Int64, months: Int64) throws {
        // Each month 1,200,000 requests or fewer: the first million of each is free.
        let count = 600_000 * months
        var list = hours(listed, busy: 0, from: day * 24 * Self.hour)
        for index in list.indices { list[index].requests = try Fraction(Int128(count), over: Int128(listed * repeats)) }
        let series = try TrafficSeries(list, repeats: repeats)
        let kong = try #require(Fixture.catalogue.gateways["kong-plus"]).cost(of: series)
        #expect(kong.fixed == Fraction(500 * months))
        #expect(kong.requests == .zero)
        #expect(kong.countedRequests == Fraction(count))
    }

    @Test("an import of one's own definitions stands above what is shipped, and nothing else changes")
    func ownDefinitions() throws {
        let file = PriceFile(
            name: "own.yaml",
            text: """
                capacity_units:
                  gwlb: { source: mine, date: 2027-01, inferred: true, new_flows_per_second: 6, active_flows: 7, gigabytes_per_hour: 8 }
                gateways:
                  ours: { name: Ours, currency: USD, tiers: [{ price: "0.5" }], source: mine, date: 2027-01-01, inferred: false }
                regions:
                  us-east-1:
                    currency: USD
                    prices: { alb_hour: { amount: 1, source: mine, date: 2027-01-01, inferred: false } }
                """)
        let contents = try PriceFileContents(file)
        let catalogue = try Fixture.catalogue.adding(contents)
        #expect(catalogue.gateways["ours"]?.name == "Ours")
        #expect(catalogue.capacityUnits.gateway?.newFlowsPerSecond == Fraction(6))
        #expect(catalogue.capacityUnits.network == Fixture.catalogue.capacityUnits.network)
        #expect(catalogue.price(.albHour, in: "us-east-1")?.amount == .one)
        #expect(catalogue.price(.nlbHour, in: "us-east-1") == Fixture.catalogue.price(.nlbHour, in: "us-east-1"))
        // Read back from its stored text it is the same.
        for definition in Fixture.catalogue.definitions.values {
            let again = CatalogueDefinition(
                kind: definition.kind, name: definition.name, text: definition.text, origin: definition.origin)
            let read = try Fixture.catalogue.adding([again])
            #expect(read.capacityUnits == Fixture.catalogue.capacityUnits)
            #expect(read.gateways == Fixture.catalogue.gateways)
        }
    }

    @Test(
        "a file of prices with a key that is not known, or a definition that is none, is refused with its line",
        arguments: [
            ("gateway:\n  x: 1\n", "unknown key"),
            ("capacity_units:\n  glb: { source: a, date: b, inferred: true }\n", "alb, nlb or gwlb"),
            ("gateways:\n  x: { name: X, currency: USD, source: a, date: b, inferred: maybe }\n", "give true or false"),
            (
                "gateways:\n  x:\n    name: X\n    currency: USD\n    tiers: [{ up_to: 5, price: 1 }]\n    source: a\n"
                    + "    date: b\n    inferred: true\n", "no last tier"
            ),
        ])
    func badFiles(text: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) {
            try PriceFileContents(PriceFile(name: "own.yaml", text: text))
        }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
        #expect(try #require(error).message.contains("own.yaml:"))
    }
}
