/// A counter's value at an instant.
package struct Reading: Hashable, Sendable {
    package var time: Timestamp
    package var value: Int64

    package init(time: Timestamp, value: Int64) {
        self.time = time
        self.value = value
    }
}

/// A counter between two resets, as one stream saw it in one quarter hour: its first reading and its peak, which is
/// also the last reading, for a counter only falls when it is reset. Where deltas are added up the first reading is the
/// sum before the first of them.
package struct Run: Hashable, Sendable {
    package var first: Reading
    package var peak: Reading

    package init(first: Reading, peak: Reading) {
        self.first = first
        self.peak = peak
    }
}

/// Why a value that Envoy sent was not taken as a reading (rule 7).
package enum Refusal: String, Hashable, Sendable, CaseIterable {
    case negative
    case notANumber = "not_a_number"
    case notWhole = "not_whole"
    /// Above 2^53, where a double no longer tells whole numbers apart.
    case tooLarge = "too_large"
    case nameTooLong = "name_too_long"
    /// The series carries more than 64 tags.
    case tooManyTags = "too_many_tags"
    /// The name is not UTF-8, holds a NUL, or can not be told from another by eye (Unicode's canonical equivalence).
    case nameNotText = "name_not_text"
    /// More names under one prefix than the cap allows.
    case tooManyNames = "too_many_names"
    /// The series carries labels, which this receiver does not put together to a name.
    case labelled
    /// A statsd line that does not begin with the prefix that the listener was given.
    case foreignPrefix = "foreign_prefix"
    /// A statsd line that is none.
    case malformed
    /// A statsd line with a sampling rate or a relative gauge: to scale it would make an estimate of a count.
    case sampled
}

/// The value of a counter as the wire carries it.
package enum CounterValue {
    /// The largest count that a double holds exactly with all below it: 2^53.
    package static let maximum: Int64 = 1 << 53

    /// A double of the wire as a count, or why it is refused. This is the one place where a count is a double: Envoy
    /// sends doubles (io.prometheus.client.Counter).
    package static func whole(_ value: Double) throws(RefusedValue) -> Int64 {
        guard value == value else { throw RefusedValue(reason: .notANumber) }
        guard value >= 0 else { throw RefusedValue(reason: .negative) }
        guard value <= 9_007_199_254_740_992 else { throw RefusedValue(reason: .tooLarge) }
        guard value.rounded(.towardZero) == value else { throw RefusedValue(reason: .notWhole) }
        return Int64(value)
    }
}

package struct RefusedValue: Error {
    package let reason: Refusal
}
