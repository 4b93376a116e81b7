import Metering
import Testing

/// Rule 5, and rule 3 for two lives at once.
@Suite struct IdentityConflictTests {
    /// Readings every five seconds, one more each time.
    private func steady(_ start: Timestamp, minutes: Int64, from value: Int64) -> [(Timestamp, Int64)] {
        (0...(minutes * 12)).map { (start.plus(seconds: $0 * 5), value + $0) }
    }

    private func conflicts(_ usage: InstanceUsage) -> [Gap] {
        usage.gaps.filter { $0.reason == .identityConflict }
    }

    @Test(
        "Two Envoys under one name without a boot id: usage stops at the last good reading", arguments: [true, false])
    func interleave(_ hasUptime: Bool) throws {
        var scene = Scene()
        try scene.stream(
            steady(.at(12, 0), minutes: 20, from: 1000), bootID: nil, started: hasUptime ? .at(9, 0) : nil,
            mark: .at(12, 5, 2))
        try scene.stream(
            steady(.at(12, 5, 2), minutes: 5, from: 1), bootID: nil, started: hasUptime ? .at(12, 5) : nil)
        let usage = try scene.usage(12, 0)
        #expect(usage.counters.map(\.quantity).reduce(0, +) == 1060, "1000 at 12:00:00, 1060 at 12:05:00")
        let gap = try #require(conflicts(usage).first)
        #expect(gap.from == .at(12, 5, 0) || hasUptime)
        #expect(gap.to > .at(12, 9, 59) && gap.to < .at(12, 15))
        // Both Envoys answered one request in each of sixty flushes.
        #expect(try #require(gap.upper) >= 120)
        #expect(gap.basis == .rate)
    }

    @Test("Usage goes on after a conflict from the first reading that follows it")
    func afterTheConflict() throws {
        var scene = Scene()
        try scene.stream(steady(.at(12, 0), minutes: 40, from: 1000), bootID: nil, mark: .at(12, 5, 2))
        try scene.stream(steady(.at(12, 5, 2), minutes: 5, from: 1), bootID: nil)
        let usage = try scene.usage(12, 30)
        #expect(usage.counters.map(\.quantity) == [121], "1360 at 12:30:00, and one more each 5 s to 12:40")
        #expect(conflicts(usage).isEmpty)
    }

    @Test("The same boot id at two Envoys is a conflict too")
    func sameBootID() throws {
        var scene = Scene()
        try scene.stream(steady(.at(12, 0), minutes: 5, from: 1000))
        try scene.stream(steady(.at(12, 0, 2), minutes: 5, from: 1))
        #expect(try conflicts(scene.usage(12, 0)).isEmpty == false)
        #expect(try scene.total() == 1000)
    }

    @Test("Two boot ids alive under one name both count, and are flagged")
    func twoLives() throws {
        var scene = Scene()
        try scene.stream(steady(.at(12, 0), minutes: 5, from: 1000), bootID: "a")
        try scene.stream(steady(.at(12, 0, 2), minutes: 5, from: 1), bootID: "b")
        let usage = try scene.usage(12, 0)
        #expect(usage.hasTwoLives && conflicts(usage).isEmpty)
        #expect(try scene.total() == 1060 + 61)
    }

    @Test("A failover is no conflict", arguments: [5, 0, -5] as [Int64])
    func failover(_ pause: Int64) throws {
        var scene = Scene()
        try scene.stream(steady(.at(12, 0), minutes: 5, from: 1000), bootID: nil)
        try scene.stream(steady(.at(12, 5, pause), minutes: 5, from: 1060 + pause / 5), bootID: nil)
        #expect(try conflicts(scene.usage(12, 0)).isEmpty)
        #expect(try scene.total() == 1120 + pause / 5)
    }

    @Test("One Envoy with two sinks is no conflict, also where one stream ends early or its clock is off")
    func twoSinks() throws {
        for (minutes, clockOffset) in [(14, 0), (4, 0), (14, 7200), (4, 7200)] as [(Int64, Int64)] {
            var scene = Scene()
            try scene.stream(steady(.at(12, 0), minutes: 14, from: 1000), bootID: nil, clockOffset: clockOffset)
            let other = steady(.at(12, 0), minutes: minutes, from: 1000)
            try scene.stream(other, bootID: nil, clockOffset: clockOffset)
            let usage = try scene.usage(12, 0)
            #expect(conflicts(usage).isEmpty && !usage.hasTwoLives)
            #expect(try scene.total() == 1168)
        }
    }

    @Test("Three falls of a connection manager's counter within ten flushes are a conflict; of another they are resets")
    func threeFalls() throws {
        let values: [Int64] = [100, 5, 101, 6, 102, 7, 103]
        let readings = values.enumerated().map { (Timestamp.at(12, 0, Int64($0) * 5), $1) }
        var scene = Scene()
        try scene.stream(readings)
        #expect(try scene.total() == 100)
        let gap = try #require(conflicts(try scene.usage(12, 0)).first)
        #expect(gap.from == .at(12, 0, 0) && gap.to == .at(12, 0, 30) && gap.upper == nil)

        var other = Scene()
        try other.stream(readings, name: "cluster.a.upstream_rq_2xx")
        #expect(try other.total() == 100 + 5 + 96 + 6 + 96 + 7 + 96)
    }

    @Test("Two falls are resets, and so are three with eleven flushes between them")
    func fewFalls() throws {
        var scene = Scene()
        try scene.stream([100, 5, 101, 6, 102].enumerated().map { (.at(12, 0, Int64($0) * 5), $1) })
        #expect(try scene.total() == 100 + 101 + 102)
        var slow = Scene()
        let values: [Int64] = (0..<40).map { $0 % 11 + 1 }
        try slow.stream(values.enumerated().map { (.at(12, 0, Int64($0) * 5), $1) })
        #expect(try conflicts(slow.usage(12, 0)).isEmpty)
        #expect(try slow.total() == 11 + 11 + 11 + 7)
    }
}
