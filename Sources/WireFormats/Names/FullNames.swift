/// The full names of tagged series, each put together once.
///
/// For every metric: `begin` with the tag-extracted name, `tag` for each of its tags, then `finish`. The series is known by
/// its name and tags as written, so nothing is allocated for one that was seen before.
///
/// ```
/// names.begin(family)
/// try MetricLabels.forEach(in: labels) { names.tag($0, $1) }
/// let name = names.finish()
/// tape.wants(names.bytes.span.extracting(name))
/// ```
///
/// A Prometheus text's families and labels go the same way, under `.prometheus`.
package struct FullNames: Sendable {
    /// The names put together so far, one behind another.
    package private(set) var bytes: [UInt8] = []

    /// How names and tags are written.
    package enum Style: Hashable, Sendable {
        /// As Envoy's own.
        case envoy
        /// As Prometheus takes them: with `_` for dots, and values escaped.
        case prometheus
    }

    /// How many names may be written otherwise in Envoy: see `PrometheusNames`.
    package private(set) var ambiguous = 0
    /// One of them, for a person.
    package private(set) var anAmbiguousName: String?
    /// Tags of one series; one with more is refused.
    package static let mostTags = 64
    /// The series under way has more: it has no name, and is to be refused.
    package var hasTooManyTags: Bool { tagCount > Self.mostTags }

    private let style: Style
    /// Tags that say who sends, and are no part of a name.
    private let ignoring: Set<String>
    private let limit: Int
    /// The series under way: its name, then for each tag the lengths of tag and value and both.
    private var series: [UInt8] = []
    private var tagsStart = 0
    private var tagCount = 0
    private var table: [Int32]
    private var entries: [Entry] = []
    private var known: [UInt8] = []
    /// A flush carries the same series in the same order as the one before.
    private var successors: [Int32] = []
    private var previous: Int32 = -1

    private struct Entry {
        var hash: UInt64
        var series: Range<Int>
        var name: Range<Int>
    }

    /// - Parameters:
    ///   - ignoring: tags that are no part of a name: the fixed ones that say who sends.
    ///   - limit: the number of series that are remembered; the next one makes a new beginning.
    package init(style: Style = .envoy, ignoring: Set<String> = [], limit: Int = 500_000) {
        self.style = style
        self.ignoring = ignoring
        self.limit = limit
        table = Array(repeating: -1, count: 256)
    }

    /// Begins a series by its tag-extracted name.
    @inline(__always)
    package mutating func begin(_ extracted: Span<UInt8>) {
        series.removeAll(keepingCapacity: true)
        append(extracted)
        tagsStart = series.count
        tagCount = 0
    }

    @inline(__always)
    package mutating func tag(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        tagCount &+= 1
        guard tagCount <= Self.mostTags else { return }
        append(length: name.count)
        append(length: value.count)
        append(name)
        append(value)
    }

    /// Where the full name stands in `bytes`, until the next `finish`; empty where the series has too many tags.
    package mutating func finish() -> Range<Int> {
        guard !hasTooManyTags else { return 0..<0 }
        // What ends the key keeps a name apart from its tags.
        append(length: tagsStart)
        let expected = previous < 0 ? -1 : successors[Int(previous)]
        if expected >= 0, isSeries(Int(expected)) {
            previous = expected
            return entries[Int(expected)].name
        }
        let hash = Self.hash(series)
        var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[slot] >= 0 {
            let number = Int(table[slot])
            if entries[number].hash == hash, isSeries(number) { return follow(number) }
            slot = (slot + 1) & (table.count - 1)
        }
        return add(hash)
    }

    private mutating func add(_ hash: UInt64) -> Range<Int> {
        if entries.count >= limit { forget() }
        let name = fullName()
        let nameStart = bytes.count
        bytes += name
        let seriesStart = known.count
        known += series
        let number = entries.count
        entries.append(
            Entry(hash: hash, series: seriesStart..<known.count, name: nameStart..<bytes.count))
        successors.append(-1)
        if entries.count * 2 > table.count { grow() } else { place(number) }
        return follow(number)
    }

    private mutating func fullName() -> [UInt8] {
        let extracted = series[0..<tagsStart]
        guard style == .prometheus else {
            return EnvoyTags.fullName(of: Array(extracted), tags: tags(), ignoring: ignoring)
        }
        let name = PrometheusNames.extracted(family: String(decoding: extracted, as: UTF8.self))
        let tags = tags().map {
            EnvoyTags.Tag(PrometheusNames.tag(label: $0.name), PrometheusLabels.unescaped($0.value))
        }
        let full = EnvoyTags.fullName(of: Array(name.text.utf8), tags: tags, ignoring: ignoring)
        if name.isAmbiguous {
            ambiguous += 1
            anAmbiguousName = String(decoding: full, as: UTF8.self)
        }
        return full
    }

    private func tags() -> [EnvoyTags.Tag] {
        var tags: [EnvoyTags.Tag] = []
        var position = tagsStart
        // The last four bytes are the key's end.
        while position < series.count - 4 {
            let nameCount = length(at: position)
            let valueStart = position + 8 + nameCount
            let valueCount = length(at: position + 4)
            tags.append(
                EnvoyTags.Tag(
                    String(decoding: series[(position + 8)..<valueStart], as: UTF8.self),
                    Array(series[valueStart..<(valueStart + valueCount)])))
            position = valueStart + valueCount
        }
        return tags
    }

    private mutating func follow(_ number: Int) -> Range<Int> {
        if previous >= 0 { successors[Int(previous)] = Int32(number) }
        previous = Int32(number)
        return entries[number].name
    }

    private func isSeries(_ number: Int) -> Bool {
        let range = entries[number].series
        guard range.count == series.count else { return false }
        let known = known.span
        let series = series.span
        // From the end: series of one scope share their beginnings.
        var index = series.count - 1
        while index >= 0 {
            if known[range.lowerBound &+ index] != series[index] { return false }
            index &-= 1
        }
        return true
    }

    private mutating func place(_ number: Int) {
        var slot = Int(truncatingIfNeeded: entries[number].hash) & (table.count - 1)
        while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
        table[slot] = Int32(number)
    }

    private mutating func grow() {
        table = Array(repeating: -1, count: table.count * 2)
        for number in entries.indices { place(number) }
    }

    private mutating func forget() {
        bytes.removeAll(keepingCapacity: true)
        known.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        successors.removeAll(keepingCapacity: true)
        table = Array(repeating: -1, count: 256)
        previous = -1
    }

    @inline(__always)
    private mutating func append(_ span: Span<UInt8>) {
        for index in span.indices { series.append(span[index]) }
    }

    @inline(__always)
    private mutating func append(length: Int) {
        let length = UInt32(truncatingIfNeeded: length)
        series.append(UInt8(truncatingIfNeeded: length))
        series.append(UInt8(truncatingIfNeeded: length >> 8))
        series.append(UInt8(truncatingIfNeeded: length >> 16))
        series.append(UInt8(truncatingIfNeeded: length >> 24))
    }

    private func length(at position: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(series[position + $1]) << (8 * $1) }
    }

    /// FNV-1a, folded so that the low bits depend on all of it.
    private static func hash(_ series: [UInt8]) -> UInt64 {
        let series = series.span
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in series.indices { hash = (hash ^ UInt64(series[index])) &* 0x100_0000_01b3 }
        return hash ^ (hash >> 32)
    }
}
