import LoadBalancerCosts
import Testing

/// A small generator (SplitMix64), so that a failing case can be had again from its seed.
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func hour(_ index: Int64) -> TrafficHour {
        TrafficHour(
            start: index * 3_600_000_000, requests: Int64.random(in: 0...5_000_000, using: &self),
            newConnections: Int64.random(in: 0...2_000_000, using: &self),
            activeConnections: (try? Fraction(Int128.random(in: 0...3_000_000, using: &self), over: 60)) ?? .zero,
            bytes: Int64.random(in: 0...90_000_000_000, using: &self),
            lambdaBytes: Int64.random(in: 0...5_000_000_000, using: &self),
            ruleEvaluations: Bool.random(using: &self) ? nil : Int64.random(in: 0...90_000_000, using: &self))
    }

    mutating func hours(_ count: Int64) -> [TrafficHour] { (0..<count).map { hour($0) } }

    mutating func assumptions() -> Assumptions {
        var assumptions = Assumptions()
        assumptions.rules = Int64.random(in: 0...200, using: &self)
        assumptions.certificateKey = CertificateKey.allCases.randomElement(using: &self) ?? .rsa2048
        assumptions.mutualTLS = Bool.random(using: &self)
        assumptions.trustStores = Int64.random(in: 0...2, using: &self)
        assumptions.zones = Int64.random(in: 1...6, using: &self)
        assumptions.crossZone = Bool.random(using: &self)
        assumptions.nlbListener = ListenerProtocol.allCases.randomElement(using: &self) ?? .tcp
        assumptions.gigabyte = Bool.random(using: &self) ? .decimal : .binary
        return assumptions
    }
}

@Suite struct PropertyTests {
    let catalogue = Fixture.catalogue
    static let seeds = Array(UInt64(1)...25)

    private func totals(_ hours: [TrafficHour], _ assumptions: Assumptions) throws -> [Fraction] {
        let series = try TrafficSeries(hours)
        return [
            try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: "us-east-1").total,
            try NetworkLoadBalancerCost(series, assumptions, catalogue: catalogue, region: "us-east-1").total,
            try ClassicLoadBalancerCost(series, assumptions, catalogue: catalogue, region: "us-east-1").total,
            try InterZoneCost(series, assumptions, catalogue: catalogue, region: "us-east-1").total,
        ]
    }

    @Test("no cost falls when a quantity grows", arguments: seeds)
    func monotone(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let hours = generator.hours(6)
        let assumptions = generator.assumptions()
        let before = try totals(hours, assumptions)
        let grow: [(inout TrafficHour) throws -> Void] = [
            { $0.requests = try $0.requests * 3 }, { $0.newConnections = try $0.newConnections * 3 },
            { $0.activeConnections = try $0.activeConnections * 3 }, { $0.bytes = try $0.bytes * 3 },
            { $0.lambdaBytes = try $0.lambdaBytes * 3 },
            { $0.ruleEvaluations = try $0.ruleEvaluations.map { try $0 * 3 } },
        ]
        for change in grow {
            var more = hours
            for index in more.indices { try change(&more[index]) }
            #expect(try zip(before, totals(more, assumptions)).allSatisfy { $0 <= $1 })
        }
    }

    @Test("no cost falls when an assumption is dearer", arguments: seeds)
    func monotoneAssumptions(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let hours = generator.hours(6)
        var assumptions = generator.assumptions()
        assumptions.mutualTLS = false
        assumptions.crossZone = false
        assumptions.certificateKey = .rsa2048
        let before = try totals(hours, assumptions)
        let grow: [(inout Assumptions) -> Void] = [
            { $0.rules += 7 }, { $0.mutualTLS = true }, { $0.trustStores += 1 }, { $0.crossZone = true },
            { $0.certificateKey = .rsa4096 }, { $0.externalTrafficPolicy = .cluster },
        ]
        for change in grow {
            var dearer = assumptions
            change(&dearer)
            #expect(try zip(before, totals(hours, dearer)).allSatisfy { $0 <= $1 })
        }
    }

    @Test("the cost of two stretches of hours is the sum of their costs", arguments: seeds)
    func additive(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let hours = generator.hours(10)
        let assumptions = generator.assumptions()
        let whole = try totals(hours, assumptions)
        let first = try totals(Array(hours[..<4]), assumptions)
        let second = try totals(Array(hours[4...]), assumptions)
        for index in whole.indices { #expect(try whole[index] == first[index] + second[index]) }
    }

    @Test("no load balancer costs less than its hours", arguments: seeds)
    func atLeastTheHours(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let hours = generator.hours(5)
        let costs = try totals(hours, generator.assumptions())
        for (cost, item) in zip(costs, [PriceItem.albHour, .nlbHour, .clbHour]) {
            #expect(try cost >= catalogue.require(item, in: "us-east-1").amount * 5)
        }
    }

    @Test("the sum of the hours' maxima is never below the maximum of the averages", arguments: seeds)
    func sumOfMaxima(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let series = try TrafficSeries(generator.hours(8))
        let use = try ApplicationLoadBalancerCost(
            series, generator.assumptions(), catalogue: catalogue, region: "us-east-1"
        ).use
        let ofAverages = try #require(use.dimensionHours.values.max())
        #expect(use.unitHours >= ofAverages)
        #expect(use.dimensionHours.count == CapacityDimension.allCases.count)
    }

    @Test("the maximum of averages is the wrong method: it gives 4.3 LCU-hours where 12 are billed")
    func wrongMethod() throws {
        // In each hour another dimension binds with 3 LCU: new connections, active ones, bytes, rule evaluations.
        let counts: [[Int64]] = [
            [270_000, 1_200, 500_000_000, 0], [27_000, 9_000, 500_000_000, 1_800_000],
            [27_000, 1_200, 3_000_000_000, 1_800_000], [0, 1_500, 300_000_000, 10_800_000],
        ]
        let hours = counts.enumerated().map { index, count in
            TrafficHour(
                start: Int64(index) * 3_600_000_000, requests: 0, newConnections: count[0],
                activeConnections: Fraction(count[1]), bytes: count[2], ruleEvaluations: count[3])
        }
        let use = try ApplicationLoadBalancerCost(
            TrafficSeries(hours), Assumptions(), catalogue: catalogue, region: "us-east-1"
        ).use
        #expect(use.unitHours == Fraction(12))
        #expect(use.binding == [.new, .active, .bytes, .rules])
        #expect(use.dimensionHours.values.max()?.decimal() == "4.3")
    }

    @Test("a tie goes to the first dimension, an idle hour to new connections")
    func ties() throws {
        func binding(_ new: Int64, _ active: Int64, _ bytes: Int64, _ rules: Int64) throws -> CapacityDimension? {
            let hour = TrafficHour(
                start: 0, requests: 0, newConnections: new, activeConnections: Fraction(active), bytes: bytes,
                ruleEvaluations: rules)
            return try ApplicationLoadBalancerCost(
                TrafficSeries([hour]), Assumptions(), catalogue: catalogue, region: "us-east-1"
            ).use.binding.first
        }
        #expect(try binding(0, 0, 0, 0) == .new)
        #expect(try binding(90_000, 3_000, 1_000_000_000, 3_600_000) == .new)
        #expect(try binding(0, 3_000, 1_000_000_000, 3_600_000) == .active)
        #expect(try binding(0, 0, 1_000_000_000, 3_600_000) == .bytes)
    }

    @Test("repeating a list costs as often as the list")
    func repetition() throws {
        var generator = Generator(state: 7)
        let hours = generator.hours(3)
        let once = try ApplicationLoadBalancerCost(
            TrafficSeries(hours), Assumptions(), catalogue: catalogue, region: "us-east-1")
        let often = try ApplicationLoadBalancerCost(
            TrafficSeries(hours, repeats: 240), Assumptions(), catalogue: catalogue, region: "us-east-1")
        #expect(try often.total == once.total * 240)
        #expect(often.hours == 720)
        #expect(often.use.bindingHours.values.reduce(0, +) == 720)
    }

    @Test("a reservation is charged every hour, and what exceeds it in its hour")
    func reservation() throws {
        let hours = [50, 250].enumerated().map { index, units in
            TrafficHour(
                start: Int64(index) * 3_600_000_000, requests: 0, newConnections: 0, activeConnections: .zero,
                bytes: Int64(units) * 1_000_000_000)
        }
        var assumptions = Assumptions()
        assumptions.lcuReservation = 100
        let cost = try ApplicationLoadBalancerCost(
            TrafficSeries(hours), assumptions, catalogue: catalogue, region: "us-east-1")
        #expect(cost.reservationCharge.decimal() == "1.6")
        #expect(cost.lcuCharge.decimal() == "1.2")
        #expect(cost.use.unitHours == Fraction(300))
        #expect(cost.total.decimal() == "2.845")
    }

    @Test("a count that is spread over hours keeps its sum", arguments: seeds)
    func spread(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let count = Int64.random(in: 0...1_000_000, using: &generator)
        let from = Int64.random(in: 0...50_000_000_000, using: &generator)
        let parts = TrafficSeries.spread(
            count, from: from, to: from + Int64.random(in: 0...30_000_000_000, using: &generator))
        #expect(parts.reduce(0) { $0 + $1.count } == count)
        #expect(parts.allSatisfy { $0.count >= 0 && $0.start % 3_600_000_000 == 0 })
    }
}
