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
