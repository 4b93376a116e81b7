import Metering
import Testing

@Suite("Coverage")
struct CoverageTests {
    /// Seconds after 2026-11-01T00:00:00Z.
    private static func second(_ seconds: Int64) -> Timestamp {
        Timestamp(seconds: 1_793_491_200 + seconds)
    }

    private static func life(
        from started: Int64, observedFrom: Int64? = nil, to last: Int64, isDrained: Bool = false,
        successor: Int64? = nil, isInherited: Bool = false
    ) -> Coverage.Life {
        Coverage.Life(
            started: second(started), observedFrom: second(observedFrom ?? started), lastReading: second(last),
            isDrained: isDrained, successorStarted: successor.map { second($0) }, isInherited: isInherited)
    }

    /// A period of 1,000 seconds, looked at after its end unless said otherwise.
    private static func percent(_ lives: [Coverage.Life], asOf: Int64 = 100_000) -> String {
        Coverage(lives: lives, from: second(0), to: second(1000), asOf: second(asOf)).percent
    }

    @Test("Nothing expected is wholly covered")
    func nothing() {
        #expect(Self.percent([]) == "100.00")
        #expect(Self.percent([Self.life(from: 2000, to: 3000)]) == "100.00", "it began after the period")
    }

    @Test("A life over the whole period is covered from edge to edge")
    func whole() {
        #expect(Self.percent([Self.life(from: -500, to: 5000)]) == "100.00")
    }

    @Test("After a drained end nothing is expected")
    func drained() {
        #expect(Self.percent([Self.life(from: -500, to: 400, isDrained: true)]) == "100.00")
    }

    @Test("A life that fell silent is expected on, and missing")
    func silent() {
        #expect(Self.percent([Self.life(from: -500, to: 400)]) == "40.00")
    }

    @Test("What a killed process may have counted is missing until its successor begins")
    func killed() {
        let lives = [Self.life(from: -500, to: 400, successor: 500), Self.life(from: 500, to: 5000)]
        // 400 and 500 of 500 and 500 seconds.
        #expect(Self.percent(lives) == "90.00")
    }

    @Test("A hot-restarted child takes over what was pending: nothing is missing between them")
    func hotRestarted() {
        let lives = [
            Self.life(from: -500, to: 400, successor: 500, isInherited: true), Self.life(from: 500, to: 5000),
        ]
        #expect(Self.percent(lives) == "100.00")
    }

    @Test("What was counted before a baseline is missing")
    func baseline() {
        #expect(Self.percent([Self.life(from: -500, observedFrom: 250, to: 5000)]) == "75.00")
    }

    @Test("A living instance is not missing for the seconds since its last flush")
    func living() {
        #expect(Self.percent([Self.life(from: -500, to: 795)], asOf: 800) == "100.00")
        #expect(Self.percent([Self.life(from: -500, to: 600)], asOf: 800) == "75.00")
    }

    @Test("It is never above all, whatever the clocks say")
    func neverAboveAll() {
        #expect(Self.percent([Self.life(from: 300, observedFrom: 100, to: 5000)]) == "100.00")
        #expect(Self.percent([Self.life(from: 900, observedFrom: 2000, to: 100)]) == "0.00")
    }

    @Test("It is rounded down to two places")
    func rounded() {
        let coverage = Coverage(
            lives: [Self.life(from: 0, to: 299_900)], from: Self.second(0), to: Self.second(300_000),
            asOf: Self.second(400_000))
        #expect(coverage.percent == "99.96")
        #expect(!coverage.isBelow(hundredthsOfPercent: 9900))
        #expect(coverage.isBelow(hundredthsOfPercent: 10_000))
    }
}
