package import Metering
import Synchronization
package import UsageStore
import WireFormats

/// Takes OTLP metric exports, by whichever transport they come.
///
/// Totals are answered at once: the next export carries what was not committed. Deltas are answered when they are
/// committed.
package final class OTLPReceiver: Sendable {
    private let identity: OTLPIdentity
    private let worker: IngestWorker
    private let counter: OTLPDeltaCounter
    private let limits: StreamTape.Limits
    private let collect: CollectPatterns
    private let sources = Mutex<[Key: OTLPSource]>([:])

    private struct Key: Hashable {
        var gateway: String
        var instance: String
        var start: UInt64
    }

    package init(
        identity: OTLPIdentity, worker: IngestWorker, store: UsageStore, collect: CollectPatterns,
        limits: StreamTape.Limits = StreamTape.Limits()
    ) {
        self.identity = identity
        self.worker = worker
        self.collect = collect
        self.limits = limits
        counter = OTLPDeltaCounter(store: store, collect: collect, limits: limits) { odometer in
            OTLPFeed(odometer: odometer, prefix: SinkPrefix(identity.prefix), ignoring: identity.ignoredTags)
        }
    }

    /// Takes one ExportMetricsServiceRequest: returns when it may be answered.
    ///
    /// - Parameters:
    ///   - peer: the sender's address, without its port.
    ///   - mayMeter: whether the sender may speak for a gateway.
    /// - Throws: `WireFormatError` for a malformed request, of which nothing was counted; `MetricsStreamRefusal`; else the
    ///   store's error, after which the sender is to send again.
    package func receive(
        _ request: [UInt8], peer: String, at time: Timestamp,
        mayMeter: (_ gateway: String) -> Bool = { _ in true }
    ) async throws {
        try worker.admit()
        let export = try OTLPExport(request.span)
        let named = export.resources.map { identity.name($0.attributes, peer: peer) }
        for name in named where !mayMeter(name.gateway) {
            throw MetricsStreamRefusal(
                .notPermitted, "the client's certificate does not let it speak for the gateway \(name.gateway)")
        }
        for (resource, name) in zip(export.resources, named) {
            for start in resource.cumulativeStarts {
                try takeTotals(
                    request, resource, Key(gateway: name.gateway, instance: name.instance, start: start), peer,
                    time)
            }
        }
        // One after another: exports of one instance keep their order.
        for (resource, name) in zip(export.resources, named) where !resource.deltaIntervals.isEmpty {
            try await counter.count(
                .init(
                    gateway: name.gateway, instance: name.instance, request: request, resource: resource,
                    peer: peer, receivedAt: time))
        }
    }

    private func takeTotals(
        _ request: [UInt8], _ resource: OTLPExport.Resource, _ key: Key, _ peer: String, _ time: Timestamp
    ) throws {
        while true {
            let (source, isNew) = sources.withLock { sources in
                if let known = sources[key], !known.hasEnded { return (known, false) }
                let id = StreamID(rawValue: Int64.random(in: 1...Int64.max))
                let tape = StreamTape(stream: id, source: .otlp, collect: collect, limits: limits)
                let source = OTLPSource(
                    id: id,
                    identity: StreamIdentity(
                        gateway: key.gateway, instance: key.instance,
                        bootID: StreamIdentity.bootID(ofOTLPStart: key.start)),
                    peer: peer,
                    feed: OTLPFeed(
                        tape: tape, start: key.start, prefix: SinkPrefix(identity.prefix),
                        ignoring: identity.ignoredTags),
                    at: time)
                sources[key] = source
                return (source, true)
            }
            if isNew { worker.add(source) }
            if try source.receive(request.span, resource: resource, at: time) { break }
        }
        forgetSilent(at: time)
    }

    /// An Envoy that sends to another worker now, or has gone, is let go of after two quarter hours.
    private func forgetSilent(at time: Timestamp) {
        sources.withLock { sources in
            guard sources.count > 1 else { return }
            for (key, source) in sources {
                source.endIfSilent(since: time.advanced(byMicroseconds: -1_800_000_000))
                if source.hasEnded { sources[key] = nil }
            }
        }
    }
}
