/// What a higher source's counters stood at where its reign over an instance began or ended: there a lower source of the
/// same process goes on, or stops, at a value that both know.
package struct SourceEdge: Hashable, Sendable {
    /// Two sources of one process agree on its start to so much: uptimes are in whole seconds. Unit: microseconds.
    private static let tolerance: Int64 = 2_000_000

    package var time: Timestamp
    /// When the process began; nil where it is not known, and no other source's can be told to be the same.
    package var started: Timestamp?
    package var values: [CounterID: Int64]
    /// What a counter stood at that is not among the values; nil where that is not known.
    package var others: Int64?

    package init(time: Timestamp, started: Timestamp?, values: [CounterID: Int64], others: Int64? = nil) {
        self.time = time
        self.started = started
        self.values = values
        self.others = others
    }

    /// What a counter of a process stood at; nil where it is another process's or not known.
    func reading(of counter: CounterID, startedAt: Timestamp?) -> Reading? {
        guard let started, let startedAt, startedAt.microseconds(since: started).magnitude <= Self.tolerance.magnitude,
            let value = values[counter] ?? others
        else { return nil }
        return Reading(time: time, value: value)
    }
}

/// A step of a lower source of which a higher one covers a part.
package enum JoinedStep: Hashable, Sendable {
    /// What no higher source counted, in the order of time.
    case parts([ReadingSpan])
    /// The higher source's last reading is above the step's end, though it came before: the two read one flush in another
    /// order. What the lower one counts up to that reading is counted.
    case behind(parts: [ReadingSpan], Reading)
}
