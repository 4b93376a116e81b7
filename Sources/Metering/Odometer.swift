/// Adds up what one delta source sends into totals of the worker's own: from there on it is metered like a cumulative
/// source.
///
/// A value type without clock or I/O. The receiver calls `export(at:)` for each packet or export, then `wants` and
/// `add` or `receiveGauge` for each of its metrics. The commit loop calls `settle(at:)` and stores `tape`; the spool
/// takes `unsealed()`. Counters that a source leaves out have not changed, so a reading of all of them is written for
/// each second in which something came.
package struct Odometer: Sendable {
    /// What the readings are stored by. `MemoryLedger` and the store take it as any other stream's.
    package var tape: StreamTape
    /// When the source was heard last; nil before.
    package private(set) var lastExport: Timestamp?
    /// The sums by slot, as the names of `tape.counterNames`.
    package private(set) var sums: [Int64] = []
    /// What was added, by counter: two odometers that were given the same have the same, in whatever order it came.
    package private(set) var mark: UInt64 = 0

    private var weights: [UInt64] = []
    private var flushSecond: Int64?
    private var isUnread = false
    private var unsealedSlots: [Int] = []
    private var isUnsealed: [Bool] = []
    private var hasUnsealedExport = false
    private var wanted: Int?

    /// - Parameter source: a kind that sends deltas.
    package init(
        stream: StreamID, source: SourceKind, collect: CollectPatterns, limits: StreamTape.Limits = StreamTape.Limits()
    ) {
        tape = StreamTape(odometersOf: source, stream: stream, collect: collect, limits: limits)
    }

    // MARK: Receiving

    /// Something of the source has come. Times that run backwards count as the latest so far: a sum never falls.
    package mutating func export(at time: Timestamp) {
        let time = max(time, lastExport ?? time)
        lastExport = time
        hasUnsealedExport = true
        isUnread = true
        let second = time.microseconds / 1_000_000
        guard second != flushSecond else { return }
        writeReadings()
        isUnread = true
        flushSecond = second
        tape.receiveTime(sentMilliseconds: 0, receivedAt: time)
    }

    /// Whether a metric of this name has to be read at all. To be followed by `add` or `receiveGauge` for its value.
    package mutating func wants(_ name: borrowing Span<UInt8>) -> Bool {
        wanted = nil
        guard tape.wants(name) else { return false }
        wanted = tape.wantedCounter
        // Of a name above the cap: what it carries is a bound, and no sum.
        while sums.count < tape.counterNames.count {
            weights.append(Self.weight(of: tape.counterNames[sums.count]))
            sums.append(0)
            isUnsealed.append(false)
        }
        return true
    }

    /// How long the name is that followed the last one in the flush before, where it stands at `start` of a line; 0 where
    /// another stands there: then `wants` is to be asked.
    @inline(__always)
    package mutating func expectedName(at start: Int, of line: borrowing Span<UInt8>) -> Int {
        tape.expectedName(at: start, of: line)
    }

    /// As `wants` for the name that `expectedName` has found.
    @inline(__always)
    package mutating func wantsExpected() -> Bool {
        let isWanted = tape.wantsExpected()
        wanted = isWanted ? tape.wantedCounter : nil
        return isWanted
    }

    /// Adds to the counter that `wants` was asked for last. Refused: negative, above 2^53, or beyond what a sum holds.
    package mutating func add(_ delta: Int64) {
        guard let wanted else { return tape.receiveRefusedDelta(Double(delta)) }
        guard delta >= 0 else { return tape.refuse(.negative) }
        guard delta <= CounterValue.maximum else { return tape.refuse(.tooLarge) }
        let (sum, overflow) = sums[wanted].addingReportingOverflow(delta)
        guard !overflow else { return tape.refuse(.tooLarge) }
        sums[wanted] = sum
        mark &+= UInt64(bitPattern: delta) &* weights[wanted]
        if !isUnsealed[wanted] {
            isUnsealed[wanted] = true
            unsealedSlots.append(wanted)
        }
    }

    /// FNV-1a of a counter's name.
    private static func weight(of name: String) -> UInt64 {
        name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } | 1
    }

    /// As `add`, for a wire that carries doubles.
    package mutating func add(_ delta: Double) {
        guard wanted != nil else { return tape.receiveRefusedDelta(delta) }
        do {
            add(try CounterValue.whole(delta))
        } catch {
            tape.refuse(error.reason)
        }
    }

    /// Takes a sample of the gauge that `wants` was asked for last.
    package mutating func receiveGauge(_ value: Double) {
        // What a counter's name carries as a gauge is none.
        guard wanted == nil, flushSecond != nil else { return }
        tape.receiveGauge(value)
    }

    // MARK: Committing

    /// Writes the sums to the tape, and closes the second that has passed. To be called before each commit.
    package mutating func settle(at now: Timestamp) {
        writeReadings()
        if let flushSecond, now.microseconds / 1_000_000 > flushSecond {
            tape.end()
            self.flushSecond = nil
        }
    }

    /// The source or the worker ends: what came is a complete flush.
    package mutating func end() {
        writeReadings()
        tape.end()
        flushSecond = nil
    }

    private mutating func writeReadings() {
        guard isUnread, flushSecond != nil else { return }
        isUnread = false
        for slot in sums.indices { tape.receiveSum(sums[slot], slot: slot) }
    }
}

// MARK: - The spool

extension Odometer {
    /// What is to be sealed of a source: its last export's time and sums, together.
    package struct Sealing: Hashable, Sendable {
        package var lastExport: Timestamp
        /// Counters by name; a sum is at least what was sealed of it before.
        package var sums: [Sum]

        package struct Sum: Hashable, Sendable {
            package var name: String
            package var value: Int64

            package init(name: String, value: Int64) {
                self.name = name
                self.value = value
            }
        }

        package init(lastExport: Timestamp, sums: [Sum]) {
            self.lastExport = lastExport
            self.sums = sums
        }
    }

    /// What changed since the last call; nil where nothing did.
    package mutating func unsealed() -> Sealing? {
        guard hasUnsealedExport, let lastExport else { return nil }
        hasUnsealedExport = false
        let sums = unsealedSlots.map { slot in
            isUnsealed[slot] = false
            return Sealing.Sum(name: tape.counterNames[slot], value: self.sums[slot])
        }
        unsealedSlots.removeAll(keepingCapacity: true)
        return Sealing(lastExport: lastExport, sums: sums)
    }

    /// All sums; nil where nothing ever came.
    package var sealing: Sealing? {
        lastExport.map { lastExport in
            Sealing(
                lastExport: lastExport,
                sums: sums.indices.map { Sealing.Sum(name: tape.counterNames[$0], value: sums[$0]) })
        }
    }

    /// Goes on where an earlier process of the worker stopped: at the higher of what is given and what is held, so that
    /// spool and stored tape may be given one after the other. To be called before the first export.
    package mutating func resume(_ sealing: Sealing) {
        export(at: sealing.lastExport)
        for sum in sealing.sums {
            guard wants(Array(sum.name.utf8).span), let wanted, sum.value > sums[wanted] else { continue }
            sums[wanted] = sum.value
            if !isUnsealed[wanted] {
                isUnsealed[wanted] = true
                unsealedSlots.append(wanted)
            }
        }
    }
}

/// One life of a worker's odometers: kept with its spool, so that it outlives the process. It is the boot id of all
/// their readings: two workers that hear one source have an epoch each, and both count.
package struct OdometerEpoch: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    private static let prefix = "odometer:"

    /// Whether a boot id is one of odometers.
    package static func isOdometer(_ bootID: String?) -> Bool { bootID?.hasPrefix(prefix) ?? false }

    package var bootID: String {
        let digits = String(rawValue, radix: 16)
        return Self.prefix + String(repeating: "0", count: 16 - digits.count) + digits
    }
}
