package import Metering

/// What a worker hands over of one stream: a snapshot of its tape, and how far it was stored before.
package struct StreamCommit: Sendable {
    package var identity: StreamIdentity
    package var tape: StreamTape
    package var stored: StoredStream
    /// What the receiver could not count, at most one of a reason and quarter hour.
    package var remarks: [StreamRemark]
    /// From where it is sent, for whoever looks for two Envoys under one name; nil where it is not known.
    package var peer: String?

    package init(
        identity: StreamIdentity, tape: StreamTape, stored: StoredStream, remarks: [StreamRemark] = [],
        peer: String? = nil
    ) {
        self.peer = peer
        self.identity = identity
        self.tape = tape
        self.stored = stored
        self.remarks = remarks
    }
}

/// A stretch in which a receiver could not count all: the aggregation makes a gap of it.
package struct StreamRemark: Hashable, Sendable {
    /// A `Gap.Reason`.
    package var reason: String
    package var from: Timestamp
    package var to: Timestamp
    /// Requests that it may have hidden; nil where nothing bounds them.
    package var upper: Int64?
    /// How often it happened in its quarter hour so far, in the unit of the reason: datagrams, values.
    package var occurrences: Int64

    package init(reason: String, from: Timestamp, to: Timestamp, upper: Int64?, occurrences: Int64) {
        self.reason = reason
        self.from = from
        self.to = to
        self.upper = upper
        self.occurrences = occurrences
    }

    package var quarterHour: QuarterHour { QuarterHour(containing: from) }
}

/// What the database knows of a stream. A worker keeps it beside the stream and hands it back with the next commit.
package struct StoredStream: Sendable {
    /// Nil until the first commit after the first complete flush has decided it.
    package internal(set) var epoch: Int64?
    /// All readings up to this revision of the tape are stored.
    package internal(set) var revision: Int64 = 0
    var gateway: Int64?
    var instance: Int64?
    var collectVersion: Int64?
    var counters: [CounterID] = []
    var gauges: [CounterID] = []
    var counterSet: Int64 = 0
    var gaugeSet: Int64 = 0
    /// Where the epoch was collected with other patterns, slots below this one were looked at (rule 6).
    var slotsJudged = 0
    var collectOfEpoch: CollectPatterns?
    var refusalsStored: Int64 = 0

    package init() {}
}
