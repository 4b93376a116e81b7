import Metering
import Testing

@testable import Ingest

/// What a worker of delta sources must not forget, whatever happens to its disk.
@Suite struct SpoolTests {
    private let start = Timestamp(seconds: 1_793_664_000)
    private let keys = ["a", "b", "c"].map { OdometerKey(source: .statsd, gateway: "gw", instance: $0) }

    /// Adds to the sums and seals, second by second, until something fails. Returns the sums at the last seal that
    /// returned, and those at the one that failed.
    private func seal(
        _ spool: Spool, seconds: Int, sums: inout [OdometerKey: [String: Int64]]
    ) -> (sealed: [OdometerKey: [String: Int64]], attempted: [OdometerKey: [String: Int64]], error: SpoolError?) {
        var sealed = sums
        for second in 0..<seconds {
            let key = keys[second % keys.count]
            for name in ["http.x.downstream_rq_completed", "cluster.\(second % 5).upstream_rq_total"] {
                sums[key, default: [:]][name, default: 0] += Int64(second + 1)
            }
            let time = start.advanced(byMicroseconds: Int64(second) * 1_000_000)
            do throws(SpoolError) {
                try spool.seal(
                    { [(key, Self.sealing(sums[key] ?? [:], time))] }, all: { Self.all(sums, time) }, at: time)
                sealed = sums
            } catch {
                return (sealed, sums, error)
            }
        }
        return (sealed, sums, nil)
    }

    private static func sealing(_ sums: [String: Int64], _ time: Timestamp) -> Odometer.Sealing {
        Odometer.Sealing(
            lastExport: time, sums: sums.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })
    }

    private static func all(
        _ sums: [OdometerKey: [String: Int64]], _ time: Timestamp
    ) -> [(key: OdometerKey, sealing: Odometer.Sealing)] {
        sums.map { ($0.key, sealing($0.value, time)) }
    }

    private func sums(_ spool: Spool) -> [OdometerKey: [String: Int64]] {
        spool.recovery.odometers.mapValues { Dictionary(uniqueKeysWithValues: $0.sums.map { ($0.name, $0.value) }) }
    }

    private var limits: Spool.Limits {
        var limits = Spool.Limits()
        limits.segmentAge = 7_000_000
        return limits
    }

    @Test("The checksum is CRC-32C", arguments: [("", 0), ("123456789", 0xE306_9283), ("a", 0xC1D0_4330)])
    func checksum(text: String, expected: UInt32) {
        #expect(CRC32C.checksum(Array(text.utf8)) == expected)
    }

    @Test("What was sealed is taken up again, under the same epoch, and older segments are gone")
    func takesUp() throws {
        let files = FaultySpoolFiles()
        var sums: [OdometerKey: [String: Int64]] = [:]
        let first = try Spool(files: files, newEpoch: 9, limits: limits)
        let outcome = seal(first, seconds: 30, sums: &sums)
        #expect(outcome.error == nil)
        let second = try Spool(files: FaultySpoolFiles(files.onDisk), newEpoch: 10, limits: limits)
        #expect(second.epoch == OdometerEpoch(rawValue: 9))
        #expect(self.sums(second) == sums)
        #expect(second.recovery.damagedSegments == 0 && second.recovery.segments == 1)
        #expect(second.recovery.odometers[keys[2]]?.lastExport == start.advanced(byMicroseconds: 29_000_000))
    }

    /// Every call of the file system in turn is the last one, with every part of a write that may get through.
    @Test("Killed at any write, what was sealed is kept", arguments: 1...90)
    func killedAtEveryWrite(call: Int) throws {
        for kept in [0, 1, 7, 8, 9, 31, 33, 40, 60, 1000] {
            let files = FaultySpoolFiles()
            files.fail(at: call, .crash(keeping: kept))
            var sums: [OdometerKey: [String: Int64]] = [:]
            let spool = try Spool(files: files, newEpoch: 9, limits: limits)
            let outcome = seal(spool, seconds: 40, sums: &sums)
            try #require(outcome.error != nil, "the fault was not reached")
            let found = self.sums(try Spool(files: FaultySpoolFiles(files.onDisk), newEpoch: 10, limits: limits))
            // A seal that failed may be whole on the disk: then it counts, and nobody was told otherwise.
            #expect(found == outcome.sealed || found == outcome.attempted, "call \(call), \(kept) bytes kept")
        }
    }

    @Test("A spool that is taken up after a crash is sealed on, and killed again")
    func killedAgainAndAgain() throws {
        var disk: [String: [UInt8]] = [:]
        var sums: [OdometerKey: [String: Int64]] = [:]
        for round in 1...60 {
            let files = FaultySpoolFiles(disk)
            files.fail(at: 1 + round * 7 % 23, .crash(keeping: round * 13 % 70))
            let spool = try Spool(files: files, newEpoch: UInt64(round), limits: limits)
            let found = self.sums(spool)
            #expect(found == sums || round == 1)
            sums = found
            let outcome = seal(spool, seconds: 30, sums: &sums)
            try #require(outcome.error != nil)
            disk = files.onDisk
            let after = self.sums(try Spool(files: FaultySpoolFiles(disk), limits: limits))
            #expect(after == outcome.sealed || after == outcome.attempted)
            sums = after
        }
    }

    /// Flips each byte of a spool in turn, in three ways: nothing is ever invented, and what stands before is kept.
    @Test("A damaged byte is found, wherever it stands")
    func damage() throws {
        let files = FaultySpoolFiles()
        var sums: [OdometerKey: [String: Int64]] = [:]
        var longLived = limits
        longLived.segmentAge = 3_600_000_000
        let spool = try Spool(files: files, newEpoch: 9, limits: longLived)
        _ = seal(spool, seconds: 12, sums: &sums)
        let disk = files.onDisk
        let (name, whole) = try #require(disk.first)
        // The states after each block.
        var states: [[OdometerKey: [String: Int64]]] = [[:]]
        for blocks in 1...12 {
            var sums: [OdometerKey: [String: Int64]] = [:]
            let other = try Spool(files: FaultySpoolFiles(), newEpoch: 9, limits: longLived)
            _ = seal(other, seconds: blocks, sums: &sums)
            states.append(sums)
        }
        for index in whole.indices {
            for mask in [0x01, 0x80, 0xFF] as [UInt8] {
                var damaged = whole
                damaged[index] ^= mask
                let found = try Spool(files: FaultySpoolFiles([name: damaged]), newEpoch: 10)
                #expect(states.contains(self.sums(found)), "byte \(index)")
                #expect(self.sums(found) != sums, "byte \(index): the damage was not seen")
                #expect(found.recovery.damagedSegments == 1 && found.recovery.droppedBytes > 0)
            }
        }
    }

    @Test("A full disk is said, and sealing goes on when there is room", arguments: 1...40)
    func full(call: Int) throws {
        let files = FaultySpoolFiles()
        files.fail(at: call, .full)
        var sums: [OdometerKey: [String: Int64]] = [:]
        let spool = try Spool(files: files, newEpoch: 9, limits: limits)
        let outcome = seal(spool, seconds: 40, sums: &sums)
        let error = try #require(outcome.error)
        #expect(error.code == .full)
        let kept = self.sums(try Spool(files: FaultySpoolFiles(files.onDisk), limits: limits))
        #expect(kept == outcome.sealed || kept == outcome.attempted)
        let after = seal(spool, seconds: 10, sums: &sums)
        #expect(after.error == nil)
        #expect(self.sums(try Spool(files: FaultySpoolFiles(files.onDisk), limits: limits)) == sums)
    }

    @Test("An fsync that fails is not tried again", arguments: [3, 5, 9])
    func syncFails(call: Int) throws {
        for at in call..<(call + 8) {
            let files = FaultySpoolFiles()
            files.fail(at: at, .syncFails)
            var sums: [OdometerKey: [String: Int64]] = [:]
            let spool = try Spool(files: files, newEpoch: 9, limits: limits)
            if let error = seal(spool, seconds: 20, sums: &sums).error { #expect(error.code == .syncFailed) }
        }
    }
}
