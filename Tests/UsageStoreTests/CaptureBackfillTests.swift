import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Captures say what the tapes do not hold: a difference, never a sum.
@Suite struct CaptureBackfillTests {
    private func stream(
        _ number: Int64, boot: String? = "boot-1", source: SourceKind = .metricsService,
        started: Timestamp = .at(12, 0),
        _ readings: [(Int64, Int64, Int64)]
    ) -> Stream {
        var stream = Stream(number, bootID: boot, source: source)
        for (hour, minute, value) in readings {
            stream.flush(at: .at(hour, minute), requests: value, started: started)
        }
        stream.end()
        return stream
    }

    /// A store that read the process until 12:14, and knows another life of its instance from 14:00 on.
    private func withEndedProcess(
        alsoRead later: [(Int64, Int64, Int64)] = [], _ body: (UsageStore) async throws -> Void
    ) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = stream(1, [(12, 1, 10), (12, 14, 20)] + later)
            try await store.commit(&first)
            var next = stream(2, boot: "boot-2", started: .at(14, 0), [(14, 1, 3)])
            try await store.commit(&next)
            _ = try await store.requests()
            try await body(store)
        }
    }

    private func difference(_ store: UsageStore, _ streams: Stream...) async throws -> [String] {
        try await store.difference(ofCaptured: streams.map(\.snapshot), file: "ms.bin").map {
            "\($0.tenant) \($0.gateway) \($0.quarterHour.start.description.dropFirst(11)) \($0.dimension) \($0.quantity)"
        }
    }

    @Test func `Usage that no tape holds is laid in where it was counted, and nothing else is stored`() async throws {
        try await withEndedProcess { store in
            let before = try await store.contents()
            let capture = stream(9, [(12, 1, 10), (12, 13, 19), (12, 16, 30), (12, 31, 55)])
            let found = try await difference(store, capture)
            #expect(found == ["acme edge 12:15:00Z requests 10", "acme edge 12:30:00Z requests 25"])
            #expect(try await store.contents() == before)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
        }
    }

    @Test func `What a later reading brought is moved to where it was counted, and adds nothing`() async throws {
        try await withEndedProcess(alsoRead: [(13, 5, 110)]) { store in
            let found = try await difference(store, stream(9, [(12, 16, 30), (12, 31, 55)]))
            #expect(
                found == [
                    "acme edge 12:15:00Z requests 10", "acme edge 12:30:00Z requests 25",
                    "acme edge 13:00:00Z requests -35",
                ])
        }
    }

    @Test func `What the tapes hold is no difference`() async throws {
        try await withEndedProcess { store in
            let found = try await difference(store, stream(9, [(12, 1, 10), (12, 14, 20)]))
            #expect(found == [])
        }
    }

    @Test func `A life that the tapes never saw counts from 0`() async throws {
        try await withEndedProcess { store in
            let lost = stream(9, boot: "boot-lost", started: .at(13, 0), [(13, 1, 7), (13, 20, 19)])
            let found = try await difference(store, lost)
            #expect(found == ["acme edge 13:00:00Z requests 7", "acme edge 13:15:00Z requests 12"])
        }
    }

    @Test func `A process that may still report brings it by itself`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = stream(1, [(12, 1, 10), (12, 14, 20)])
            try await store.commit(&first)
            _ = try await store.requests()
            let capture = stream(9, [(12, 16, 30)])
            // It fell silent long ago.
            let found = try await difference(store, capture)
            #expect(found == ["acme edge 12:15:00Z requests 10"])
            try await store.pool.execute("UPDATE epoch SET last_received_at = now()")
            let refusal = await #expect(throws: CorrectionRefusal.self) { try await difference(store, capture) }
            #expect(refusal?.code == .conflict)
            #expect(refusal?.message.contains("24 hours of silence") == true)
        }
    }

    @Test func `Deltas of a time in which deltas were counted are refused, others are taken`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var heard = stream(1, boot: "odometer:00000000000000aa", source: .statsd, [(12, 1, 10), (12, 14, 20)])
            try await store.commit(&heard)
            _ = try await store.requests()
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                try await difference(
                    store, odometer(9, [(12, 10, 5), (12, 16, 30)]))
            }
            #expect(refusal?.message.contains("Cut the capture") == true)
            let found = try await difference(store, odometer(10, [(12, 16, 5), (12, 17, 30)]))
            #expect(found == ["acme edge 12:15:00Z requests 30"])
        }
    }

    private func odometer(_ number: Int64, _ totals: [(Int64, Int64, Int64)]) -> Stream {
        var stream = Stream(number, bootID: "odometer:00000000000000bb", source: .statsd)
        var odometer = Odometer(stream: StreamID(rawValue: number), source: .statsd, collect: .everything)
        var last: Int64 = 0
        for (hour, minute, total) in totals {
            odometer.export(at: .at(hour, minute))
            if odometer.wants(Array(Stream.requests.utf8).span) { odometer.add(total - last) }
            last = total
        }
        odometer.end()
        stream.tape = odometer.tape
        return stream
    }

    @Test func `Captures are billed once, and taken out as a whole`() async throws {
        try await withEndedProcess { store in
            let before = try await store.contents()
            let capture = stream(9, [(12, 16, 30), (12, 31, 55)])
            for name in ["one", "two"] {
                let rows = try await store.difference(ofCaptured: [capture.snapshot], file: "ms.bin")
                _ = try await store.propose(
                    name, rows: rows, source: "captures: ms.bin", kind: .captures, reason: nil, by: "ada",
                    file: "ms.bin")
            }
            try await store.apply(correction: "one", by: "bob")
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                try await store.apply(correction: "two", by: "bob")
            }
            #expect(refusal?.code == .conflict)
            #expect(try await store.requests() == 58)
            try await store.revert(correction: "one", by: "bob")
            #expect(try await store.requests() == 23)
            #expect(try await store.contents() == before)
        }
    }

    @Test func `What lies before the kept tapes is refused`() async throws {
        try await withEndedProcess { store in
            try await store.pool.execute(
                "INSERT INTO retention_floor (subject, dropped_before) VALUES ('tape', $1)",
                [Timestamp.at(12, 30).postgres]
            )
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                try await difference(store, stream(9, [(12, 16, 30), (12, 31, 55)]))
            }
            #expect(refusal?.message.contains("Cut the capture there") == true)
        }
    }

    /// What the tapes missed in outages stands in the capture: together they are the records of a store that read all.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `Tapes and captures together are what one clean run gives`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var lives: [(boot: String, started: Timestamp, readings: [(Timestamp, Int64)])] = []
        var now = Timestamp.at(11, 50)
        for life in 0..<3 {
            let started = now
            var value: Int64 = 0
            var readings: [(Timestamp, Int64)] = []
            for _ in 0..<random.pick(5...15) {
                now = now.plus(seconds: random.pick(20...700))
                // A listener that is taken away resets its counters.
                value = random.chance(8) ? random.pick(0...3) : value + random.pick(0...40)
                readings.append((now, value))
            }
            lives.append(("boot-\(life)", started, readings))
            now = now.plus(seconds: 30)
        }
        // An outage in each life: the tapes have what is before and after it, the capture what is in it and some beside.
        // The last life is the tapes' alone: it may still report.
        let outages = lives.indices.map { life -> Range<Int> in
            let count = Int64(lives[life].readings.count)
            let first = random.pick(0...(count - 1))
            return life == 2 ? 0..<0 : Int(first)..<Int(random.pick(first...count))
        }
        let beside = Int(random.pick(0...3))
        func streams(_ first: Int64, _ taken: (Int) -> [Range<Int>]) -> [Stream] {
            var streams: [Stream] = []
            for life in lives.indices {
                for range in taken(life) where !range.isEmpty {
                    var stream = Stream(first + Int64(streams.count), bootID: lives[life].boot)
                    for reading in lives[life].readings[range] {
                        stream.flush(at: reading.0, requests: reading.1, started: lives[life].started)
                    }
                    stream.end()
                    streams.append(stream)
                }
            }
            return streams
        }
        func records(_ store: UsageStore) async throws -> [String: Int64] {
            _ = try await store.requests()
            let rows = try await store.pool.execute(
                "SELECT quarter_hour::text, requests FROM consumption WHERE requests > 0")
            return Dictionary(
                uniqueKeysWithValues: try rows.map { (try $0.decode(0), try $0.decode(1, as: Int64.self)) })
        }
        var clean: [String: Int64] = [:]
        try await withStore(connections: 2) { store in
            try await store.putShippedMetersInForce()
            var all = streams(1) { [0..<lives[$0].readings.count] }
            try await store.commit(&all)
            clean = try await records(store)
        }
        try await withStore(connections: 2) { store in
            try await store.putShippedMetersInForce()
            var tapes = streams(1) { [0..<outages[$0].lowerBound, outages[$0].upperBound..<lives[$0].readings.count] }
            try await store.commit(&tapes)
            _ = try await store.requests()
            let captures = streams(100) { life in
                let outage = outages[life]
                guard !outage.isEmpty else { return [] }
                return [
                    max(0, outage.lowerBound - beside)..<min(lives[life].readings.count, outage.upperBound + beside)
                ]
            }
            let rows = try await store.difference(ofCaptured: captures.map(\.snapshot), file: "ms.bin")
            guard !rows.isEmpty else {
                #expect(try await records(store) == clean, "seed \(seed)")
                return
            }
            _ = try await store.propose(
                "captures", rows: rows, source: "captures", kind: .captures, reason: nil, by: "ada", file: "ms.bin",
                allowsNew: true)
            try await store.apply(correction: "captures", by: "ada")
            #expect(try await records(store) == clean, "seed \(seed)")
        }
    }
}
