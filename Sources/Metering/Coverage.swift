/// The share of a period in which the instances' counters were observed.
///
/// A cumulative counter that is read again after an outage has lost nothing: an epoch counts as observed from where it
/// opens to its last reading. What is missing is before a baseline and after a last reading.
package struct Coverage: Hashable, Sendable {
    /// One epoch's stretch of a period.
    package struct Life: Hashable, Sendable {
        package var started: Timestamp
        /// From when on its counters count: its start, or the reading of its baseline.
        package var observedFrom: Timestamp
        package var lastReading: Timestamp
        /// The last flush showed a drained process: nothing is missing after it.
        package var isDrained: Bool
        /// When another life of the instance began; nil where there is none.
        package var successorStarted: Timestamp?
        /// The successor took over what was pending, as a hot-restarted child does.
        package var isInherited: Bool

        package init(
            started: Timestamp, observedFrom: Timestamp, lastReading: Timestamp, isDrained: Bool,
            successorStarted: Timestamp?, isInherited: Bool
        ) {
            self.started = started
            self.observedFrom = observedFrom
            self.lastReading = lastReading
            self.isDrained = isDrained
            self.successorStarted = successorStarted
            self.isInherited = isInherited
        }
    }

    /// A life without an orderly end and without a successor is expected for this long (rule 10). Unit: microseconds.
    package static let silence: Int64 = 86_400_000_000
    /// A reading may be this late before a living instance counts as unobserved: a flush, a commit and a look at the
    /// clock lie between. Unit: microseconds.
    package static let lateness: Int64 = 60_000_000

    /// Unit: microseconds of instances.
    package private(set) var observed: Int64 = 0
    package private(set) var expected: Int64 = 0

    package init(lives: [Life], from start: Timestamp, to end: Timestamp, asOf: Timestamp) {
        let end = min(end, asOf)
        for life in lives {
            var expectedTo = min(end, life.lastReading.advanced(byMicroseconds: Self.silence))
            if let successor = life.successorStarted { expectedTo = min(expectedTo, successor) }
            if life.isDrained || life.isInherited { expectedTo = min(expectedTo, life.lastReading) }
            let isAlive = life.successorStarted == nil && end.microseconds(since: life.lastReading) <= Self.lateness
            if isAlive { expectedTo = min(expectedTo, life.lastReading) }
            let expectedFrom = max(life.started, start)
            let observedFrom = max(life.observedFrom, expectedFrom)
            expected += max(0, expectedTo.microseconds(since: expectedFrom))
            observed += max(0, min(life.lastReading, expectedTo).microseconds(since: observedFrom))
        }
    }

    /// Rounded down to two places; "100.00" when nothing was expected.
    package var percent: String {
        guard expected > 0 else { return "100.00" }
        let hundredths = Int64(Int128(observed) * 10_000 / Int128(expected))
        let fraction = String(hundredths % 100)
        return "\(hundredths / 100).\(fraction.count == 1 ? "0" : "")\(fraction)"
    }

    /// Whether the share is below a threshold in hundredths of a percent.
    package func isBelow(hundredthsOfPercent threshold: Int64) -> Bool {
        Int128(observed) * 10_000 < Int128(expected) * Int128(threshold)
    }
}
