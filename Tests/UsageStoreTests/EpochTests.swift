import Metering
import Testing

@testable import UsageStore

/// Which life of an instance a stream belongs to, and what it opens at (rules 3, 4, 6 and 10).
@Suite struct EpochTests {
    /// What `run` gives for two workers that commit at one time.
    private func together(_ store: UsageStore, _ left: Stream, _ right: Stream) async throws {
        async let first = store.commit([left.snapshot])
        async let second = store.commit([right.snapshot])
        _ = try await (first, second)
    }

    @Test(arguments: ["boot-1", nil])
    func `Two workers that meet a process together make one epoch of it`(bootID: String?) async throws {
        try await withStore(meteringSince: .at(13, 0)) { store in
            try await store.putShippedMetersInForce()
            for number in 1...8 as ClosedRange<Int64> {
                let instance = "envoy-\(number)"
                var left = Stream(number, instance: instance, bootID: bootID)
                left.flush(at: .at(12, 1), requests: 100, started: .at(11, 0))
                left.flush(at: .at(12, 2), requests: 110, started: .at(11, 0))
                left.end()
                var right = Stream(100 + number, instance: instance, bootID: bootID)
                right.flush(at: .at(12, 3), requests: 120, started: .at(11, 0))
                right.end()
                try await together(store, left, right)
            }
            #expect(try await store.number("SELECT count(*) FROM epoch") == 8)
            #expect(try await store.requests() == 8 * 20)
        }
    }

    @Test func `The baseline is the earlier first flush, also when its worker commits later`() async throws {
        try await withStore(meteringSince: .at(13, 0)) { store in
            try await store.putShippedMetersInForce()
            var late = Stream(1)
            late.flush(at: .at(12, 20), requests: 150, started: .at(11, 0))
            late.flush(at: .at(12, 21), requests: 160, started: .at(11, 0))
            late.end()
            try await store.commit(&late)
            #expect(try await store.requests() == 10)
            var early = Stream(2)
            early.flush(at: .at(12, 1), requests: 100, started: .at(11, 0))
            early.end()
            try await store.commit(&early)
            #expect(try await store.requests() == 60)
            let gaps = try await store.usage(of: "acme").coverage.gaps
            #expect(gaps.map(\.reason) == ["late_start"])
            #expect(gaps.map(\.upper) == [100])
        }
    }

    @Test func `A process older than the metering has a baseline, and a gap from 0 to it`() async throws {
        try await withStore(meteringSince: .at(12, 0)) { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 1000, started: .at(11, 0))
            stream.flush(at: .at(12, 2), requests: 1007, started: .at(11, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 7)
            let usage = try await store.usage(of: "acme")
            #expect(usage.lower == 7)
            #expect(usage.upper == 1007)
            let gap = try #require(usage.coverage.gaps.first)
            #expect(usage.coverage.gaps.count == 1)
            #expect(gap.instance == "envoy-1")
            #expect(gap.reason == "late_start")
            #expect(gap.lower == 0)
            #expect(gap.upper == 1000)
            #expect(gap.to == "2024-11-05T12:01:00Z")
        }
    }

    @Test func `A process younger than the metering counts from 0`() async throws {
        try await withStore(meteringSince: .at(12, 0)) { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(12, 5), requests: 1000, started: .at(12, 1))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 1000)
            #expect(try await store.usage(of: "acme").coverage.gaps.isEmpty)
        }
    }

    @Test func `A new process of a metered instance counts from 0, whatever it says of its age`() async throws {
        try await withStore(meteringSince: .at(14, 0)) { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1, bootID: "boot-1")
            first.flush(at: .at(12, 1), requests: 1000, started: .at(11, 0))
            first.flush(at: .at(12, 2), requests: 1010, started: .at(11, 0), state: 1)
            first.end()
            try await store.commit(&first)
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(12, 4), requests: 30)
            second.end()
            try await store.commit(&second)
            #expect(try await store.requests() == 40)
        }
    }

    @Test func `A counter that only newer patterns collect opens at its first value`() async throws {
        let narrow = try CollectPatterns(include: [NamePattern("http.tenant_acme.downstream_rq_completed")])
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var before = Stream(1, collect: narrow)
            before.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            before.end()
            try await store.commit(&before)
            var after = Stream(2)
            let globex = "http.tenant_globex.downstream_rq_completed"
            after.flush(at: .at(12, 2), [Stream.requests: 20, globex: 500], started: .at(12, 0))
            after.flush(at: .at(12, 3), [Stream.requests: 30, globex: 503], started: .at(12, 0))
            try await store.commit(&after)
            // One that appears later still, which the older patterns would not have collected either.
            after.flush(
                at: .at(12, 4), [Stream.requests: 30, globex: 503, "http.tenant_new.downstream_rq_completed": 8],
                started: .at(12, 0))
            after.flush(at: .at(12, 5), ["http.tenant_new.downstream_rq_completed": 9], started: .at(12, 0))
            after.end()
            try await store.commit(&after)
            #expect(try await store.requests() == 30)
            #expect(try await store.usage(of: "globex").requests == 3)
            #expect(try await store.usage(of: "new").requests == 1)
        }
    }

    @Test func `An orderly end is known though its last flush was stored before the stream ended`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1, bootID: "boot-1")
            first.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            first.flush(at: .at(12, 2), requests: 20, started: .at(12, 0), state: 1)
            try await store.commit(&first)
            first.end()
            try await store.commit(&first)
            var second = Stream(2, bootID: "boot-2")
            second.flush(at: .at(12, 31), requests: 5, started: .at(12, 30))
            second.end()
            try await store.commit(&second)
            #expect(try await store.requests() == 25)
            #expect(try await store.usage(of: "acme").coverage.gaps.isEmpty)
        }
    }

    struct End: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var state: Int64
        var activeRequests: Int64 = 0
        var successor: String?
        var hotRestartEpoch: Int64 = 0
        var gaps: [String]
    }

    static let ends = [
        End(testDescription: "killed", state: 0, successor: "boot-2", gaps: ["tail_lost"]),
        End(
            testDescription: "killed while draining", state: 1, activeRequests: 1, successor: "boot-2",
            gaps: ["tail_lost"]),
        End(testDescription: "drained", state: 1, successor: "boot-2", gaps: []),
        End(testDescription: "hot restart", state: 0, successor: "boot-2", hotRestartEpoch: 1, gaps: []),
        End(testDescription: "silent", state: 0, successor: nil, gaps: []),
    ]

    @Test(arguments: ends)
    func `What a process counted after its last reading is lost unless it was drained or inherited`(
        _ end: End
    ) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1, bootID: "boot-1")
            first.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            first.flush(
                at: .at(12, 2), [Stream.requests: 20],
                gauges: ["http.tenant_acme.downstream_rq_active": end.activeRequests], started: .at(12, 0),
                state: end.state)
            first.end()
            try await store.commit(&first)
            #expect(try await store.requests() == 20)
            #expect(try await store.usage(of: "acme").coverage.gaps.isEmpty)
            if let successor = end.successor {
                var second = Stream(2, bootID: successor)
                second.flush(
                    at: .at(12, 31), requests: 5, started: .at(12, 30), hotRestartEpoch: end.hotRestartEpoch)
                second.end()
                try await store.commit(&second)
            }
            #expect(try await store.requests() == (end.successor == nil ? 20 : 25))
            let usage = try await store.usage(of: "acme")
            #expect(usage.coverage.gaps.map(\.reason) == end.gaps)
            for gap in usage.coverage.gaps {
                #expect(gap.from == "2024-11-05T12:02:00Z")
                #expect(gap.to == "2024-11-05T12:29:59Z" || gap.to == "2024-11-05T12:30:00Z")
                // Twice the ten of the busiest flush, for each of the 28 that are missing.
                #expect(gap.upper == 560)
                #expect(gap.basis == "rate")
                #expect(usage.upper == 585)
            }
            let quarterHours = try await store.names(
                "SELECT to_char(quarter_hour AT TIME ZONE 'UTC', 'HH24:MI') FROM gap")
            #expect(quarterHours == end.gaps.map { _ in "12:00" })
        }
    }

    @Test func `A lost tail moves when a late commit moves the last reading to another quarter hour`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var early = Stream(1, bootID: "boot-1")
            early.flush(at: .at(12, 10), requests: 10, started: .at(12, 0))
            early.end()
            try await store.commit(&early)
            var successor = Stream(2, bootID: "boot-2")
            successor.flush(at: .at(12, 41), requests: 5, started: .at(12, 40))
            successor.end()
            try await store.commit(&successor)
            #expect(try await store.requests() == 15)
            // Another worker had read more of the first life, and could not commit until now.
            var late = Stream(3, bootID: "boot-1")
            late.flush(at: .at(12, 20), requests: 30, started: .at(12, 0))
            late.end()
            try await store.commit(&late)
            #expect(try await store.requests() == 35)
            let gaps = try await store.usage(of: "acme").coverage.gaps
            #expect(gaps.map(\.from) == ["2024-11-05T12:20:00Z"])
        }
    }

    @Test func `A life that becomes known late shortens the gap before it`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            for (number, minute) in [(1, 1), (3, 41), (2, 21)] as [(Int64, Int64)] {
                var stream = Stream(number, bootID: "boot-\(number)")
                stream.flush(at: .at(12, minute), requests: 10, started: .at(12, minute - 1))
                stream.end()
                try await store.commit(&stream)
                _ = try await store.requests()
            }
            let gaps = try await store.usage(of: "acme").coverage.gaps
            #expect(gaps.map { $0.to < "2024-11-05T12:20:01Z" } == [true, false])
            #expect(try await store.requests() == 30)
        }
    }
}
