import Testing

@testable import Metering

/// Delta sources as odometers of the worker: what is added up, and what outlives the process.
@Suite struct OdometerTests {
    private let identity = StreamIdentity(
        gateway: "gw", instance: "a", bootID: OdometerEpoch(rawValue: 7).bootID)

    private func odometer(_ stream: Int64, _ source: SourceKind = .statsd) -> Odometer {
        Odometer(stream: StreamID(rawValue: stream), source: source, collect: .everything)
    }

    private func usage(_ ledger: inout MemoryLedger) throws -> [String: Int64] {
        Dictionary(uniqueKeysWithValues: try ledger.totals().map { ($0.name, $0.usage) })
    }

    @Test("Deltas add up to usage from 0, whenever metering began", arguments: [true, false])
    func addsUp(meteringSinceLater: Bool) throws {
        var ledger = MemoryLedger(meteringSince: meteringSinceLater ? .at(20, 0) : nil)
        var odometer = odometer(1)
        for second in 0..<1000 as Range<Int64> {
            odometer.add(
                [("http.a.downstream_rq_completed", 3), ("http.b.downstream_rq_completed", second % 2)],
                at: .at(12, 0, second * 5))
            if second % 7 == 0 {
                odometer.settle(at: .at(12, 0, second * 5 + 1))
                try ledger.commit(&odometer.tape, of: identity)
            }
        }
        odometer.end()
        try ledger.commit(&odometer.tape, of: identity)
        let metered = try usage(&ledger)
        #expect(metered == ["http.a.downstream_rq_completed": 3000, "http.b.downstream_rq_completed": 500])
        #expect(odometer.lastExport == .at(12, 0, 4995))
    }

    @Test(
        "A delta that is no count is refused and adds nothing",
        arguments: [
            (-1, .negative), (.nan, .notANumber), (0.5, .notWhole), (9_007_199_254_740_994, .tooLarge),
        ] as [(Double, Refusal)])
    func refuses(delta: Double, reason: Refusal) throws {
        var odometer = odometer(1)
        odometer.export(at: .at(12, 0))
        let isWanted = odometer.hasWanted("http.a")
        try #require(isWanted)
        odometer.add(delta)
        odometer.add(5 as Int64)
        #expect(odometer.tape.refusals == [reason: 1] && odometer.sums == [5])
    }

    @Test("A sum that would overflow refuses what is too much")
    func overflow() throws {
        var odometer = odometer(1)
        odometer.export(at: .at(12, 0))
        let isWanted = odometer.hasWanted("http.a")
        try #require(isWanted)
        for _ in 0..<1030 { odometer.add(CounterValue.maximum) }
        #expect(odometer.tape.refusals == [.tooLarge: 7], "1023 × 2^53 is the last that fits")
        odometer.add(-1 as Int64)
        #expect(odometer.tape.refusals[.negative] == 1)
    }

    @Test("An odometer goes on at the higher of spool and tape", arguments: [(100, 130), (130, 100), (130, 130)])
    func resumes(committed: Int64, sealed: Int64) throws {
        var ledger = MemoryLedger()
        var before = odometer(1)
        before.add([("http.a", committed)], at: .at(12, 0))
        before.end()
        try ledger.commit(&before.tape, of: identity)

        var after = odometer(2)
        let times = [(committed, Timestamp.at(12, 0)), (sealed, Timestamp.at(12, 0, 1))]
        for (value, time) in times {
            after.resume(.init(lastExport: time, sums: [.init(name: "http.a", value: value)]))
        }
        after.add([("http.a", 4)], at: .at(12, 0, 9))
        after.end()
        try ledger.commit(&after.tape, of: identity)
        let metered = try usage(&ledger)
        #expect(metered == ["http.a": max(committed, sealed) + 4])
        let totals = try ledger.totals()
        #expect(totals.allSatisfy { $0.resets == 0 && $0.epochs == 1 })
    }

    @Test("Two workers that hear one source in turn both count, without an alarm")
    func twoWorkers() throws {
        var ledger = MemoryLedger()
        var workers = [odometer(1), odometer(2)]
        for second in 0..<100 as Range<Int64> {
            workers[Int(second % 2)].add([("http.a", 1)], at: .at(12, 0, second))
        }
        for index in workers.indices {
            workers[index].end()
            let epoch = OdometerEpoch(rawValue: UInt64(index))
            try ledger.commit(
                &workers[index].tape, of: StreamIdentity(gateway: "gw", instance: "a", bootID: epoch.bootID))
        }
        let metered = try usage(&ledger)
        #expect(metered == ["http.a": 100])
        #expect(ledger.notes.isEmpty)
    }

    @Test("A clock that is set back makes no reset")
    func clockSetBack() throws {
        var ledger = MemoryLedger()
        var before = odometer(1)
        before.add([("http.a", 10)], at: .at(13, 0))
        before.add([("http.a", 10)], at: .at(12, 0))
        before.end()
        try ledger.commit(&before.tape, of: identity)
        var after = odometer(2)
        if let sealing = before.sealing { after.resume(sealing) }
        after.add([("http.a", 10)], at: .at(11, 0))
        after.end()
        try ledger.commit(&after.tape, of: identity)
        let metered = try usage(&ledger)
        #expect(metered == ["http.a": 30])
        let totals = try ledger.totals()
        #expect(totals.allSatisfy { $0.resets == 0 })
    }

    @Test("What is sealed is what changed, with the time of the last export")
    func seals() {
        var odometer = odometer(1)
        var sealing = odometer.unsealed()
        #expect(sealing == nil && odometer.sealing == nil)
        odometer.add([("http.a", 1), ("http.b", 2)], at: .at(12, 0))
        sealing = odometer.unsealed()
        #expect(
            sealing
                == .init(
                    lastExport: .at(12, 0), sums: [.init(name: "http.a", value: 1), .init(name: "http.b", value: 2)]))
        sealing = odometer.unsealed()
        #expect(sealing == nil)
        odometer.add([("http.b", 3)], at: .at(12, 0, 1))
        sealing = odometer.unsealed()
        #expect(sealing == .init(lastExport: .at(12, 0, 1), sums: [.init(name: "http.b", value: 5)]))
        odometer.export(at: .at(12, 0, 2))
        sealing = odometer.unsealed()
        #expect(sealing == .init(lastExport: .at(12, 0, 2), sums: []))
    }

    @Test("Crashes between seals lose what was not sealed and count nothing twice", arguments: 0..<200 as Range<UInt64>)
    func crashes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var ledger = MemoryLedger()
        var odometer = odometer(1)
        var spool: [String: Int64] = [:]
        var spooledAt: Timestamp?
        var expected: Int64 = 0
        var unsealed: Int64 = 0
        var nextStream: Int64 = 2
        for second in 0..<400 as Range<Int64> {
            let delta = Int64.random(in: 0...9, using: &random)
            odometer.add([("http.a", delta)], at: .at(12, 0, second * 5))
            unsealed += delta
            if Int.random(in: 0..<3, using: &random) == 0, let sealing = odometer.unsealed() {
                for sum in sealing.sums { spool[sum.name] = sum.value }
                spooledAt = sealing.lastExport
                expected += unsealed
                unsealed = 0
            }
            if unsealed == 0, Int.random(in: 0..<4, using: &random) == 0 {
                odometer.settle(at: .at(12, 0, second * 5 + 1))
                try ledger.commit(&odometer.tape, of: identity)
            }
            if Int.random(in: 0..<20, using: &random) == 0 {
                odometer = self.odometer(nextStream)
                nextStream += 1
                unsealed = 0
                if let spooledAt {
                    odometer.resume(
                        .init(lastExport: spooledAt, sums: spool.map { .init(name: $0.key, value: $0.value) }))
                }
            }
        }
        odometer.end()
        try ledger.commit(&odometer.tape, of: identity)
        let metered = try usage(&ledger)
        #expect(metered["http.a"] == expected + unsealed)
    }
}

extension Odometer {
    fileprivate mutating func hasWanted(_ name: String) -> Bool { wants(name.bytes.span) }

    fileprivate mutating func add(_ deltas: [(String, Int64)], at time: Timestamp) {
        export(at: time)
        for (name, delta) in deltas where wants(name.bytes.span) { add(delta) }
    }
}

extension String {
    fileprivate var bytes: [UInt8] { Array(utf8) }
}
