package import Metering

/// What a worker of delta sources must not forget: the sums of its odometers, on a disk of its own.
///
/// Each second `seal` appends what changed and brings it to the disk, so that a crash costs at most that second. A segment
/// begins with all sums: when it is on the disk, the ones before it are removed. Segments are begun anew at bounds of size
/// and age, and after a write that failed, for what stands behind that can not be read.
///
/// Not thread-safe: one task seals.
package final class Spool {
    package struct Limits: Sendable {
        /// Bytes of a segment. The spool takes about twice as much at most, or what all sums take where that is more.
        package var segmentBytes = 64 << 20
        /// Age of a segment. Unit: microseconds.
        package var segmentAge: Int64 = 600_000_000

        package init() {}
    }

    /// What was found at the start.
    package struct Recovery: Sendable {
        package var odometers: [OdometerKey: Odometer.Sealing] = [:]
        package var segments = 0
        /// Segments that ended in the middle of a block, or where a checksum was wrong, and the bytes passed over there.
        package var damagedSegments = 0
        package var droppedBytes = 0
    }

    package let epoch: OdometerEpoch
    package let recovery: Recovery

    private let files: any SpoolFiles
    private let limits: Limits
    private var sequence: UInt64
    private var current: Current?
    /// Segments that the next whole one makes needless.
    private var older: [String]

    private struct Current {
        var name: String
        var file: any SpoolFile
        var encoder: SpoolSegment.Encoder
        var bytes: Int
        var begunAt: Timestamp
    }

    /// Takes up what an earlier process left. A damaged segment counts up to the place where it is damaged.
    ///
    /// - Parameter newEpoch: for a spool that is empty: random, so that no two workers share one.
    package init(
        files: any SpoolFiles, newEpoch: UInt64 = .random(in: .min ... .max), limits: Limits = Limits()
    ) throws(SpoolError) {
        self.files = files
        self.limits = limits
        var recovery = Recovery()
        var segments: [SpoolSegment.Contents] = []
        older = try files.names().filter { $0.hasSuffix(Self.suffix) }
        for name in older {
            let bytes = try files.read(name)
            guard let contents = SpoolSegment.read(bytes) else {
                // A segment that was being made when the worker died: nothing was sealed in it.
                recovery.damagedSegments += 1
                recovery.droppedBytes += bytes.count
                continue
            }
            recovery.segments += 1
            if contents.droppedBytes > 0 { recovery.damagedSegments += 1 }
            recovery.droppedBytes += contents.droppedBytes
            segments.append(contents)
        }
        let last = segments.max { $0.sequence < $1.sequence }
        let epoch = last?.epoch ?? OdometerEpoch(rawValue: newEpoch)
        for segment in segments where segment.epoch == epoch {
            for (key, sealing) in segment.odometers {
                recovery.odometers[key] = recovery.odometers[key]?.merged(with: sealing) ?? sealing
            }
        }
        self.epoch = epoch
        self.recovery = recovery
        // Also the numbers of segments without a header are taken.
        let named = older.compactMap { UInt64($0.dropLast(Self.suffix.count)) }.max() ?? 0
        sequence = max(last?.sequence ?? 0, named)
    }

    /// Brings to the disk what changed since the last call that did not throw.
    ///
    /// - Parameters:
    ///   - changes: asked once.
    ///   - all: all sums, asked for in place of `changes` where a segment begins.
    /// - Throws: `SpoolError`. After `full` and `failed` the next call begins a segment with all sums. After `syncFailed`
    ///   the process has to end.
    package func seal(
        _ changes: () -> [(key: OdometerKey, sealing: Odometer.Sealing)],
        all: () -> [(key: OdometerKey, sealing: Odometer.Sealing)], at now: Timestamp
    ) throws(SpoolError) {
        if var current, current.bytes < limits.segmentBytes,
            abs(now.microseconds(since: current.begunAt)) < limits.segmentAge
        {
            let entries = changes()
            guard !entries.isEmpty else { return }
            let block = current.encoder.block(entries)
            do {
                try current.file.append(block)
                try current.file.sync()
            } catch {
                abandon()
                throw error
            }
            current.bytes += block.count
            self.current = current
            return
        }
        // What changed is in all sums too, and is sealed by them.
        _ = changes()
        try beginSegment(all(), at: now)
    }

    /// Lets go of the file; all that was sealed stays.
    package func close() {
        current?.file.close()
        current = nil
    }

    private func beginSegment(
        _ entries: [(key: OdometerKey, sealing: Odometer.Sealing)], at now: Timestamp
    ) throws(SpoolError) {
        let previous = current
        if let previous {
            previous.file.close()
            older.append(previous.name)
            current = nil
        }
        sequence += 1
        let name = Self.name(sequence)
        var encoder = SpoolSegment.Encoder(sequence: sequence)
        let file = try files.make(name)
        let bytes = SpoolSegment.Encoder.header(epoch: epoch, sequence: sequence) + encoder.block(entries)
        do {
            try file.append(bytes)
            try file.sync()
            try files.sync()
        } catch {
            file.close()
            // What could not be written must not fill the disk; older segments still hold what was sealed.
            if error.code != .syncFailed { try? files.remove(name) }
            throw error
        }
        current = Current(name: name, file: file, encoder: encoder, bytes: bytes.count, begunAt: now)
        while let needless = older.first {
            try files.remove(needless)
            older.removeFirst()
        }
        try files.sync()
    }

    private func abandon() {
        guard let current else { return }
        current.file.close()
        older.append(current.name)
        self.current = nil
    }

    private static let suffix = ".spool"

    private static func name(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + suffix
    }
}

extension Odometer.Sealing {
    /// The higher of both, counter by counter.
    package func merged(with other: Odometer.Sealing) -> Odometer.Sealing {
        var merged: [String: Int64] = [:]
        for sum in sums + other.sums { merged[sum.name] = max(merged[sum.name] ?? 0, sum.value) }
        return Odometer.Sealing(
            lastExport: max(lastExport, other.lastExport),
            sums: merged.sorted { $0.key < $1.key }.map { Sum(name: $0.key, value: $0.value) })
    }
}
