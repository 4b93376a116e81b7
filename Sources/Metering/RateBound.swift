/// An upper bound of the requests in a stretch that nobody observed, from the rates around it.
///
/// It is twice what the busiest flush around the gap brought, for each flush that is missing. It is called what it is
/// (`Gap.Basis.rate`): a burst of more than twice the busiest flush would pass it. Where no flush around brought a
/// request, or the interval between flushes is not known, there is no bound.
package enum RateBound {
    /// How much busier than the busiest flush around it an unobserved stretch is taken to be at most.
    package static let factor: Int64 = 2

    /// - Parameters:
    ///   - unobserved: the length of the stretch. Unit: microseconds.
    ///   - flushInterval: the time between two flushes around it. Unit: microseconds.
    ///   - busiestFlush: the most requests that one flush brought.
    package static func requests(unobserved: Int64, flushInterval: Int64?, busiestFlush: Int64) -> Int64? {
        guard let flushInterval, flushInterval > 0, busiestFlush > 0, unobserved >= 0 else { return nil }
        let flushes = unobserved / flushInterval + (unobserved % flushInterval == 0 ? 0 : 1)
        return busiestFlush.multipliedClamped(by: factor).multipliedClamped(by: max(1, flushes))
    }
}

/// The rate of flushes and requests around a gap.
package struct FlushRate: Hashable, Sendable {
    /// The longest mean interval between two flushes of a segment. Unit: microseconds; nil with less than two flushes.
    package let flushInterval: Int64?
    /// The most requests that one flush brought.
    package let busiestFlush: Int64

    package init(of segments: some Sequence<Segment>) {
        var longest: Int64?
        var busiest: Int64 = 0
        for segment in segments {
            busiest = max(busiest, segment.busiestFlush)
            guard segment.flushes > 1 else { continue }
            let interval = segment.lastFlush.microseconds(since: segment.firstFlush) / (segment.flushes - 1)
            longest = max(longest ?? interval, interval)
        }
        flushInterval = longest
        busiestFlush = busiest
    }

    /// The bound of a stretch of so many microseconds.
    package func bound(unobserved: Int64) -> Int64? {
        RateBound.requests(unobserved: unobserved, flushInterval: flushInterval, busiestFlush: busiestFlush)
    }
}

extension EpochTape {
    /// The rate around the quarter hour.
    package var rate: FlushRate { FlushRate(of: previous + current) }
}

extension Gap {
    /// The gap with an upper bound from the rates around it, where there is one.
    package func bounded(by rate: FlushRate) -> Gap {
        Gap(
            reason: reason, epoch: epoch, counter: counter, from: from, to: to, lower: lower,
            upper: rate.bound(unobserved: to.microseconds(since: from)), basis: .rate, blind: blind)
    }
}
