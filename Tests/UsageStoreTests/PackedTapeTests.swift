import Foundation
import Metering
import PostgreSQL
import TestSupport
import Testing

@testable import UsageStore

/// Tapes move to where pages are full, and nobody who reads them can tell.
@Suite struct PackedTapeTests {
    private static func fleet() -> [Stream] {
        (0..<3).map { Stream(Int64($0) + 1, instance: "envoy-\($0)", bootID: "boot-\($0)") }
    }

    private static func flush(_ streams: inout [Stream], _ minute: Int64, _ requests: Int64) {
        for index in streams.indices {
            streams[index].flush(
                at: .at(12, minute), [Stream.requests: requests * Int64(index + 1)], started: .at(11, 55))
        }
    }

    @Test func `Records derived anew from packed tapes are the same`() async throws {
        try await withStore(meteringSince: .at(11, 0)) { store in
            try await store.putShippedMetersInForce()
            var streams = Self.fleet()
            for step in 0..<8 as Range<Int64> {
                Self.flush(&streams, step * 7, step * 10 + 1)
                try await store.commit(&streams)
            }
            try await store.aggregate()
            let records = try await store.records()
            #expect(records.count == 7)
            #expect(try await store.packTapes(before: .at(12, 30)) == 6)
            #expect(try await store.number("SELECT count(*) FROM packed_tape") == 6)
            #expect(try await store.number("SELECT count(*) FROM tapes") == 12)
            #expect(try await store.packTapes(before: .at(12, 30)) == 0)
            try await store.aggregate(from: .at(12, 0), to: .at(13, 0))
            #expect(try await store.records() == records)
            #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
        }
    }

    @Test func `A tape that is written again after it was packed counts by its latest revision`() async throws {
        try await withStore(meteringSince: .at(11, 0)) { store in
            try await store.putShippedMetersInForce()
            var streams = Self.fleet()
            Self.flush(&streams, 1, 10)
            Self.flush(&streams, 2, 15)
            try await store.commit(&streams)
            let early = streams.map(\.snapshot)
            try await store.packTapes(before: .at(13, 0))
            Self.flush(&streams, 5, 25)
            for index in streams.indices { streams[index].end() }
            try await store.commit(&streams)
            // In both places, and the older revision comes once more.
            #expect(try await store.number("SELECT count(*) FROM tapes") == 6)
            #expect(try await store.requests() == 25 * 6)
            try await store.packTapes(before: .at(13, 0))
            #expect(try await store.number("SELECT count(*) FROM tapes") == 3)
            _ = try await store.commit(early)
            try await store.aggregate(from: .at(12, 0), to: .at(12, 15))
            #expect(try await store.requests() == 25 * 6)
            try await store.packTapes(before: .at(13, 0))
            try await store.aggregate(from: .at(12, 0), to: .at(12, 15))
            #expect(try await store.number("SELECT count(*) FROM tapes") == 3)
            #expect(try await store.requests() == 25 * 6)
        }
    }

    @Test func `Commits and packing at once lose nothing`() async throws {
        try await withStore(meteringSince: .at(11, 0)) { clean in
            try await clean.putShippedMetersInForce()
            try await Self.live(clean, every: 40)
            try await clean.aggregate()
            try await clean.packTapes(before: .at(13, 0))

            try await withStore(meteringSince: .at(11, 0), connections: 6) { store in
                try await store.putShippedMetersInForce()
                let packing = Task {
                    while !Task.isCancelled { try await store.packTapes(before: .at(13, 0)) }
                }
                let reading = Task {
                    var seen = TapesSeen()
                    while !Task.isCancelled {
                        do {
                            seen.compare(try await store.tapesSeen())
                        } catch {
                            guard Task.isCancelled else { throw error }
                        }
                    }
                    return seen
                }
                try await Self.live(store, every: 10)
                packing.cancel()
                _ = await packing.result
                reading.cancel()
                let seen = try await reading.value
                #expect(seen.looks > 3)
                #expect(seen.lost == [], "what one look saw, the next did not see")

                try await store.aggregate()
                #expect(try await store.records() == clean.records(), "derived while tapes were moved")
                #expect(try await store.requests() == 400 * 6)
                // The packed rows alone hold all that was committed.
                try await store.packTapes(before: .at(13, 0))
                #expect(try await store.number("SELECT count(*) FROM tape") == 0)
                #expect(try await store.number("SELECT count(*) FROM tapes") == 9)
                #expect(try await store.tapeContents() == clean.tapeContents())
                try await store.aggregate(from: .at(12, 0), to: .at(13, 0))
                #expect(try await store.records() == clean.records(), "derived anew from what was moved")
                #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
            }
        }
    }

    @Test(arguments: ["BEFORE DELETE ON tape", "AFTER DELETE ON tape", "AFTER INSERT ON packed_tape"])
    func `A revision that is committed while its tape is moved is not lost`(moment: String) async throws {
        try await withStore(meteringSince: .at(11, 0)) { store in
            try await store.putShippedMetersInForce()
            var streams = Self.fleet()
            Self.flush(&streams, 1, 10)
            Self.flush(&streams, 2, 15)
            try await store.commit(&streams)
            // Packing stops there, under a commit's eyes.
            let gate = try await PostgresConnection.connect(store.pool.configuration, logger: store.logger)
            _ = try await gate.executeOnce(
                """
                CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$
                """)
            _ = try await gate.executeOnce(
                "CREATE TRIGGER linger \(moment) FOR EACH STATEMENT EXECUTE FUNCTION linger()")
            async let packed = store.packTapes(before: .at(13, 0))
            try await store.someoneSleeps()
            Self.flush(&streams, 3, 25)
            for index in streams.indices { streams[index].end() }
            try await store.commit(&streams)
            _ = try await packed
            _ = try await gate.executeOnce("DROP TRIGGER linger ON \(moment.split(separator: " ").last ?? "")")
            await gate.close()
            #expect(try await store.requests() == 25 * 6)
            try await store.packTapes(before: .at(13, 0))
            #expect(try await store.number("SELECT count(*) FROM tape") == 0)
            #expect(try await store.number("SELECT count(*) FROM packed_tape") == 3)
            try await store.aggregate(from: .at(12, 0), to: .at(12, 15))
            #expect(try await store.requests() == 25 * 6)
        }
    }

    /// Forty minutes of the fleet, committed each minute.
    private static func live(_ store: UsageStore, every steps: Int64) async throws {
        var streams = fleet()
        for step in 1...40 as ClosedRange<Int64> {
            flush(&streams, step, step * 10)
            try await store.commit(&streams)
            if step % steps == 0 { try await store.aggregate() }
        }
        for index in streams.indices { streams[index].end() }
        try await store.commit(&streams)
    }

    @Test func `No statement reads tapes where only those lie that are being written`() throws {
        let writers = ["PackedTapes.swift"]
        for file in try FileManager.default.subpathsOfDirectory(atPath: Shipped.path("Sources"))
        where file.hasSuffix(".swift") && !writers.contains(where: file.hasSuffix) {
            let text = try Shipped.text("Sources/" + file)
            for place in ["FROM tape ", "FROM tape\n", "JOIN tape ", "JOIN tape\n"] {
                #expect(!text.contains(place), "\(file): read from the view tapes, which holds packed tapes too")
            }
        }
    }
}

/// The latest revision of each tape, look after look.
private struct TapesSeen {
    private(set) var looks = 0
    private(set) var lost: [String] = []
    private var revisions: [String: Int64] = [:]

    mutating func compare(_ now: [String: Int64]) {
        looks += 1
        for (tape, revision) in revisions where now[tape] ?? -1 < revision { lost.append(tape) }
        revisions = now
    }
}

extension UsageStore {
    fileprivate func tapesSeen() async throws -> [String: Int64] {
        let rows = try await pool.execute(
            """
            SELECT concat_ws(' ', instance_id, epoch_id, quarter_hour, stream_id), max(revision) FROM tapes
            GROUP BY instance_id, epoch_id, quarter_hour, stream_id
            """)
        var seen: [String: Int64] = [:]
        for row in rows { seen[try row.decode(0)] = try row.decode(1, as: Int64.self) }
        return seen
    }

    /// What the tapes hold, by names.
    fileprivate func tapeContents() async throws -> [String] {
        try await names(
            """
            SELECT concat_ws(' ', instance.name, quarter_hour, stream_id, revision, first_flush_at, last_flush_at,
                flushes, encode(readings, 'hex'), busiest_flush)
            FROM tapes JOIN instance USING (instance_id) ORDER BY 1
            """)
    }

    /// Waits until a session of this database sleeps in a trigger.
    fileprivate func someoneSleeps() async throws {
        for _ in 0..<500 {
            let asleep = try await number(
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'
                """)
            if asleep > 0 { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("nobody slept")
    }
}
