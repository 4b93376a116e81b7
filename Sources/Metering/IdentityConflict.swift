/// Two Envoys under one name, which can not be told apart (rule 5).
enum IdentityConflict {
    /// Flushes that both streams must have had in one stretch before it is a conflict: a failover does not get there.
    private static let interleavedFlushes: Int64 = 3
    private static let fallsInConflict = 3
    private static let flushesPerFalls: Int64 = 10

    /// The stretches in which two streams with the same boot id, or without one, flushed by turns.
    static func overlaps(_ epochs: [EpochTape]) -> [ClosedRange<Timestamp>] {
        var found: [ClosedRange<Timestamp>] = []
        forEachPair(of: epochs) { left, right, leftBoot, rightBoot in
            guard leftBoot == rightBoot, left.temporality == .cumulative, right.temporality == .cumulative else {
                return
            }
            guard let shared = overlap(left, right), !isOneEnvoy(left, right) else { return }
            found.append(shared)
        }
        return found
    }

    /// Whether two boot ids were alive at one time.
    static func twoLives(_ epochs: [EpochTape]) -> Bool {
        var found = false
        forEachPair(of: epochs) { left, right, leftBoot, rightBoot in
            // Two workers that hear one source in turn have an odometer each: those are no two Envoys.
            if OdometerEpoch.isOdometer(leftBoot), OdometerEpoch.isOdometer(rightBoot) { return }
            if leftBoot != rightBoot, overlap(left, right) != nil { found = true }
        }
        return found
    }

    /// The stretches in which connection managers' counters of one epoch fell three times within ten flushes.
    static func falls(
        _ before: CounterReadings, _ now: CounterReadings, _ matches: [Int?], _ lane: Lane,
        outside overlaps: [ClosedRange<Timestamp>], _ isConnectionManagers: (CounterID) -> Bool
    ) -> [ClosedRange<Timestamp>] {
        var times: Set<Timestamp> = []
        for index in now.counters.indices {
            var last: Reading?
            let earlier = matches[index].map { before.readings(at: $0) } ?? []
            for readings in [earlier, now.readings(at: index)] {
                for reading in readings where !overlaps.contains(where: { $0.contains(reading.time) }) {
                    // Few counters fall, so whose they are is asked of those alone.
                    if let last, reading.value < last.value, isConnectionManagers(now.counters[index]) {
                        times.insert(reading.time)
                    }
                    last = reading
                }
            }
        }
        guard times.count >= fallsInConflict, let interval = lane.flushInterval else { return [] }
        let span = interval * flushesPerFalls
        let ordered = times.sorted()
        var found: [ClosedRange<Timestamp>] = []
        for index in 0...(ordered.count - fallsInConflict) {
            let last = ordered[index + fallsInConflict - 1]
            guard last.microseconds(since: ordered[index]) <= span else { continue }
            let end = last.advanced(byMicroseconds: span)
            if let open = found.last, open.upperBound >= ordered[index] {
                found[found.count - 1] = open.lowerBound...max(open.upperBound, end)
            } else {
                found.append(ordered[index]...end)
            }
        }
        return found
    }

    private static func forEachPair(
        of epochs: [EpochTape], _ body: (Segment, Segment, _ leftBoot: String?, _ rightBoot: String?) -> Void
    ) {
        for isCurrent in [false, true] {
            let segments = epochs.flatMap { epoch in
                (isCurrent ? epoch.current : epoch.previous).map { ($0, epoch.bootID, epoch.source) }
            }
            for left in segments.indices {
                for right in segments.indices where right > left && segments[left].0.stream != segments[right].0.stream
                {
                    // Two ways in which one Envoy reports are no two Envoys.
                    guard segments[left].2 == segments[right].2 else { continue }
                    body(segments[left].0, segments[right].0, segments[left].1, segments[right].1)
                }
            }
        }
    }

    /// The stretch in which both streams flushed at least three times.
    private static func overlap(_ left: Segment, _ right: Segment) -> ClosedRange<Timestamp>? {
        guard left.quarterHour == right.quarterHour else { return nil }
        let start = max(left.firstFlush, right.firstFlush)
        let end = min(left.lastFlush, right.lastFlush)
        guard start < end else { return nil }
        let length = end.microseconds(since: start)
        for segment in [left, right] {
            let whole = segment.lastFlush.microseconds(since: segment.firstFlush)
            guard whole > 0 else { return nil }
            // Flushes in the stretch, taking them as evenly spaced; both ends of a stretch count.
            let (product, overflow) = (segment.flushes - 1).multipliedReportingOverflow(by: length)
            guard !overflow, product / whole + 1 >= interleavedFlushes else { return nil }
        }
        return start...end
    }

    /// One Envoy that sends to two places stamps both with the same times.
    private static func isOneEnvoy(_ left: Segment, _ right: Segment) -> Bool {
        !Set(left.recentFlushes).isDisjoint(with: right.recentFlushes)
    }
}
