import Logging
import Metering
import UsageStore
import WireFormats

/// Counts OTLP exports of deltas, each once: an export is answered when what it brought is committed together with its
/// interval, so that a retry, to this worker or another, finds it counted.
///
/// All exports that arrive while a commit is under way are the next one's. An odometer whose commit failed is let go of:
/// its stored sums stay, and the next export begins another from 0, under an epoch of its own.
actor OTLPDeltaCounter {
    struct Export: Sendable {
        var gateway: String
        var instance: String
        var request: [UInt8]
        var resource: OTLPExport.Resource
        /// The sender's address.
        var peer: String
        var receivedAt: Timestamp

        var intervals: [ExportInterval] {
            resource.deltaIntervals.map {
                ExportInterval(gateway: gateway, instance: instance, start: $0.start, time: $0.time)
            }
        }

        var key: OdometerKey { OdometerKey(source: .otlpDelta, gateway: gateway, instance: instance) }
    }

    private struct Source {
        var feed: OTLPFeed
        var identity: StreamIdentity
        var peer: String
        var stored = StoredStream()
    }

    private struct Waiting {
        var export: Export
        var answer: CheckedContinuation<Void, any Error>
    }

    private let store: UsageStore
    private let makeFeed: @Sendable (Odometer) -> OTLPFeed
    private let collect: CollectPatterns
    private let limits: StreamTape.Limits
    private let largestSources = 20_000
    private var sources: [OdometerKey: Source] = [:]
    private var waiting: [Waiting] = []
    private var isCommitting = false

    init(
        store: UsageStore, collect: CollectPatterns, limits: StreamTape.Limits,
        makeFeed: @escaping @Sendable (Odometer) -> OTLPFeed
    ) {
        self.store = store
        self.collect = collect
        self.limits = limits
        self.makeFeed = makeFeed
    }

    /// Returns when the export is counted, now or before.
    func count(_ export: Export) async throws {
        try await withCheckedThrowingContinuation { answer in
            waiting.append(Waiting(export: export, answer: answer))
            guard !isCommitting else { return }
            isCommitting = true
            Task { await commitAll() }
        }
    }

    private func commitAll() async {
        while !waiting.isEmpty {
            let group = waiting
            waiting = []
            do {
                try await commit(group.map(\.export))
                for one in group { one.answer.resume() }
            } catch {
                for one in group { sources[one.export.key] = nil }
                guard group.count > 1, !Self.isOutage(error) else {
                    for one in group { one.answer.resume(throwing: error) }
                    continue
                }
                // One export must not keep the others from being counted.
                for one in group { await commitAlone(one) }
            }
        }
        isCommitting = false
    }

    private func commitAlone(_ one: Waiting) async {
        do {
            try await commit([one.export])
            one.answer.resume()
        } catch {
            sources[one.export.key] = nil
            one.answer.resume(throwing: error)
        }
    }

    /// In one transaction. Another worker may count the same export at the same time: then it is looked up again.
    private func commit(_ exports: [Export]) async throws {
        for attempt in 1...5 {
            var seen = try await store.counted(exports.flatMap(\.intervals))
            var trial: [OdometerKey: Source] = [:]
            var counting: [ExportInterval] = []
            for export in exports {
                var source = try trial[export.key] ?? sources[export.key] ?? makeSource(export)
                let new = export.intervals.filter { !seen.contains($0) }
                guard !new.isEmpty else { continue }
                let counted = export.resource.deltaIntervals.filter { interval in
                    !new.contains { $0.start == interval.start && $0.time == interval.time }
                }
                try source.feed.receive(
                    export.request.span, resource: export.resource, receivedAt: export.receivedAt,
                    counted: Set(counted))
                seen.formUnion(new)
                counting += new
                trial[export.key] = source
            }
            guard !trial.isEmpty else { return }
            let commits = trial.values.compactMap { source -> StreamCommit? in
                guard var odometer = source.feed.odometer else { return nil }
                odometer.end()
                return StreamCommit(
                    identity: source.identity, tape: odometer.tape, stored: source.stored, peer: source.peer)
            }
            do {
                let stored = try await store.commit(commits, counting: counting)
                for (key, source) in trial {
                    var source = source
                    source.feed.odometer?.end()
                    if let stored = source.feed.odometer.flatMap({ stored[$0.tape.stream] }) {
                        source.stored = stored
                        source.feed.odometer?.tape.forget(through: stored.revision)
                    }
                    sources[key] = source
                }
                return
            } catch let error as UsageStoreError where error.code == .alreadyCounted && attempt < 5 {
                // The transaction was undone: nothing of the trial is stored.
                continue
            }
        }
    }

    private func makeSource(_ export: Export) throws -> Source {
        guard sources.count < largestSources else {
            throw MetricsStreamRefusal(.overloaded, "more than \(largestSources) instances send deltas by OTLP")
        }
        let odometer = Odometer(
            stream: StreamID(rawValue: Int64.random(in: 1...Int64.max)), source: .otlpDelta, collect: collect,
            limits: limits)
        let epoch = OdometerEpoch(rawValue: .random(in: .min ... .max))
        return Source(
            feed: makeFeed(odometer),
            identity: StreamIdentity(gateway: export.gateway, instance: export.instance, bootID: epoch.bootID),
            peer: export.peer)
    }

    private static func isOutage(_ error: any Error) -> Bool { IngestWorker.isOutage(error) }
}
