/// A ledger of tapes in memory, under the same rules as the store: what `replay` meters with, and what the property
/// tests hold the rules against.
package struct MemoryLedger {
    /// A counter's usage over all that was committed.
    package struct CounterTotal: Hashable, Sendable {
        package var instance: String
        package var name: String
        package var usage: Int64
        package var epochs: Int
        package var resets: Int
    }

    private struct Epoch {
        var record: EpochRecord
        var opening: EpochOpening
        var baselineAt: Timestamp?
        var quarterHours: [QuarterHour: EpochTape]
    }

    private let meteringSince: Timestamp?
    /// The names of counters and gauges, by `CounterID.rawValue`.
    package private(set) var names: [String] = []
    private var numbers: [String: CounterID] = [:]
    private var epochs: [String: [Epoch]] = [:]
    private var resolved: [StreamID: Int64] = [:]
    private var committed: [StreamID: Int64] = [:]
    private var nextEpoch: Int64 = 1
    package private(set) var notes: Set<String> = []

    /// - Parameter meteringSince: epochs that began before it have a baseline (rule 6); nil meters since always.
    package init(meteringSince: Timestamp? = nil) {
        self.meteringSince = meteringSince
    }

    /// Commits what changed in a stream's tape. Does nothing before its first complete flush.
    package mutating func commit(_ tape: inout StreamTape, of identity: StreamIdentity) throws {
        for segment in stage(&tape, of: identity) { merge(segment, of: identity) }
        tape.forget(through: tape.latestRevision)
    }

    /// The segments that a commit would store, for tests that let commits overtake each other.
    package mutating func stage(_ tape: inout StreamTape, of identity: StreamIdentity) -> [Segment] {
        guard let firstSign = tape.firstSign else { return [] }
        let counters = tape.counterNames.map { number($0) }
        let gauges = tape.gaugeNames.map { number($0) }
        let epoch = resolve(tape, firstSign, identity, counters)
        update(epoch, of: identity) {
            if $0.record.last.receivedAt <= tape.lastSign.receivedAt { $0.record.last = tape.lastSign }
        }
        let segments = tape.segments(after: committed[tape.stream] ?? 0, counters: counters, gauges: gauges)
        committed[tape.stream] = tape.latestRevision
        return segments
    }

    /// Merges a staged segment into its epoch's tape.
    package mutating func merge(_ segment: Segment, of identity: StreamIdentity) {
        guard let epoch = resolved[segment.stream] else { return }
        update(epoch, of: identity) { epoch in
            let empty = EpochTape(
                epoch: epoch.record.id, bootID: epoch.record.bootID, source: epoch.record.source,
                opening: epoch.opening, previous: [], current: []
            )
            epoch.quarterHours[segment.quarterHour, default: empty].merge(segment)
        }
    }

    /// The usage of every counter and what is to be said of it, from the tapes alone.
    package mutating func totals() throws -> [CounterTotal] {
        var totals: [CounterTotal] = []
        for (instance, epochs) in epochs {
            var usage: [CounterID: CounterTotal] = [:]
            var seen: [CounterID: Set<Int64>] = [:]
            for quarterHour in Set(epochs.flatMap { $0.quarterHours.keys }).sorted() {
                let derived = try self.usage(of: instance, in: quarterHour)
                for counter in derived.counters {
                    let name = names[Int(counter.counter.rawValue)]
                    let none = CounterTotal(instance: instance, name: name, usage: 0, epochs: 0, resets: 0)
                    let sum = usage[counter.counter, default: none].usage.addingClamped(counter.quantity)
                    usage[counter.counter, default: none].usage = sum
                    usage[counter.counter, default: none].resets += counter.resets.count
                    seen[counter.counter, default: []].insert(counter.epoch)
                }
                if derived.hasTwoLives { notes.insert("\(instance): two boot ids were alive at once; both count") }
                for gap in derived.gaps where gap.reason == .identityConflict {
                    notes.insert(
                        "\(instance): identity conflict from \(gap.from) to \(gap.to); usage stops at the last good reading"
                    )
                }
            }
            for (counter, total) in usage {
                var total = total
                total.epochs = seen[counter]?.count ?? 0
                totals.append(total)
            }
        }
        return totals.sorted { ($0.instance, $0.name) < ($1.instance, $1.name) }
    }

    /// The instances and how many epochs each had, by name.
    package var instances: [(name: String, epochs: Int)] {
        epochs.map { (name: $0.key, epochs: $0.value.count) }.sorted { $0.name < $1.name }
    }

    /// What is known of an instance's epochs, in the order in which they were found.
    package func records(of instance: String) -> [EpochRecord] { (epochs[instance] ?? []).map(\.record) }

    /// What an instance was used in one quarter hour.
    package func usage(of instance: String, in quarterHour: QuarterHour) throws -> InstanceUsage {
        let tapes = try (epochs[instance] ?? []).compactMap { epoch -> EpochTape? in
            guard var tape = epoch.quarterHours[quarterHour] else { return nil }
            tape.opening = epoch.opening
            let earlier = epoch.quarterHours.keys.filter { $0 < quarterHour }.sorted()
            if let latest = earlier.last { tape.previous = epoch.quarterHours[latest]?.current ?? [] }
            for quarterHour in earlier.dropLast() {
                for segment in epoch.quarterHours[quarterHour]?.current ?? [] where segment.temporality == .cumulative {
                    try segment.forEachRun { counter, run in
                        if (tape.older[counter].map { ($0.time, $0.value) < (run.peak.time, run.peak.value) }) ?? true {
                            tape.older[counter] = run.peak
                        }
                    }
                }
            }
            return tape
        }
        return try InstanceUsage(quarterHour: quarterHour, epochs: tapes) { counter in
            names[Int(counter.rawValue)].hasPrefix("http.")
        }
    }

    private mutating func number(_ name: String) -> CounterID {
        if let known = numbers[name] { return known }
        let number = CounterID(rawValue: Int64(names.count))
        names.append(name)
        numbers[name] = number
        return number
    }

    private mutating func resolve(
        _ tape: StreamTape, _ sign: LifeSign, _ identity: StreamIdentity, _ counters: [CounterID]
    ) -> Int64 {
        if let known = resolved[tape.stream] { return known }
        let known = (epochs[identity.instance] ?? []).filter { $0.record.source == tape.source }
        let decision = EpochRules.decide(bootID: identity.bootID, sign: sign, epochs: known.map(\.record))
        let baseline = Dictionary(
            uniqueKeysWithValues: tape.firstFlush.map { (counters[$0.key], $0.value) }
        )
        let firstRead = tape.firstFlush.values.map(\.time).min()
        switch decision {
        case .known(let id, let undecided):
            resolved[tape.stream] = id
            if undecided { notes.insert("\(identity.instance): no uptime to tell epochs apart; taken for the same") }
            update(id, of: identity) { epoch in
                if sign.receivedAt < epoch.record.first.receivedAt { epoch.record.first = sign }
                // The baseline is the epoch's first complete flush, whichever worker stores it first.
                if let at = epoch.baselineAt, let firstRead, firstRead < at {
                    epoch.baselineAt = firstRead
                    epoch.opening.baseline = baseline
                }
            }
            return id
        case .new:
            let id = nextEpoch
            nextEpoch += 1
            let opensAtZero =
                tape.isOdometer
                || EpochRules.opensAtZero(
                    source: tape.source, sign: sign, instanceIsMetered: !known.isEmpty, meteringSince: meteringSince)
            epochs[identity.instance, default: []].append(
                Epoch(
                    record: EpochRecord(
                        id: id, bootID: identity.bootID, source: tape.source, first: sign, last: sign),
                    opening: EpochOpening(started: sign.startedAt, baseline: opensAtZero ? [:] : baseline),
                    baselineAt: opensAtZero ? nil : firstRead, quarterHours: [:]
                )
            )
            resolved[tape.stream] = id
            return id
        }
    }

    private mutating func update(_ id: Int64, of identity: StreamIdentity, _ change: (inout Epoch) -> Void) {
        guard let index = epochs[identity.instance]?.firstIndex(where: { $0.record.id == id }) else { return }
        if var list = epochs.removeValue(forKey: identity.instance) {
            change(&list[index])
            epochs[identity.instance] = list
        }
    }
}
