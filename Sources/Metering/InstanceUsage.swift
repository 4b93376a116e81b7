/// What an instance was used in one quarter hour, derived from the tapes of its epochs (rules 2, 3, 5, 6 and 9).
package struct InstanceUsage: Sendable {
    package private(set) var counters: [CounterUsage] = []
    package private(set) var gauges: [GaugeUsage] = []
    package private(set) var gaps: [Gap] = []
    /// Two boot ids were alive under one instance name: both count, with an alarm.
    package private(set) var hasTwoLives = false

    /// - Parameter isConnectionManagers: whether a counter is a connection manager's, which resets most rarely: its
    ///   falls tell an identity conflict.
    /// - Parameter higher: what higher sources read of the instance; nil where every source counts.
    package init(
        quarterHour: QuarterHour, epochs: [EpochTape], isConnectionManagers: (CounterID) -> Bool,
        higher: ((SourceKind) -> HigherSources)? = nil
    ) throws {
        let overlaps = IdentityConflict.overlaps(epochs)
        hasTwoLives = IdentityConflict.twoLives(epochs)
        for epoch in epochs {
            let higher = higher?(epoch.source) ?? .none
            try gaugeUsage(of: epoch, quarterHour, higher)
            for lane in try Lane.lanes(of: epoch) {
                try derive(lane, of: epochs, quarterHour, overlaps, higher, isConnectionManagers)
            }
            if epoch.source.temporality == .delta { gaps += StreamDown.gaps(of: epoch, higher) }
            for (counter, reading) in epoch.opening.baseline where reading.value > 0 {
                guard QuarterHour(containing: reading.time) == quarterHour else { continue }
                guard higher.cover(from: reading.time, to: reading.time) == .none else { continue }
                gaps.append(
                    Gap(
                        reason: .lateStart, epoch: epoch.epoch, counter: counter,
                        from: epoch.opening.started ?? reading.time, to: reading.time, lower: 0, upper: reading.value,
                        blind: Gap.Blind(to: reading.time)
                    )
                )
            }
        }
    }

    private mutating func derive(
        _ lane: Lane, of epochs: [EpochTape], _ quarterHour: QuarterHour, _ overlaps: [ClosedRange<Timestamp>],
        _ higher: HigherSources,
        _ isConnectionManagers: (CounterID) -> Bool
    ) throws {
        let before = try lane.points(of: lane.previous)
        let now = try lane.points(of: lane.current)
        let rate = lane.rate
        let matches = before.matches(of: now)
        let falls = IdentityConflict.falls(before, now, matches, lane, outside: overlaps, isConnectionManagers)
        let isConflict = !overlaps.isEmpty || !falls.isEmpty
        let bound = ConflictBound(
            segments: isConflict ? epochs.flatMap { $0.previous + $0.current } : [], falls: falls)
        let conflicts = overlaps + falls
        counters.reserveCapacity(counters.count + now.counters.count)
        for (index, counter) in now.counters.enumerated() {
            var opening = matches[index].flatMap { before.readings(at: $0).last } ?? lane.older[counter]
            if let baseline = lane.opening.baseline[counter], (opening.map { $0.time < baseline.time } ?? true) {
                opening = baseline
            }
            var walk = CounterWalk(
                epoch: lane.epoch, counter: counter, opening: opening,
                started: lane.opens(now.readings(at: index).first, interval: rate.flushInterval),
                quarterHour: quarterHour, conflicts: conflicts, higher: higher, rate: rate, conflictBound: bound
            )
            for point in now.readings(at: index) { walk.step(to: point) }
            walk.end()
            counters.append(walk.usage)
            if !walk.gaps.isEmpty { gaps += walk.gaps }
        }
    }

    private mutating func gaugeUsage(
        of epoch: EpochTape, _ quarterHour: QuarterHour, _ higher: HigherSources
    ) throws {
        var minutes: [CounterID: [Int64?]] = [:]
        // Where two streams sampled one minute, the later stream's sample is the later one.
        for segment in epoch.current.sorted(by: { ($0.firstFlush, $0.stream) < ($1.firstFlush, $1.stream) }) {
            try segment.forEachGauge { gauge, samples in
                var merged = minutes[gauge] ?? Array(repeating: nil, count: GaugeMinutes.count)
                for index in samples.indices {
                    guard let sample = samples[index] else { continue }
                    let minute = quarterHour.start.advanced(byMicroseconds: Int64(index) * 60_000_000)
                    let isCovered =
                        !higher.isEmpty
                        && higher.cover(from: minute, to: minute.advanced(byMicroseconds: 60_000_000)) != .none
                    if !isCovered { merged[index] = sample }
                }
                minutes[gauge] = merged
            }
        }
        gauges += minutes.map { GaugeUsage(epoch: epoch.epoch, gauge: $0.key, minutes: $0.value) }
    }
}

/// A gauge's minute samples in one quarter hour.
package struct GaugeUsage: Hashable, Sendable {
    package var epoch: Int64
    package var gauge: CounterID
    /// Fifteen slots, nil where no sample was taken.
    package var minutes: [Int64?]

    /// Σ of the present samples, their number, and the largest.
    package var sum: Int64 { minutes.reduce(0) { $0 + ($1 ?? 0) } }
    package var samples: Int64 { Int64(minutes.count { $0 != nil }) }
    package var maximum: Int64 { minutes.reduce(0) { max($0, $1 ?? 0) } }
}

/// Segments whose readings are of one odometer: all of a cumulative epoch, or one stream's where deltas are added up.
struct Lane {
    let epoch: Int64
    /// Its source sends deltas, which the worker has added up.
    let isOdometer: Bool
    let opening: EpochOpening
    let previous: [Segment]
    let current: [Segment]
    let older: [CounterID: Reading]

    static func lanes(of tape: EpochTape) throws -> [Lane] {
        var lanes: [Lane] = []
        let totals = tape.current.filter { $0.temporality == .cumulative }
        if !totals.isEmpty {
            lanes.append(
                Lane(
                    epoch: tape.epoch, isOdometer: tape.source.temporality == .delta, opening: tape.opening,
                    previous: tape.previous.filter { $0.temporality == .cumulative }, current: totals,
                    older: tape.older
                )
            )
        }
        for segment in tape.current where segment.temporality == .delta {
            let before = tape.previous.first { $0.stream == segment.stream }
            lanes.append(
                Lane(
                    epoch: tape.epoch, isOdometer: true, opening: EpochOpening(started: tape.opening.started),
                    previous: [],
                    current: [segment], older: try openings(of: segment, closedAt: before?.lastFlush)
                )
            )
        }
        return lanes
    }

    /// Where the odometers of added-up deltas stood before a segment: its first readings. Zero deltas are not sent, so
    /// the quarter hours before may say nothing of a counter.
    private static func openings(of segment: Segment, closedAt: Timestamp?) throws -> [CounterID: Reading] {
        var openings: [CounterID: Reading] = [:]
        try segment.forEachRun { counter, run in
            guard openings[counter] == nil else { return }
            openings[counter] = Reading(time: closedAt ?? run.first.time, value: run.first.value)
        }
        return openings
    }

    /// Each counter's readings in the order of time; at equal times the maximum.
    func points(of segments: [Segment]) throws -> CounterReadings { try CounterReadings(of: segments) }

    /// Since when a counter counts that was not read before; nil where that is not known. What an odometer was given first
    /// was counted since the flush before.
    func opens(_ first: Reading?, interval: Int64?) -> Timestamp? {
        if let started = opening.started { return started }
        guard isOdometer, let first else { return nil }
        return first.time.advanced(byMicroseconds: -(interval ?? 0))
    }

    /// The rate around the lane's readings, from which gaps are bounded.
    var rate: FlushRate { FlushRate(of: previous + current) }

    /// The learned flush interval. Unit: microseconds; nil with less than two flushes.
    var flushInterval: Int64? { rate.flushInterval }
}

/// Walks one counter's readings through a quarter hour.
private struct CounterWalk {
    private(set) var usage: CounterUsage
    private(set) var gaps: [Gap] = []
    private let quarterHour: QuarterHour
    private let conflicts: [ClosedRange<Timestamp>]
    private let higher: HigherSources
    private let rate: FlushRate
    private let conflictBound: ConflictBound
    private var last: Reading
    /// Readings before the opening say nothing of what came after it.
    private let openedAt: Timestamp?
    /// When the process began.
    private let startedAt: Timestamp?
    /// Up to this reading of a higher source all is counted, though this one's are still below it.
    private var joined: Reading?
    /// The last good reading before a conflict that still goes on.
    private var conflictSince: Reading?
    /// Where the stretch began in which the counter has only risen.
    private var spanOpening: Reading

    init(
        epoch: Int64, counter: CounterID, opening: Reading?, started: Timestamp?, quarterHour: QuarterHour,
        conflicts: [ClosedRange<Timestamp>], higher: HigherSources, rate: FlushRate, conflictBound: ConflictBound
    ) {
        self.conflictBound = conflictBound
        self.higher = higher
        self.rate = rate
        usage = CounterUsage(epoch: epoch, counter: counter)
        self.quarterHour = quarterHour
        self.conflicts = conflicts
        startedAt = started
        last = opening ?? Reading(time: started ?? quarterHour.start, value: 0)
        spanOpening = last
        openedAt = opening?.time
        if let opening, conflicts.contains(where: { $0.contains(opening.time) }) { conflictSince = opening }
    }

    mutating func step(to reading: Reading) {
        if let openedAt, reading.time < openedAt { return }
        if conflicts.contains(where: { $0.contains(reading.time) }) {
            if conflictSince == nil {
                closeSpan()
                conflictSince = last
            }
            last = reading
            return
        }
        if let good = conflictSince {
            // The first reading after a conflict opens anew; what lies between is a gap, never usage.
            closeConflict(since: good, at: reading)
            last = reading
            spanOpening = reading
            return
        }
        defer { last = reading }
        let isReset = reading.value < last.value
        if let joined {
            if !isReset, reading.value <= joined.value {
                spanOpening = reading
                return
            }
            self.joined = nil
            if !isReset { (last, spanOpening) = (joined, joined) }
        }
        let step = isReset ? reading.value : reading.value - last.value
        let cover = higher.cover(from: last.time, to: reading.time)
        guard cover == .none else {
            closeSpan()
            spanOpening = reading
            guard cover != .wholly, step > 0 else { return }
            if !isReset, let step = higher.join(usage.counter, from: last, to: reading, startedAt: startedAt) {
                take(step)
            } else if cover == .partly {
                // How much of it a higher source has counted can not be told.
                gaps.append(
                    Gap(
                        reason: .streamDown, epoch: usage.epoch, counter: usage.counter, from: last.time,
                        to: reading.time, lower: 0, upper: step))
            }
            return
        }
        if isReset {
            closeSpan()
            spanOpening = Reading(time: last.time, value: 0)
            usage.resets.append(Reset(peak: last, first: reading))
            gaps.append(
                Gap(
                    reason: .reset, epoch: usage.epoch, counter: usage.counter, from: last.time, to: reading.time,
                    lower: 0,
                    upper: rate.bound(unobserved: reading.time.microseconds(since: last.time)), basis: .rate,
                    blind: Gap.Blind(to: reading.time, counted: step)))
        }
        usage.quantity = usage.quantity.addingClamped(step)
        if last.time < quarterHour.start, step > 0, usage.carriedSince == nil {
            usage.carriedIn = step
            usage.carriedSince = last.time
            usage.carriedUntil = reading.time
        }
    }

    /// Counts what of a step no higher source counted.
    private mutating func take(_ step: JoinedStep) {
        let parts: [ReadingSpan]
        switch step {
        case .parts(let found): parts = found
        case .behind(let found, let reading): (parts, joined) = (found, reading)
        }
        for part in parts {
            let quantity = part.closing.value - part.opening.value
            usage.quantity = usage.quantity.addingClamped(quantity)
            usage.spans.append(part)
            guard part.opening.time < quarterHour.start else { continue }
            usage.carriedIn = usage.carriedIn.addingClamped(quantity)
            usage.carriedSince = usage.carriedSince ?? part.opening.time
            usage.carriedUntil = part.closing.time
        }
    }

    /// The quarter hour is over. A conflict that still goes on continues in the next with its last reading.
    mutating func end() {
        if let good = conflictSince { closeConflict(since: good, at: last) } else { closeSpan() }
    }

    private mutating func closeSpan() {
        guard last.value != spanOpening.value || last.time != spanOpening.time else { return }
        usage.spans.append(ReadingSpan(opening: spanOpening, closing: last))
    }

    private mutating func closeConflict(since good: Reading, at reading: Reading) {
        gaps.append(
            Gap(
                reason: .identityConflict, epoch: usage.epoch, counter: usage.counter, from: good.time,
                to: reading.time, lower: 0, upper: conflictBound.requests(from: good.time, to: reading.time),
                basis: .rate, blind: Gap.Blind(to: reading.time)
            )
        )
        conflictSince = nil
    }
}
