import LoadBalancerCosts
import Testing

extension Generator {
    /// Quarter hours of two days from the epoch on, some without traffic, some with requests that began before.
    mutating func meteredTraffic(days: Int64) -> MeteredTraffic {
        var slices: [MeteredTraffic.Slice] = []
        var carries: [MeteredTraffic.Carry] = []
        for index in 0..<days * 96 where Int.random(in: 0..<4, using: &self) > 0 {
            let start = index * MeteredTrafficTests.quarter
            let requests = Int64.random(in: 0...3_000_000, using: &self)
            let connections = Int64.random(in: 0...90_000, using: &self)
            let bytes = Int64.random(in: 0...2_000_000_000, using: &self)
            slices.append(
                MeteredTraffic.Slice(
                    quarterHour: start, requests: requests, newConnections: connections,
                    activeConnectionParts: .random(in: 0...9_000_000_000, using: &self), bytes: bytes))
            if Int.random(in: 0..<3, using: &self) == 0 {
                carries.append(
                    MeteredTraffic.Carry(
                        quarterHour: start, requests: .random(in: 0...requests, using: &self),
                        newConnections: .random(in: 0...connections, using: &self),
                        bytes: .random(in: 0...bytes, using: &self),
                        since: start - .random(in: 1...20_000_000_000, using: &self),
                        until: start + .random(in: 0..<MeteredTrafficTests.quarter, using: &self)))
            }
        }
        return MeteredTraffic(slices: slices, carries: carries, partsPerConnection: 1_000_000)
    }
}

@Suite struct MeteredTrafficTests {
    static let hour: Int64 = 3_600_000_000
    static let quarter: Int64 = hour / 4
    static let seeds = Array(UInt64(1)...25)

    private func slice(_ quarterHour: Int64, requests: Int64 = 0, active: Int64 = 0) -> MeteredTraffic.Slice {
        MeteredTraffic.Slice(
            quarterHour: quarterHour * Self.quarter, requests: requests, newConnections: 1,
            activeConnectionParts: active, bytes: 1)
    }

    private func carry(_ quarterHour: Int64, _ requests: Int64, since: Int64, until: Int64) -> MeteredTraffic.Carry {
        MeteredTraffic.Carry(
            quarterHour: quarterHour * Self.quarter, requests: requests, since: since, until: until)
    }

    @Test("a flush over the edge of a quarter hour inside its hour moves and marks nothing")
    func insideTheHour() throws {
        let edge = 5 * Self.quarter
        let hours = try MeteredTraffic(
            slices: [slice(4, requests: 10), slice(5, requests: 100)],
            carries: [carry(5, 40, since: edge - 5_000_000, until: edge + 5_000_000)], partsPerConnection: 1_000_000
        ).hours(periodStart: 0)
        #expect(hours.map(\.requests) == [Fraction(110)])
        #expect(hours.map(\.spread) == [false])
    }

    @Test("what began in the hours before belongs to them evenly, and each hour that gave or got is marked")
    func overHours() throws {
        // 90 requests over an hour and a half that ends a quarter into the third hour: 15, 60 and 15 minutes.
        let hours = try MeteredTraffic(
            slices: [slice(8, requests: 100), slice(13, requests: 7)],
            carries: [carry(8, 90, since: 3 * Self.quarter, until: 9 * Self.quarter)], partsPerConnection: 1_000_000
        ).hours(periodStart: 0)
        #expect(hours.map(\.requests) == [15, 60, 25, 7].map { Fraction($0) })
        #expect(hours.map(\.spread) == [true, true, true, false])
        #expect(hours[0].newConnections == .zero)
    }

    @Test("connections and bytes that began before are spread as requests are")
    func allDimensions() throws {
        let hours = try MeteredTraffic(
            slices: [
                MeteredTraffic.Slice(
                    quarterHour: 8 * Self.quarter, requests: 100, newConnections: 9, activeConnectionParts: 0,
                    bytes: 900)
            ],
            carries: [
                MeteredTraffic.Carry(
                    quarterHour: 8 * Self.quarter, requests: 0, newConnections: 6, bytes: 600,
                    since: 3 * Self.quarter, until: 9 * Self.quarter)
            ], partsPerConnection: 1_000_000
        ).hours(periodStart: 0)
        #expect(hours.map(\.requests) == [0, 0, 100].map { Fraction($0) })
        #expect(hours.map(\.newConnections) == [1, 4, 4].map { Fraction($0) })
        #expect(hours.map(\.bytes) == [100, 400, 400].map { Fraction($0) })
        #expect(hours.map(\.spread) == [true, true, true])
    }

    @Test("nothing is moved out of the period")
    func withinThePeriod() throws {
        let hours = try MeteredTraffic(
            slices: [slice(4, requests: 100)],
            carries: [carry(4, 90, since: -40 * Self.hour, until: 5 * Self.quarter)], partsPerConnection: 1_000_000
        ).hours(periodStart: Self.hour)
        #expect(hours.map(\.requests) == [Fraction(100)])
        #expect(hours.map(\.spread) == [false])
    }

    @Test("active connections are the exact mean of four quarter hours, one without samples as none")
    func active() throws {
        let hours = try MeteredTraffic(
            slices: [slice(0, active: 1), slice(1, active: 3_500_000)], carries: [], partsPerConnection: 1_000_000
        ).hours(periodStart: 0)
        #expect(hours[0].activeConnections == (try Fraction(3_500_001, over: 4_000_000)))
    }

    @Test(
        "spreading keeps every sum, makes nothing negative and marks only hours whose requests changed",
        arguments: seeds)
    func sums(seed: UInt64) throws {
        var generator = Generator(state: seed &* 31)
        let traffic = generator.meteredTraffic(days: 2)
        let spread = try traffic.hours(periodStart: 0)
        let read = try MeteredTraffic(slices: traffic.slices, carries: [], partsPerConnection: 1_000_000).hours(
            periodStart: 0)
        let (after, before) = (try TrafficSeries(spread).totals, try TrafficSeries(read).totals)
        #expect(after == before)
        #expect(
            spread.allSatisfy {
                !$0.requests.isNegative && !$0.newConnections.isNegative && !$0.bytes.isNegative && $0.start >= 0
            })
        let original = Dictionary(uniqueKeysWithValues: read.map { ($0.start, $0) })
        for hour in spread where !hour.spread { #expect(original[hour.start] == hour) }
        #expect(spread.filter(\.spread).count > 1)
    }

    @Test("spread parts are even: no two whole hours inside the interval differ by more than one", arguments: seeds)
    func even(seed: UInt64) throws {
        var generator = Generator(state: seed &* 77)
        let count = Int64.random(in: 0...1_000_000, using: &generator)
        let from = Int64.random(in: 0...50_000_000_000, using: &generator)
        let to = from + Int64.random(in: 4 * Self.hour...30 * Self.hour, using: &generator)
        let parts = TrafficSeries.spread(count, from: from, to: to)
        let whole = parts.filter { $0.start >= from && $0.start + Self.hour <= to }.map(\.count)
        #expect(try #require(whole.max()) - #require(whole.min()) <= 1)
        #expect(parts.reduce(0) { $0 + $1.count } == count)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.start + Self.hour == $1.start })
    }

    @Test("filling lists each hour of the stretch once and adds no traffic", arguments: seeds)
    func filled(seed: UInt64) throws {
        var generator = Generator(state: seed &* 13)
        let hours = try generator.meteredTraffic(days: 2).hours(periodStart: 0)
        let from = Int64.random(in: 0...20, using: &generator) * Self.hour
        let to = Int64.random(in: 30...80, using: &generator) * Self.hour
        // An end inside an hour counts it whole, a beginning too.
        let filled = hours.filled(from: from + 1, to: to - 1)
        #expect(
            Set(filled.map(\.start)) == Set(hours.map(\.start)).union(stride(from: from, to: to, by: 3_600_000_000)))
        #expect(filled.count == Set(filled.map(\.start)).count)
        let (after, before) = (try TrafficSeries(filled).totals, try TrafficSeries(hours).totals)
        #expect(after == before)
        #expect(filled.filled(from: from, to: to) == filled)
    }

    @Test(
        "a gateway stands from the month's start or its first traffic, to the month's end or the last traffic so far",
        arguments: [
            // metering since, as of, first hour, hours
            (-1, 744, 0, 744), (5, 744, 9, 735), (-1, 100, 0, 13), (5, 100, 9, 4),
        ] as [(Int64, Int64, Int64, Int)])
    func standing(since: Int64, asOf: Int64, first: Int64, count: Int) {
        let traffic = [TrafficHour(idle: 9 * Self.hour), TrafficHour(idle: 12 * Self.hour)]
        let hours = traffic.standing(
            periodStart: 0, periodEnd: 744 * Self.hour, meteringSince: since * Self.hour, asOf: asOf * Self.hour)
        #expect(hours.first?.start == first * Self.hour)
        #expect(hours.count == count)
    }

    @Test("a month of 720 or 730 hours drops or adds idle hours alone, and refuses to drop traffic")
    func months() throws {
        var busy = (Int64(0)..<744).map { TrafficHour(idle: $0 * Self.hour) }
        for index in 0..<700 { busy[index].requests = Fraction(index + 1) }
        for count in [700, 720, 730, 744, 800] {
            let month = try busy.month(ofHours: count)
            #expect(month.count == count)
            let (after, before) = (try TrafficSeries(month).totals, try TrafficSeries(busy).totals)
            #expect(after == before)
        }
        let error = #expect(throws: LoadBalancerCostError.self) { try busy.month(ofHours: 699) }
        #expect(try #require(error).message.contains("700 hours have some"))
    }
}
