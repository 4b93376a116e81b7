/// The tape of one epoch around a quarter hour: what the usage of that quarter hour is derived from.
package struct EpochTape: Sendable {
    package var epoch: Int64
    package var bootID: String?
    package var source: SourceKind
    package var opening: EpochOpening
    /// The epoch's segments of the latest quarter hour before this one that has any.
    package var previous: [Segment]
    /// The segments of this quarter hour.
    package var current: [Segment]
    /// The closings of counters that were read neither in `previous` nor first now: from older tapes.
    package var older: [CounterID: Reading]

    package init(
        epoch: Int64, bootID: String?, source: SourceKind = .metricsService, opening: EpochOpening,
        previous: [Segment], current: [Segment], older: [CounterID: Reading] = [:]
    ) {
        self.epoch = epoch
        self.source = source
        self.bootID = bootID
        self.opening = opening
        self.previous = previous
        self.current = current
        self.older = older
    }

    /// Adds a segment, or replaces an earlier revision of it: the merge of tapes (invariant 1).
    package mutating func merge(_ segment: Segment) {
        guard let known = current.firstIndex(where: { $0.stream == segment.stream }) else {
            current.append(segment)
            return
        }
        if current[known].revision < segment.revision { current[known] = segment }
    }

    /// Counters of this quarter hour that `previous` says nothing of: their closings, if there are any, are older.
    package func countersWithoutOpening() throws -> Set<CounterID> {
        if let missing = try slotsWithoutOpening() { return missing }
        var missing: Set<CounterID> = []
        for segment in current where segment.temporality == .cumulative {
            try segment.forEachRun { counter, _ in missing.insert(counter) }
        }
        for segment in previous {
            try segment.forEachRun { counter, _ in missing.remove(counter) }
        }
        return missing
    }

    /// The same where one segment followed upon one with the same counters, as mostly; nil elsewhere.
    private func slotsWithoutOpening() throws -> Set<CounterID>? {
        guard previous.count == 1, current.count == 1, current[0].temporality == .cumulative,
            previous[0].counters == current[0].counters
        else { return nil }
        var isRead = [Bool](repeating: false, count: current[0].counters.count)
        try previous[0].forEachRun { slot, _, _ in isRead[slot] = true }
        var missing: Set<CounterID> = []
        try current[0].forEachRun { slot, counter, _ in
            if !isRead[slot] { missing.insert(counter) }
        }
        return missing
    }
}

/// Where an epoch's counters begin.
package struct EpochOpening: Hashable, Sendable {
    /// When the epoch began; nil where it is not known.
    package var started: Timestamp?
    /// Counters whose usage counts from this reading on. All others count from 0.
    package var baseline: [CounterID: Reading]

    package init(started: Timestamp?, baseline: [CounterID: Reading] = [:]) {
        self.started = started
        self.baseline = baseline
    }
}

/// What one counter of one epoch was used in one quarter hour.
package struct CounterUsage: Hashable, Sendable {
    package var epoch: Int64
    package var counter: CounterID
    /// Σ over runs of (peak − opening). Unit: the counter's.
    package var quantity: Int64 = 0
    /// The part of `quantity` that began before the quarter hour, and the interval it spans (rule 9).
    package var carriedIn: Int64 = 0
    package var carriedSince: Timestamp?
    package var carriedUntil: Timestamp?
    package var resets: [Reset] = []
    /// The stretches in which the counter only rose; Σ (closing − opening) = `quantity`.
    package var spans: [ReadingSpan] = []
}

/// A stretch of one counter between two readings, in which it only rose.
package struct ReadingSpan: Hashable, Sendable {
    package var opening: Reading
    package var closing: Reading

    package init(opening: Reading, closing: Reading) {
        self.opening = opening
        self.closing = closing
    }
}

/// A fall of a counter inside an epoch (rule 2).
package struct Reset: Hashable, Sendable {
    package var peak: Reading
    package var first: Reading
}

/// A stretch in which a counter was not observed, with bounds of what it may have hidden.
package struct Gap: Hashable, Sendable {
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        case tailLost = "tail_lost"
        case lateStart = "late_start"
        /// Nothing was received for longer than a flush, or only by a source that could not tell how it began.
        case streamDown = "stream_down"
        /// The kernel dropped datagrams.
        case udpDrop = "udp_drop"
        case reset
        case refused
        case undecidedEpoch = "undecided_epoch"
        case identityConflict = "identity_conflict"
    }

    /// Where an upper bound comes from.
    package enum Basis: String, Hashable, Sendable, CaseIterable {
        /// A counter says it.
        case counted
        /// Derived from the rates around the gap: see `RateBound`.
        case rate
        /// Access logs say it.
        case evidence
    }

    /// The stretch of a gap, from its beginning, of which it is known what was counted in it: what access logs show there
    /// beyond that went uncounted.
    package struct Blind: Hashable, Sendable {
        package var to: Timestamp
        /// Requests that were counted and ended in the stretch.
        package var counted: Int64

        package init(to: Timestamp, counted: Int64 = 0) {
            self.to = to
            self.counted = counted
        }
    }

    package var reason: Reason
    package var epoch: Int64
    package var counter: CounterID?
    package var from: Timestamp
    package var to: Timestamp
    package var lower: Int64
    /// Nil where nothing bounds it.
    package var upper: Int64?
    /// Nil with `upper`.
    package var basis: Basis?
    /// What of the gap evidence can be laid into; nil where it can not be told what was counted in it.
    package var blind: Blind?

    package init(
        reason: Reason, epoch: Int64, counter: CounterID?, from: Timestamp, to: Timestamp, lower: Int64, upper: Int64?,
        basis: Basis = .counted, blind: Blind? = nil
    ) {
        self.blind = blind
        self.basis = upper == nil ? nil : basis
        self.reason = reason
        self.epoch = epoch
        self.counter = counter
        self.from = from
        self.to = to
        self.lower = lower
        self.upper = upper
    }
}
