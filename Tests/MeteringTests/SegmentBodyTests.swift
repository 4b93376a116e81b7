import Testing

@testable import Metering

/// The encoding of segments: what was written is read, and what is broken is an error.
@Suite struct SegmentBodyTests {
    private static func ids(_ count: Int) -> [CounterID] { (0..<count).map { CounterID(rawValue: Int64($0) * 7) } }

    private func runs(_ segment: Segment) throws -> [CounterID: [Run]] {
        var runs: [CounterID: [Run]] = [:]
        try segment.forEachRun { runs[$0, default: []].append($1) }
        return runs
    }

    private func gauges(_ segment: Segment) throws -> [CounterID: [Int64?]] {
        var gauges: [CounterID: [Int64?]] = [:]
        try segment.forEachGauge { gauges[$0] = $1 }
        return gauges
    }

    private func randomSegment(_ random: inout SeededGenerator) -> (segment: Segment, runs: [CounterID: [Run]]) {
        let start = Timestamp.at(12, 0)
        let last = start.advanced(byMicroseconds: random.pick(0...899_999_999))
        let counters = Self.ids(Int(random.pick(0...12)))
        var body = SegmentBody.Writer(firstFlush: start, lastFlush: last, slots: counters.count)
        var expected: [CounterID: [Run]] = [:]
        for counter in counters {
            var times = (0..<(2 * random.pick(0...4))).map { _ in
                start.advanced(byMicroseconds: random.pick(0...last.microseconds(since: start)))
            }
            times.sort()
            // Mostly a counter is read in every flush, and so are its neighbours.
            if random.chance(40) { times = [start, last] }
            if !times.isEmpty, random.chance(50) { times[0] = start }
            if !times.isEmpty, random.chance(50) { times[times.count - 1] = last }
            let runs = Swift.stride(from: 0, to: times.count, by: 2).map { index in
                let peak = random.chance(5) ? Int64.max : random.pick(0...CounterValue.maximum)
                return Run(
                    first: Reading(time: times[index], value: random.pick(0...peak)),
                    peak: Reading(time: times[index + 1], value: peak))
            }
            body.append(runs)
            if !runs.isEmpty { expected[counter] = runs }
        }
        let segment = Segment(
            stream: StreamID(rawValue: 1), quarterHour: QuarterHour(containing: start), revision: 1, firstFlush: start,
            lastFlush: last, flushes: 2, recentFlushes: [], counters: counters, gauges: [], body: body.finish(),
            gaugeBody: [],
            temporality: .cumulative)
        return (segment, expected)
    }

    @Test("Runs are read as they were written")
    func roundTrip() throws {
        for seed in UInt64(1)...300 {
            var random = SeededGenerator(seed: seed)
            let (segment, expected) = randomSegment(&random)
            #expect(try runs(segment) == expected, "seed \(seed)")
        }
    }

    @Test("A body that was cut or changed gives an error or readings, and usage never below 0")
    func damage() throws {
        for seed in UInt64(1)...4 {
            var random = SeededGenerator(seed: seed)
            let whole = randomSegment(&random).segment
            var bodies = whole.body.indices.map { Array(whole.body[..<$0]) }
            for index in whole.body.indices {
                for bit in 0..<8 {
                    var changed = whole.body
                    changed[index] ^= 1 << bit
                    bodies.append(changed)
                }
                bodies.append(Array(whole.body[..<index]) + Array(repeating: 0xff, count: 12))
            }
            for body in bodies {
                var damaged = whole
                damaged.body = body
                let tape = EpochTape(
                    epoch: 1, bootID: nil, opening: EpochOpening(started: nil), previous: [whole], current: [damaged])
                do {
                    let usage = try InstanceUsage(
                        quarterHour: damaged.quarterHour, epochs: [tape], isConnectionManagers: { _ in true })
                    #expect(usage.counters.allSatisfy { $0.quantity >= 0 }, "seed \(seed), body \(body)")
                } catch let error as MeteringError {
                    #expect(error.code == .segment)
                }
            }
        }
    }

    @Test("A run of a slot that the counter set does not have is named")
    func wrongCounterSet() throws {
        var random = SeededGenerator(seed: 3)
        var segment = randomSegment(&random).segment
        segment.counters = []
        let error = #expect(throws: MeteringError.self) { try runs(segment) }
        #expect(error?.message.contains("does not fit its counter set") == true)
    }

    @Test("A body that was written with a header for each slot is still read")
    func headers() throws {
        var segment = Segment(
            stream: StreamID(rawValue: 1), quarterHour: QuarterHour(containing: .at(12, 0)), revision: 1,
            firstFlush: .at(12, 0), lastFlush: .at(12, 14), flushes: 2, recentFlushes: [], counters: Self.ids(4),
            gauges: [], body: [4, 9, 2, 0, 4, 8, 8, 4, 7, 0], gaugeBody: [], temporality: .cumulative)
        let written = try runs(segment)
        #expect(
            written.mapValues { $0.map(\.peak.value) } == [
                .init(rawValue: 0): [9], .init(rawValue: 14): [8], .init(rawValue: 21): [7],
            ])
        // The same with one header for two in a row.
        segment.body = [4, 9, 2, 0, 1, 2, 8, 8, 7, 0]
        #expect(try runs(segment) == written)
        segment.body = [1, 5, 9, 2]
        #expect(throws: MeteringError.self) { try runs(segment) }
    }

    @Test("Sixty counters read in every flush of a quarter hour take less than 600 bytes")
    func size() throws {
        var random = SeededGenerator(seed: 1)
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        var values = (0..<60).map { _ in random.pick(0...2_000_000_000) }
        for flush in 0..<180 as Range<Int64> {
            for index in values.indices { values[index] += random.pick(0...9000) }
            tape.feed(values.enumerated().map { .counter("http.h\($0).rq", $1) }, at: .at(12, 0, flush * 5))
        }
        let segment = try #require(tape.segments(after: 0, counters: Self.ids(60), gauges: []).first)
        #expect(segment.body.count < 600)
        #expect(segment.recentFlushBody.count < 60)
        #expect(try runs(segment).count == 60)
    }

    @Test("A gauge's samples are read as they were taken, a minute each")
    func gaugeMinutes() throws {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        for (minute, second, value) in [(0, 5, 7), (0, 55, 9), (3, 0, 0), (14, 59, 2)] as [(Int64, Int64, Int64)] {
            tape.feed([.gauge("http.a.downstream_cx_active", value)], at: .at(12, minute, second))
        }
        let segment = try #require(tape.segments(after: 0, counters: [], gauges: Self.ids(1)).first)
        var expected = [Int64?](repeating: nil, count: 15)
        (expected[0], expected[3], expected[14]) = (9, 0, 2)
        #expect(try gauges(segment) == [CounterID(rawValue: 0): expected])
        for cut in segment.gaugeBody.indices {
            var damaged = segment
            damaged.gaugeBody = Array(segment.gaugeBody[..<cut])
            if cut > 0 { #expect(throws: MeteringError.self) { try gauges(damaged) } }
            damaged.gaugeBody = segment.gaugeBody
            damaged.gaugeBody[cut] ^= 0xff
            _ = try? gauges(damaged)
        }
        let usage = GaugeUsage(epoch: 1, gauge: CounterID(rawValue: 0), minutes: expected)
        #expect(usage.sum == 11 && usage.samples == 3 && usage.maximum == 9)
    }

    @Test("The times of flushes are read as they were written, also those later than the last")
    func recentFlushes() throws {
        var random = SeededGenerator(seed: 1)
        var segment = randomSegment(&random).segment
        segment.recentFlushes = [.earliest, .at(11, 0), segment.lastFlush, .at(14, 0), .latest]
        let body = segment.recentFlushBody
        #expect(try Segment.recentFlushes(body, lastFlush: segment.lastFlush) == segment.recentFlushes)
        #expect(throws: MeteringError.self) {
            try Segment.recentFlushes([0x80], lastFlush: segment.lastFlush)
        }
        // Whole milliseconds are written as such, and what was written before that is still read.
        segment.recentFlushes = [.at(11, 0), .at(12, 0), .at(14, 0)]
        segment.lastFlush = .at(12, 0)
        let short = segment.recentFlushBody
        #expect(short.first == 1 && short.count < body.count)
        #expect(try Segment.recentFlushes(short, lastFlush: .at(12, 0)) == segment.recentFlushes)
        #expect(
            try Segment.recentFlushes([0, 0x80, 0x08], lastFlush: .at(12, 0)) == [
                .at(12, 0), .at(12, 0).advanced(byMicroseconds: -512),
            ])
        let far: [UInt8] = Array(repeating: 0xff, count: 9) + [1]
        #expect(try Segment.recentFlushes(far, lastFlush: .at(12, 0)) == [.latest])
    }
}
