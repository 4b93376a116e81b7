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
    }

    /// Merged and ascending.
    private let stretches: [ClosedRange<Timestamp>]

    package static let none = HigherSources([])

    package init(_ stretches: some Sequence<ClosedRange<Timestamp>>) {
        var merged: [ClosedRange<Timestamp>] = []
        for stretch in stretches.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard let last = merged.last, stretch.lowerBound <= last.upperBound else {
                merged.append(stretch)
                continue
            }
            merged[merged.count - 1] = last.lowerBound...max(last.upperBound, stretch.upperBound)
        }
        self.stretches = merged
    }

    package var isEmpty: Bool { stretches.isEmpty }

    /// How much of the time from one reading to the next a higher source covers.
    package func cover(from start: Timestamp, to end: Timestamp) -> Cover {
        if stretches.contains(where: { $0.lowerBound <= start && end <= $0.upperBound }) { return .wholly }
        return stretches.contains { $0.lowerBound < end && start < $0.upperBound } ? .partly : .none
    }
}

/// A stretch in which a source read an instance.
package struct SourceReign: Hashable, Sendable {
    package var source: SourceKind
    package var instance: Int64
    package var instanceName: String
    package var from: Timestamp
    package var to: Timestamp

    package init(source: SourceKind, instance: Int64, instanceName: String, from: Timestamp, to: Timestamp) {
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
        let known = own.isEmpty && standsFor == nil ? higher : own
        return HigherSources(known.lazy.filter { $0.from <= $0.to }.map { $0.from...$0.to })
    }
}
