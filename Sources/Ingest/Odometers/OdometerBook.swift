package import Metering
import Synchronization

/// The odometers of a worker, by source and instance.
package final class OdometerBook: Sendable {
    package struct Limits: Sendable {
        /// Instances that are heard by delta sources; more are refused.
        package var sources = 20_000
        package var names = StreamTape.Limits()

        package init() {}
    }

    package let epoch: OdometerEpoch
    private let collect: CollectPatterns
    private let limits: Limits
    private let known = Mutex(Known())
    private let refused = Atomic<Int64>(0)

    private struct Known {
        var sources: [OdometerKey: OdometerSource] = [:]
        /// Taken up from an earlier process, and not heard yet.
        var unheard: Set<OdometerKey> = []
    }

    /// - Parameter resuming: at what each odometer stood when the worker ended: the higher of spool and stored tape.
    package init(
        epoch: OdometerEpoch, collect: CollectPatterns, resuming: [OdometerKey: Odometer.Sealing] = [:],
        limits: Limits = Limits()
    ) {
        self.epoch = epoch
        self.collect = collect
        self.limits = limits
        for (key, sealing) in resuming {
            // What the spool holds and the tape does not is stored by the first commit, heard or not.
            let source = makeSource(key) { DeltaFeed(odometer: $0) }
            source.resume(sealing)
            known.withLock { known in
                known.sources[key] = source
                known.unheard.insert(key)
            }
        }
    }

    /// The odometer of an instance; nil where there are as many as may be.
    ///
    /// - Parameter makeFeed: how what the source sends is read. Asked when it is first heard.
    package func source(_ key: OdometerKey, _ makeFeed: (Odometer) -> DeltaFeed) -> OdometerSource? {
        known.withLock { known in
            if let source = known.sources[key] {
                if known.unheard.remove(key) != nil { source.configure(makeFeed) }
                return source
            }
            guard known.sources.count < limits.sources else {
                refused.add(1, ordering: .relaxed)
                return nil
            }
            let source = makeSource(key, makeFeed)
            known.sources[key] = source
            return source
        }
    }

    private func makeSource(_ key: OdometerKey, _ makeFeed: (Odometer) -> DeltaFeed) -> OdometerSource {
        let id = StreamID(rawValue: Int64.random(in: 1...Int64.max))
        let odometer = Odometer(stream: id, source: key.source, collect: collect, limits: limits.names)
        return OdometerSource(key: key, id: id, epoch: epoch, feed: makeFeed(odometer))
    }

    package var sources: [OdometerSource] { known.withLock { Array($0.sources.values) } }

    /// Datagrams and streams of sources that found no room.
    package var refusedSources: Int64 { refused.load(ordering: .relaxed) }

    /// What changed since the last call, for the spool.
    package func unsealed() -> [(key: OdometerKey, sealing: Odometer.Sealing)] {
        sources.compactMap { source in source.unsealed().map { (source.key, $0) } }
    }

    package func all() -> [(key: OdometerKey, sealing: Odometer.Sealing)] {
        sources.compactMap { source in source.sealing.map { (source.key, $0) } }
    }

    /// The receivers have ended: what came is complete.
    package func end() {
        for source in sources { source.end() }
    }
}
