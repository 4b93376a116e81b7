/// What one stream read of an instance in one quarter hour: a part of a tape.
///
/// A segment has one writer, the stream, and grows by revision; a later revision holds all that an earlier one says. So
/// a tape, the union of its segments with the latest revision of each, merges idempotently, commutatively and
/// associatively, whatever the order of commits, and no writer ever has to read before it writes.
///
/// The readings lie in `body`, encoded (see `SegmentBody`): per counter its runs. No opening and no difference is held:
/// the aggregation derives them.
package struct Segment: Hashable, Sendable {
    package var stream: StreamID
    package var quarterHour: QuarterHour
    /// Grows with each message, over the life of the stream: a flush may come in several.
    package var revision: Int64
    /// The first and the last flush in this quarter hour, and their number.
    package var firstFlush: Timestamp
    package var lastFlush: Timestamp
    package var flushes: Int64
    /// The most requests that one flush brought, by whichever counters count most.
    package var busiestFlush: Int64
    /// Times by Envoy's clock of the first flush of each minute and the last four: they tell one Envoy that reports
    /// twice, also where one of its streams ended early, from two Envoys.
    package var recentFlushes: [Timestamp]
    /// The counters by slot, then the gauges by slot.
    package var counters: [CounterID]
    package var gauges: [CounterID]
    package var body: [UInt8]
    package var gaugeBody: [UInt8]
    package var temporality: Temporality

    package init(
        stream: StreamID, quarterHour: QuarterHour, revision: Int64, firstFlush: Timestamp, lastFlush: Timestamp,
        flushes: Int64, busiestFlush: Int64 = 0, recentFlushes: [Timestamp], counters: [CounterID], gauges: [CounterID],
        body: [UInt8],
        gaugeBody: [UInt8], temporality: Temporality
    ) {
        self.stream = stream
        self.quarterHour = quarterHour
        self.revision = revision
        self.firstFlush = firstFlush
        self.lastFlush = lastFlush
        self.flushes = flushes
        self.busiestFlush = busiestFlush
        self.recentFlushes = recentFlushes
        self.counters = counters
        self.gauges = gauges
        self.body = body
        self.gaugeBody = gaugeBody
        self.temporality = temporality
    }

    /// Calls `visit` for every run, by slot and in order of time.
    package func forEachRun(_ visit: (_ counter: CounterID, Run) throws -> Void) throws {
        try forEachRun { _, counter, run in try visit(counter, run) }
    }

    func forEachRun(_ visit: (_ slot: Int, _ counter: CounterID, Run) throws -> Void) throws {
        var reader = SegmentBody.Reader(body, firstFlush: firstFlush, lastFlush: lastFlush)
        while let (slot, run) = try reader.next() {
            guard slot < counters.count else {
                throw MeteringError(
                    .segment,
                    "stream \(stream.rawValue), \(quarterHour): a run of slot \(slot) of "
                        + "\(counters.count); the row does not fit its counter set")
            }
            try visit(slot, counters[slot], run)
        }
    }

    /// Calls `visit` for every gauge with its fifteen minute slots; nil where no sample was taken.
    package func forEachGauge(_ visit: (_ gauge: CounterID, [Int64?]) throws -> Void) throws {
        var reader = ByteReader(gaugeBody)
        for gauge in gauges {
            guard !reader.isAtEnd else { return }
            let present = try reader.varint()
            var minutes = [Int64?](repeating: nil, count: GaugeMinutes.count)
            for minute in 0..<GaugeMinutes.count where present & (1 << UInt64(minute)) != 0 {
                minutes[minute] = try reader.count(atMost: CounterValue.maximum)
            }
            try visit(gauge, minutes)
        }
    }
}

extension Segment {
    /// `recentFlushes` as varints: microseconds before (even, halved) or after (odd) the last flush.
    package var recentFlushBody: [UInt8] {
        var body: [UInt8] = []
        for time in recentFlushes {
            let before = lastFlush.microseconds(since: time)
            body.appendVarint(before.magnitude << 1 | (before < 0 ? 1 : 0))
        }
        return body
    }

    /// Reads what `recentFlushBody` wrote.
    package static func recentFlushes(_ body: [UInt8], lastFlush: Timestamp) throws(MeteringError) -> [Timestamp] {
        var reader = ByteReader(body)
        var times: [Timestamp] = []
        while !reader.isAtEnd {
            let span = try reader.varint()
            times.append(lastFlush.advanced(byMicroseconds: Int64(span >> 1) * (span & 1 == 0 ? -1 : 1)))
        }
        return times
    }
}

/// A counter's or gauge's number: its row in the dictionary of names.
package struct CounterID: Hashable, Comparable, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    package static func < (left: CounterID, right: CounterID) -> Bool { left.rawValue < right.rawValue }
}

/// The minute slots of a gauge in a quarter hour.
package enum GaugeMinutes {
    package static let count = 15

    static func slot(of time: Timestamp, in quarterHour: QuarterHour) -> Int {
        let minute = time.microseconds(since: quarterHour.start) / 60_000_000
        return Int(min(max(minute, 0), Int64(count - 1)))
    }
}

/// The encoding of a segment's runs. Per slot, in order:
///
///     header    varint: 0 for a counter not read in this quarter hour,
///               else (number of runs << 2) | last time differs << 1 | first time differs, of the first and last run
///     per run   peak value, peak − first (varints), then the times that differ from the segment's first and last flush
///
/// A counter that is read in every flush costs a header byte and two varints: its times are the segment's. Times are
/// microseconds after the first flush. Runs between the first and the last write both their times.
enum SegmentBody {
    static func append(_ runs: borrowing [Run], firstFlush: Timestamp, lastFlush: Timestamp, to body: inout [UInt8]) {
        guard let first = runs.first, let last = runs.last else {
            body.append(0)
            return
        }
        let firstDiffers = first.first.time != firstFlush
        let lastDiffers = last.peak.time != lastFlush
        body.appendVarint(UInt64(runs.count) << 2 | (lastDiffers ? 2 : 0) | (firstDiffers ? 1 : 0))
        for index in runs.indices {
            let run = runs[index]
            body.appendVarint(UInt64(run.peak.value))
            body.appendVarint(UInt64(run.peak.value - run.first.value))
            if index > 0 || firstDiffers {
                body.appendVarint(UInt64(run.first.time.microseconds(since: firstFlush)))
            }
            if index < runs.count - 1 || lastDiffers {
                body.appendVarint(UInt64(run.peak.time.microseconds(since: firstFlush)))
            }
        }
    }

    struct Reader {
        private var bytes: ByteReader
        private let firstFlush: Timestamp
        private let lastFlush: Timestamp
        private var slot = -1
        private var runs = 0
        private var run = 0
        private var firstDiffers = false
        private var lastDiffers = false

        init(_ body: [UInt8], firstFlush: Timestamp, lastFlush: Timestamp) {
            bytes = ByteReader(body)
            self.firstFlush = firstFlush
            self.lastFlush = lastFlush
        }

        mutating func next() throws(MeteringError) -> (slot: Int, run: Run)? {
            while run == runs {
                if bytes.isAtEnd { return nil }
                let header = try bytes.varint()
                slot += 1
                runs = Int(clamping: header >> 2)
                run = 0
                firstDiffers = header & 1 != 0
                lastDiffers = header & 2 != 0
            }
            let peak = try bytes.count()
            let first = peak - (try bytes.count(atMost: peak))
            var firstTime = firstFlush
            if run > 0 || firstDiffers { firstTime = firstFlush.advanced(byMicroseconds: try bytes.count()) }
            var peakTime = lastFlush
            if run < runs - 1 || lastDiffers { peakTime = firstFlush.advanced(byMicroseconds: try bytes.count()) }
            run += 1
            return (
                slot,
                Run(first: Reading(time: firstTime, value: first), peak: Reading(time: peakTime, value: peak))
            )
        }
    }
}

/// Reads varints from a stored body; a body that ends too early or overflows is an error, not a trap.
struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func varint() throws(MeteringError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 64 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw MeteringError(.segment, "a stored segment ends in the middle of a number, at byte \(position)")
    }

    mutating func count(atMost largest: Int64 = .max) throws(MeteringError) -> Int64 {
        let value = try varint()
        guard let count = Int64(exactly: value), count <= largest else {
            throw MeteringError(
                .segment, "a stored segment holds \(value) before byte \(position), where at most \(largest) can stand")
        }
        return count
    }
}

extension [UInt8] {
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
