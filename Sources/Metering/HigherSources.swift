/// The stretches in which a higher source read what a lower one reads too (rule 8): what the lower one counted in them is
/// a cross-check, and added to nothing.
///
/// A cumulative source covers all between two of its readings, also where it was away in between: the later one brings
/// what the outage hid. So when it returns, it displaces what a lower source stood in with.
package struct HigherSources: Hashable, Sendable {
    package enum Cover: Hashable, Sendable {
        case none
        case partly
        case wholly
        /// In part, and the rest lies between two lives: the end of the first is a gap of the higher source already.
        case allButTails
    }

    /// A stretch, with what the counters stood at where it begins and ends, as far as that is known.
    package struct Stretch: Hashable, Sendable {
        package var from: Timestamp
        package var to: Timestamp
        package var opening: SourceEdge?
        package var closing: SourceEdge?

        package init(from: Timestamp, to: Timestamp, opening: SourceEdge? = nil, closing: SourceEdge? = nil) {
            self.from = from
            self.to = to
            self.opening = opening
            self.closing = closing
        }
    }

    /// Merged and ascending.
    private let stretches: [Stretch]
    /// Whether they are lives of the instance in question, so that what is between two of them is a tail.
    private let areOwn: Bool

    package static let none = HigherSources([])

    package init(_ stretches: some Sequence<Stretch>, areOwn: Bool = false) {
        self.areOwn = areOwn
        var merged: [Stretch] = []
        for stretch in stretches.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
            guard let last = merged.last, stretch.from <= last.to else {
                merged.append(stretch)
                continue
            }
            guard last.to < stretch.to else { continue }
            merged[merged.count - 1].to = stretch.to
            merged[merged.count - 1].closing = stretch.closing
        }
        self.stretches = merged
    }

    package var isEmpty: Bool { stretches.isEmpty }

    /// How much of the time from one reading to the next a higher source covers.
    package func cover(from start: Timestamp, to end: Timestamp) -> Cover {
        if stretches.contains(where: { $0.from <= start && end <= $0.to }) { return .wholly }
        guard stretches.contains(where: { $0.from < end && start < $0.to }) else { return .none }
        guard areOwn, let first = stretches.first, let last = stretches.last else { return .partly }
        return first.from <= start && end <= last.to ? .allButTails : .partly
    }

    /// What of a counter's rise from one reading to the next no higher source counted: where the sources read one
    /// process, they read one odometer, and the value at the edge parts the rise exactly.
    ///
    /// - Parameter startedAt: when the process began that the lower source reads.
    /// - Returns: nil where a value at an edge is not known, is another process's, or does not fit between the readings.
    package func join(
        _ counter: CounterID, from: Reading, to: Reading, startedAt: Timestamp?
    ) -> JoinedStep? {
        var parts: [ReadingSpan] = []
        var cursor = from
        for stretch in stretches where stretch.from < to.time && cursor.time < stretch.to {
            if stretch.from > cursor.time {
                guard let edge = stretch.opening?.reading(of: counter, startedAt: startedAt),
                    edge.value >= cursor.value, edge.value <= to.value
                else { return nil }
                if edge.value > cursor.value { parts.append(ReadingSpan(opening: cursor, closing: edge)) }
            }
            if stretch.to >= to.time { return .parts(parts) }
            guard let edge = stretch.closing?.reading(of: counter, startedAt: startedAt), edge.value >= cursor.value
            else { return nil }
            cursor = edge
        }
        if cursor.value > to.value { return .behind(parts: parts, cursor) }
        if cursor.value < to.value { parts.append(ReadingSpan(opening: cursor, closing: to)) }
        return .parts(parts)
    }
}

/// A stretch in which a source read an instance.
package struct SourceReign: Hashable, Sendable {
    package var source: SourceKind
    package var instance: Int64
    package var instanceName: String
    package var from: Timestamp
    package var to: Timestamp
    /// What the counters stood at where it begins and ends; nil where that is not known.
    package var opening: SourceEdge?
    package var closing: SourceEdge?

    package init(
        source: SourceKind, instance: Int64, instanceName: String, from: Timestamp, to: Timestamp,
        opening: SourceEdge? = nil, closing: SourceEdge? = nil
    ) {
        self.opening = opening
        self.closing = closing
        self.source = source
        self.instance = instance
        self.instanceName = instanceName
        self.from = from
        self.to = to
    }
}

/// Which source counts, per gateway and instance (rule 8).
///
/// The highest source that reports is elected for the gateway. Where it is known which of its instances a lower source
/// reads (they have one name, or the identity map says so), the lower one stands in for that instance when the higher
/// one is away; where it is not known, it counts only while no higher source reports from the gateway at all. The ways of
/// writing statsd are elected per instance alone: what one of them reads says nothing of another's instances.
package struct SourceElection: Sendable {
    private let reigns: [SourceReign]
    private let identities: [SourceIdentity]

    package static let single = SourceElection(reigns: [], identities: [])

    /// - Parameter identities: those of the gateway.
    package init(reigns: [SourceReign], identities: [SourceIdentity]) {
        self.reigns = reigns
        self.identities = identities
    }

    /// What higher sources cover of an instance that a source reads.
    package func above(_ source: SourceKind, instance: Int64, name: String) -> HigherSources {
        let standsFor = identities.first { $0.source == source && $0.instance == name }?.standsFor
        func isOwn(_ reign: SourceReign) -> Bool { reign.instance == instance || reign.instanceName == standsFor }
        let higher = reigns.filter { $0.source < source && (isOwn($0) || !($0.source.isStatsd && source.isStatsd)) }
        guard !higher.isEmpty else { return .none }
        let own = higher.filter(isOwn)
        // Where it is not known whom a source reads, no value of another is its own.
        let isKnown = !own.isEmpty || standsFor != nil
        return HigherSources(
            (isKnown ? own : higher).lazy.filter { $0.from <= $0.to }.map { reign in
                HigherSources.Stretch(
                    from: reign.from, to: reign.to, opening: isKnown ? reign.opening : nil,
                    closing: isKnown ? reign.closing : nil)
            }, areOwn: isKnown)
    }
}
