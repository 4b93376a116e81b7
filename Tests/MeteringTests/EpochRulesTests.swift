import Metering
import Testing

/// Rules 3, 4 and 6: which life of an instance a stream belongs to, and where its counters open.
@Suite struct EpochRulesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var epochs: [EpochRecord]
        var bootID: String?
        var sign: LifeSign
        var expected: EpochRules.Decision
        var testDescription: String { name }

        init(
            _ name: String, _ epochs: [EpochRecord], bootID: String? = nil, _ sign: LifeSign,
            _ expected: EpochRules.Decision
        ) {
            self.name = name
            self.epochs = epochs
            self.bootID = bootID
            self.sign = sign
            self.expected = expected
        }
    }

    /// A sign at `second` of the scene by Envoy's clock, `received` by the worker's where that differs.
    private static func sign(_ second: Int64, up uptime: Int64?, received: Int64? = nil, hot: Int64 = 0) -> LifeSign {
        LifeSign(
            uptime: uptime, hotRestartEpoch: hot, sentAt: .at(12, 0, second), receivedAt: .at(12, 0, received ?? second)
        )
    }

    private static func epoch(_ id: Int64, _ first: LifeSign, _ last: LifeSign, boot: String? = nil) -> EpochRecord {
        EpochRecord(id: id, bootID: boot, first: first, last: last)
    }

    private static let life = epoch(1, sign(5, up: 5), sign(100, up: 100))
    private static let child = epoch(2, sign(106, up: 105, hot: 1), sign(130, up: 129, hot: 1))

    static let cases: [Case] = [
        Case("nothing is known", [], sign(5, up: 5), .new),
        Case("the next stream of the same life", [life], sign(106, up: 106), .known(1, undecided: false)),
        Case("a stream after an hour without a worker", [life], sign(3700, up: 3700), .known(1, undecided: false)),
        Case("kill -9 and a restart whose value overtakes, 10 to 12", [life], sign(110, up: 4), .new),
        Case("a restart right after the last reading", [life], sign(103, up: 2), .new),
        Case("a restart after a long silence, up longer than before", [life], sign(3700, up: 3000), .new),
        Case("a life of two seconds", [epoch(1, sign(1, up: 1), sign(2, up: 2))], sign(4, up: 1), .new),
        Case(
            "two lives that began within a second, which look alike", [epoch(1, sign(1, up: 1), sign(1, up: 1))],
            sign(2, up: 1), .known(1, undecided: false)),
        Case("a hot restart, by its epoch", [life], sign(106, up: 105, hot: 1), .new),
        Case(
            "uptime jumps back when the hot-restarted parent dies", [life, child], sign(135, up: 29, hot: 1),
            .known(2, undecided: false)),
        Case("a hot-restarted life is killed and starts anew", [life, child], sign(140, up: 3), .new),
        Case(
            "Envoy's clock is stepped two hours ahead", [life], sign(7305, up: 105, received: 105),
            .known(1, undecided: false)),
        Case(
            "Envoy's clock is stepped two hours back", [life], sign(-7095, up: 105, received: 105),
            .known(1, undecided: false)),
        Case(
            "the worker's clock is stepped two hours ahead", [life], sign(105, up: 105, received: 7305),
            .known(1, undecided: false)),
        Case(
            "the worker's clock is stepped two hours back", [life], sign(105, up: 105, received: -7095),
            .known(1, undecided: false)),
        Case(
            "a message that was thirty seconds under way", [life], sign(105, up: 105, received: 135),
            .known(1, undecided: false)),
        Case("no uptime", [life], sign(105, up: nil), .known(1, undecided: true)),
        Case(
            "another worker stored later readings of this life first",
            [epoch(1, sign(100, up: 100), sign(200, up: 200))], sign(50, up: 50), .known(1, undecided: false)),
        Case(
            "a life that is stored after its successor",
            [life, epoch(2, sign(300, up: 10), sign(400, up: 110))], sign(200, up: 40), .new),
        Case(
            "a stream of a hot-restarted life that is stored after a later one of it", [life, child],
            sign(104, up: 103, hot: 1), .known(2, undecided: false)),
        Case(
            "the older of two lives that are alive at once reconnects",
            [epoch(1, sign(5, up: 5), sign(200, up: 200)), epoch(2, sign(100, up: 3), sign(205, up: 108))],
            sign(210, up: 210), .known(1, undecided: false)),
        Case(
            "a known boot id, whatever the uptime", [epoch(1, sign(5, up: 5), sign(100, up: 100), boot: "a")],
            bootID: "a", sign(110, up: 4), .known(1, undecided: false)),
        Case(
            "a new boot id, whatever the uptime", [epoch(1, sign(5, up: 5), sign(100, up: 100), boot: "a")],
            bootID: "b", sign(110, up: 110), .new),
        Case("a boot id where there was none", [life], bootID: "a", sign(110, up: 110), .new),
        Case(
            "times that no clock shows",
            [
                epoch(
                    1, LifeSign(uptime: 5, sentAt: .earliest, receivedAt: .earliest),
                    LifeSign(uptime: LifeSign.longestUptime, sentAt: .earliest, receivedAt: .earliest))
            ],
            LifeSign(uptime: LifeSign.longestUptime, sentAt: .latest, receivedAt: .latest), .new),
    ]

    @Test("A stream is of the life that its first flush shows", arguments: cases)
    func decision(_ example: Case) {
        let decided = EpochRules.decide(bootID: example.bootID, sign: example.sign, epochs: example.epochs)
        #expect(decided == example.expected)
        let reversed = EpochRules.decide(bootID: example.bootID, sign: example.sign, epochs: example.epochs.reversed())
        #expect(reversed == example.expected, "the order of the epochs says nothing")
    }

    @Test(
        "A new epoch opens at 0 when its instance is metered already, or it started since metering began",
        arguments: [
            (uptime: 10, isMetered: false, since: Timestamp.at(11, 0), opensAtZero: true),
            (uptime: 3600, isMetered: false, since: .at(11, 30), opensAtZero: false),
            (uptime: 3600, isMetered: true, since: .at(11, 30), opensAtZero: true),
            (uptime: 3600, isMetered: false, since: nil, opensAtZero: true),
            (uptime: nil, isMetered: false, since: .at(11, 0), opensAtZero: false),
            (uptime: nil, isMetered: true, since: .at(11, 0), opensAtZero: true),
            (uptime: 60, isMetered: false, since: .at(11, 59), opensAtZero: true),
            (uptime: 61, isMetered: false, since: .at(11, 59), opensAtZero: false),
            // An uptime tells the second alone: in the one in which metering began nobody else counted.
            (
                uptime: 60, isMetered: false, since: .at(11, 59).advanced(byMicroseconds: 999_999), opensAtZero: true
            ),
            (
                uptime: 61, isMetered: false, since: .at(11, 59).advanced(byMicroseconds: 999_999), opensAtZero: false
            ),
        ] as [(uptime: Int64?, isMetered: Bool, since: Timestamp?, opensAtZero: Bool)])
    func opensAtZero(_ example: (uptime: Int64?, isMetered: Bool, since: Timestamp?, opensAtZero: Bool)) {
        let sign = Self.sign(0, up: example.uptime)
        let opens = EpochRules.opensAtZero(
            sign: sign, instanceIsMetered: example.isMetered, meteringSince: example.since)
        #expect(opens == example.opensAtZero)
    }

    @Test("A process is not made to look younger by a clock that runs ahead")
    func startsByTheEarlierClock() {
        #expect(Self.sign(60, up: 10, received: 0).startedAt == .at(11, 59, 50))
        #expect(Self.sign(0, up: 10, received: 60).startedAt == .at(11, 59, 50))
        #expect(
            Self.sign(-120, up: 10, received: 0).startedAt == .at(11, 59, 50), "a clock too far off says nothing")
    }
}
