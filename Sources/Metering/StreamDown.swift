/// Stretches in which a source of deltas sent nothing: what it counted then was never added up. (A source of totals has
/// lost nothing when it is back.)
enum StreamDown {
    /// The holes between the segments of an epoch that end in the quarter hour, longer than one and a half flushes.
    static func gaps(of epoch: EpochTape, _ higher: HigherSources) -> [Gap] {
        let segments = (epoch.previous + epoch.current).sorted {
            ($0.firstFlush, $0.stream) < ($1.firstFlush, $1.stream)
        }
        let rate = FlushRate(of: segments)
        guard let interval = rate.flushInterval, let quarterHour = epoch.current.first?.quarterHour else { return [] }
        var gaps: [Gap] = []
        var seenTo = segments.first?.lastFlush
        for segment in segments.dropFirst() {
            defer { seenTo = max(seenTo ?? segment.lastFlush, segment.lastFlush) }
            guard let from = seenTo, QuarterHour(containing: segment.firstFlush) == quarterHour else { continue }
            let missing = segment.firstFlush.microseconds(since: from)
            guard missing > interval + interval / 2 else { continue }
            switch higher.cover(from: from, to: segment.firstFlush) {
            case .wholly, .allButTails: continue
            case .none, .partly: break
            }
            gaps.append(
                Gap(
                    reason: .streamDown, epoch: epoch.epoch, counter: nil, from: from, to: segment.firstFlush, lower: 0,
                    upper: rate.bound(unobserved: missing), basis: .rate,
                    // What comes first after the hole was counted since the flush before it, which nobody heard.
                    blind: Gap.Blind(to: segment.firstFlush.advanced(byMicroseconds: -interval - interval / 2))))
        }
        return gaps
    }
}
