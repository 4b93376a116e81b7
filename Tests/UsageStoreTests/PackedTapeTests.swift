import Foundation
import Metering
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
        try await withStore(meteringSince: .at(11, 0)) { store in
            try await store.putShippedMetersInForce()
            let packing = Task {
                while !Task.isCancelled { try await store.packTapes(before: .at(13, 0)) }
            }
            var streams = Self.fleet()
            for step in 1...40 as ClosedRange<Int64> {
                Self.flush(&streams, step, step * 10)
                try await store.commit(&streams)
                if step % 10 == 0 { try await store.aggregate() }
            }
            for index in streams.indices { streams[index].end() }
            try await store.commit(&streams)
            packing.cancel()
            _ = await packing.result
            #expect(try await store.requests() == 400 * 6)
        }
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
