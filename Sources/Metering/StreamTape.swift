/// Takes the readings of one stream in the order of their arrival and keeps what a tape holds of them.
///
/// A value type without clock or I/O: the receiver calls `receive…`, the commit loop takes `segments(after:)`. What was
/// taken stays until `forget(through:)` says that it is stored, so a commit that failed or whose outcome is unknown is
/// simply made again.
package struct StreamTape: Sendable {
    /// Bounds on what one stream can make the worker remember.
    package struct Limits: Hashable, Sendable {
        package var nameLength = 512
        /// Collected names under one prefix (`http`, `cluster`, …).
        package var namesPerPrefix = 50_000
        /// All names, collected or not.
        package var names = 400_000

        package init() {}
    }

    /// The furthest that Envoy's clock may be from the worker's before arrival times are used instead (rule 1).
    package static let largestClockDifference: Int64 = 60_000_000

    package let stream: StreamID
    package let source: SourceKind
    package let temporality: Temporality
    /// Whether the worker adds the readings up itself, from 0: then the epoch has no baseline, whenever it began.
    package let isOdometer: Bool
    package let collect: CollectPatterns

    /// How often each refusal happened. Unit: values, not names.
    package private(set) var refusals: [Refusal: Int64] = [:]
    private var refusedRequests = RefusedRequests()
    /// Flushes whose time was taken from the worker's clock, because Envoy's is too far off.
    package private(set) var skewedFlushes: Int64 = 0
    /// How the process showed itself at the end of its first complete flush; nil until then.
    package private(set) var firstSign: LifeSign?
    /// How the process showed itself last.
    package private(set) var lastSign: LifeSign
    /// The values of the first complete flush, by slot; the baseline of an epoch that has one.
    package private(set) var firstFlush: [Int: Reading] = [:]
    /// Names of counters and gauges by slot. They only grow.
    package private(set) var counterNames: [String] = []
    package private(set) var gaugeNames: [String] = []

    private let limits: Limits
    private var names = NameTable()
    private var kinds: [NameKind] = []
    private var namesByPrefix: [String: Int] = [:]
    /// The collected names beyond ASCII.
    private var foreignNames: Set<String> = []
    private var pages: [Page] = []
    /// What the messages of the flush under way have in common; nil between flushes.
    private var flushMark: Int64?
    private var flushTime = Timestamp(microseconds: 0)
    private var sign = LifeSign()
    private var hasActiveRequests = false
    private var revision: Int64 = 0
    private var busiest = BusiestFlush()
    /// By slot: of deltas the sum, of totals the last value.
    private var odometers: [Int64] = []
    /// Whether a total fell to 0 in the flush under way, and in which flushes one did last.
    private var fellToZero = false
    private var flushes = 0
    private var fallsToZero: [Int] = []
    private var lastEntry = 0

    /// A stream of the metrics service, whose wire does not say whether it sends totals.
    package init(
        stream: StreamID, temporality: Temporality = .cumulative, collect: CollectPatterns, limits: Limits = Limits()
    ) {
        self.init(
            stream: stream, source: temporality == .cumulative ? .metricsService : .metricsServiceDelta,
            collect: collect, limits: limits)
    }

    package init(stream: StreamID, source: SourceKind, collect: CollectPatterns, limits: Limits = Limits()) {
        self.stream = stream
        self.source = source
        temporality = source.temporality
        isOdometer = false
        self.collect = collect
        self.limits = limits
        lastSign = LifeSign()
    }

    /// The tape of an `Odometer`: the source sends deltas, the readings are sums, and they begin at 0.
    init(odometersOf source: SourceKind, stream: StreamID, collect: CollectPatterns, limits: Limits) {
        self.stream = stream
        self.source = source
        temporality = .cumulative
        isOdometer = true
        self.collect = collect
        self.limits = limits
        lastSign = LifeSign()
    }

    // MARK: Receiving

    /// Whether a metric of this name has to be read at all. To be followed by `receive…` for its values.
    package mutating func wants(_ name: borrowing Span<UInt8>) -> Bool {
        guard name.count <= limits.nameLength else {
            refuse(.nameTooLong)
            return false
        }
        guard let (entry, isNew) = names.entry(for: name, limit: limits.names) ?? pinnedEntry(for: name) else {
            refuse(.tooManyNames)
            return false
        }
        if isNew { kinds.append(names.name(entry).map { classify($0) } ?? .refused(.nameNotText, nil)) }
        return isWanted(entry)
    }

    /// How long the name is that followed the last one in the flush before, where it stands at `start` of a line; 0 where
    /// another stands there.
    @inline(__always)
    mutating func expectedName(at start: Int, of line: borrowing Span<UInt8>) -> Int {
        names.expected(at: start, of: line)
    }

    /// As `wants` for the name that `expectedName` has found.
    @inline(__always)
    mutating func wantsExpected() -> Bool { isWanted(names.followExpected()) }

    @inline(__always)
    private mutating func isWanted(_ entry: Int) -> Bool {
        lastEntry = entry
        switch kinds[entry] {
        case .skipped: return false
        case .refused(let reason, let slot):
            refuse(reason, isBounded: reason == .tooManyNames)
            return slot != nil
        default: return true
        }
    }

    /// Begins a flush when the time that Envoy gives has changed. `sent` is Envoy's, 0 when it gives none: then each
    /// time of arrival is a flush. To be called at least once per message: a flush may come in several, and a commit
    /// may fall between them.
    package mutating func receiveTime(sentMilliseconds sent: Int64, receivedAt: Timestamp) {
        revision += 1
        let mark = sent > 0 ? sent : receivedAt.microseconds
        guard mark != flushMark else {
            pages[pages.count - 1].revision = revision
            return
        }
        endFlush()
        flushMark = mark
        let sentAt = sent > 0 ? Timestamp(microseconds: sent.multipliedClamped(by: 1000)) : nil
        var time = receivedAt
        if let sentAt, Self.agrees(sentAt, receivedAt) {
            time = sentAt
        } else if !isOdometer {
            skewedFlushes += 1
        }
        // Within a stream the order of arrival counts, also when a clock is set back.
        time = max(time, flushTime)
        flushTime = time
        sign = LifeSign(sentAt: sentAt ?? receivedAt, receivedAt: receivedAt)
        sign.hotRestartEpoch = lastSign.hotRestartEpoch
        // Of a delta source each second is taken for a flush: one flush of Envoy may fall into two.
        if isOdometer { sign.state = lastSign.state }
        hasActiveRequests = false
        turnPage(to: QuarterHour(containing: time))
    }

    /// Takes a counter's value for the name that `wants` was asked last.
    package mutating func receiveCounter(_ value: Double) {
        if case .refused(_, let slot?) = kinds[lastEntry] { return receiveRefused(value, slot, temporality) }
        guard case .counter(let slot) = kinds[lastEntry] else { return receiveGauge(value) }
        let count: Int64
        do {
            count = try CounterValue.whole(value)
        } catch {
            return refuse(error.reason)
        }
        switch temporality {
        case .cumulative:
            if count == 0, odometers[slot] > 0 { fellToZero = true }
            odometers[slot] = count
            busiest.count(count, slot: slot)
            pages[pages.count - 1].record(count, slot: slot, at: flushTime)
        case .delta:
            let (sum, overflow) = odometers[slot].addingReportingOverflow(count)
            guard !overflow else { return refuse(.tooLarge) }
            if pages[pages.count - 1].isUnread(slot) {
                pages[pages.count - 1].record(odometers[slot], slot: slot, at: flushTime)
            }
            odometers[slot] = sum
            busiest.count(sum, slot: slot)
            pages[pages.count - 1].record(odometers[slot], slot: slot, at: flushTime)
        }
    }

    /// Takes a gauge's value for the name that `wants` was asked last.
    package mutating func receiveGauge(_ value: Double) {
        guard value >= 0, value <= 9_007_199_254_740_992 else { return }
        let whole = Int64(value.rounded())
        switch kinds[lastEntry] {
        // A process's age says nothing of the worker's odometers.
        case .uptime where isOdometer, .hotRestartEpoch where isOdometer: return
        case .uptime: sign.uptime = whole <= LifeSign.longestUptime ? whole : nil
        case .hotRestartEpoch: sign.hotRestartEpoch = whole
        case .state: sign.state = whole
        case .activeRequests(let slot):
            if whole > 0 { hasActiveRequests = true }
            if let slot { pages[pages.count - 1].recordGauge(whole, slot: slot, at: flushTime) }
        case .counter(let slot):
            // Collected under a counter's name, but sent as a gauge: from now on it is one.
            guard pages.allSatisfy({ $0.isUnread(slot) }) else { return }
            gaugeNames.append(counterNames[slot])
            kinds[lastEntry] = .gauge(gaugeNames.count - 1)
            pages[pages.count - 1].recordGauge(whole, slot: gaugeNames.count - 1, at: flushTime)
        case .gauge(let slot):
            pages[pages.count - 1].recordGauge(whole, slot: slot, at: flushTime)
        case .skipped, .refused: break
        }
    }

    /// Counts a value that the receiver could not put together.
    package mutating func refuse(_ reason: Refusal) { refuse(reason, isBounded: false) }

    private mutating func refuse(_ reason: Refusal, isBounded: Bool) {
        refusals[reason, default: 0] += 1
        guard let quarterHour = pages.last?.quarterHour else { return }
        refusedRequests.refuse(in: quarterHour, isBounded: isBounded)
    }

    /// Takes what a name above the cap carries, which is not kept: it bounds what was refused.
    private mutating func receiveRefused(_ value: Double, _ slot: Int, _ temporality: Temporality) {
        guard let quarterHour = pages.last?.quarterHour else { return }
        guard let count = try? CounterValue.whole(value) else {
            return refusedRequests.refuse(in: quarterHour, isBounded: false)
        }
        refusedRequests.count(
            count, slot, temporality, isFirstFlush: firstSign == nil && !isOdometer, in: quarterHour)
    }

    /// By quarter hour that is not forgotten: how many values were refused, and how many requests they counted at most;
    /// nil where that is not known.
    package var refused: [(quarterHour: QuarterHour, values: Int64, requests: Int64?)] { refusedRequests.refused }

    /// The stream has ended: its last flush is complete.
    package mutating func end() {
        guard flushMark != nil, !pages.isEmpty else { return }
        // What the flush said of the process is known only now: it is to be stored though all readings may be.
        revision += 1
        pages[pages.count - 1].revision = revision
        endFlush()
    }

    /// Another stream of the same instance has begun: the readings up to now are kept apart from those to come, so
    /// that the last good reading is known should the two turn out to be in conflict.
    package mutating func mark() {
        guard !pages.isEmpty else { return }
        pages[pages.count - 1].closeRuns()
    }

    /// Whether totals fell to 0 in three flushes within ten: no reset does that, but a sink that reports deltas sends a
    /// counter at rest as 0 in every flush.
    package private(set) var looksLikeDeltas = false

    // MARK: Odometers

    /// The slot of the counter that `wants` was asked for last; nil for a gauge.
    var wantedCounter: Int? {
        guard case .counter(let slot) = kinds[lastEntry] else { return nil }
        return slot
    }

    /// Takes a delta of the name that `wants` was asked for last, where that is above the cap.
    mutating func receiveRefusedDelta(_ delta: Double) {
        if case .refused(_, let slot?) = kinds[lastEntry] { receiveRefused(delta, slot, .delta) }
    }

    /// Takes a sum that never falls, in a flush that `receiveTime` has begun.
    mutating func receiveSum(_ sum: Int64, slot: Int) {
        busiest.count(sum, slot: slot)
        pages[pages.count - 1].record(sum, slot: slot, at: flushTime)
    }

    // MARK: Committing

    /// True once the first flush is complete: from then on the epoch can be decided and readings can be stored.
    package var isDecidable: Bool { firstSign != nil }

    package var latestRevision: Int64 { revision }

    /// The time of the last flush, as readings carry it.
    package var lastFlushTime: Timestamp { flushTime }

    /// The quarter hours that are not yet forgotten.
    package var quarterHours: [QuarterHour] { pages.map(\.quarterHour) }

    /// How many readings are held: what the tape's memory grows with.
    package var heldReadings: Int { pages.reduce(0) { $0 + $1.heldReadings } }

    /// The earliest reading of a counter that is not yet forgotten.
    package func firstReading(_ slot: Int) -> Reading? {
        for page in pages { if let first = page.first(slot) { return first } }
        return nil
    }

    /// The segments that changed after `revision`, with counters numbered by `counterID` and `gaugeID`.
    package func segments(
        after revision: Int64, counters: [CounterID], gauges: [CounterID]
    ) -> [Segment] {
        pages.filter { $0.revision > revision }.map { page in
            page.segment(stream: stream, temporality: temporality, counters: counters, gauges: gauges)
        }
    }

    /// Drops what is stored: all pages but the last, up to `revision`.
    package mutating func forget(through revision: Int64) {
        guard let last = pages.last else { return }
        pages.removeAll { $0.quarterHour != last.quarterHour && $0.revision <= revision }
        refusedRequests.forget(before: pages.first?.quarterHour ?? last.quarterHour)
    }

    // MARK: Inside

    private enum NameKind: Hashable {
        case skipped
        /// With a place in `refusedRequests`, where it counts requests.
        case refused(Refusal, Int?)
        case counter(Int)
        case gauge(Int)
        case uptime
        case hotRestartEpoch
        case state
        case activeRequests(Int?)
    }

    private static func agrees(_ left: Timestamp, _ right: Timestamp) -> Bool {
        abs(left.microseconds(since: right)) <= largestClockDifference
    }

    /// A place for a pinned name in a table that is full.
    private mutating func pinnedEntry(for name: borrowing Span<UInt8>) -> (number: Int, isNew: Bool)? {
        guard !collect.pinned.isEmpty else { return nil }
        var bytes: [UInt8] = []
        for index in name.indices { bytes.append(name[index]) }
        return collect.pins(String(decoding: bytes, as: UTF8.self)) ? names.entry(for: name, limit: .max) : nil
    }

    private mutating func classify(_ name: String) -> NameKind {
        switch name {
        case "server.uptime": return .uptime
        case "server.hot_restart_epoch": return .hotRestartEpoch
        case "server.state": return .state
        default: break
        }
        let isActiveRequests =
            name.hasPrefix("http.") && name.hasSuffix(".downstream_rq_active")
            && !name.hasPrefix("http.admin.")
        guard collect.selects(name) else { return isActiveRequests ? .activeRequests(nil) : .skipped }
        let prefix = String(name.prefix { $0 != "." })
        let known = namesByPrefix[prefix, default: 0]
        guard known < limits.namesPerPrefix || collect.pins(name) else {
            return .refused(.tooManyNames, refusedRequests.watch(name))
        }
        // Text compares by canonical equivalence: two names that are one text would mix two counters' readings.
        guard name.utf8.allSatisfy({ $0 < 0x80 }) || foreignNames.insert(name).inserted else {
            return .refused(.nameNotText, nil)
        }
        namesByPrefix[prefix] = known + 1
        if isActiveRequests || GaugeNames.contains(name) {
            gaugeNames.append(name)
            let slot = gaugeNames.count - 1
            return isActiveRequests ? .activeRequests(slot) : .gauge(slot)
        }
        counterNames.append(name)
        busiest.watch(name)
        odometers.append(0)
        return .counter(counterNames.count - 1)
    }

    private mutating func turnPage(to quarterHour: QuarterHour) {
        if pages.last?.quarterHour != quarterHour {
            pages.append(Page(quarterHour: quarterHour, firstFlush: flushTime))
        }
        pages[pages.count - 1].beginFlush(at: flushTime, sentAt: sign.sentAt, revision: revision)
    }

    private mutating func countFallsToZero() {
        flushes += 1
        guard fellToZero else { return }
        fellToZero = false
        fallsToZero.append(flushes)
        if fallsToZero.count > 3 { fallsToZero.removeFirst() }
        if let first = fallsToZero.first, fallsToZero.count == 3, flushes - first < 10 { looksLikeDeltas = true }
    }

    private mutating func endFlush() {
        guard flushMark != nil else { return }
        flushMark = nil
        countFallsToZero()
        if !pages.isEmpty { pages[pages.count - 1].endFlush(requests: busiest.endFlush()) }
        sign.isDrained = sign.state == 1 && !hasActiveRequests
        lastSign = sign
        if firstSign == nil {
            firstSign = sign
            firstFlush = pages.last?.latest ?? [:]
        }
    }
}

/// Gauges that Waybill collects; a counter of such a name does not exist in Envoy.
enum GaugeNames {
    static func contains(_ name: String) -> Bool {
        name.hasSuffix("_active") || name.hasSuffix("_buffered")
    }
}
