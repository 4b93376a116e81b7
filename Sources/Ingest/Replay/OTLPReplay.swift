import Metering
import WireFormats

/// OTLP exports: totals by the epoch that their start time names, deltas added up once per interval.
struct OTLPReplay: ReplayReader {
    private struct Epoch: Hashable, Comparable {
        var instance: String
        /// Nil for deltas.
        var start: UInt64?

        static func < (left: Epoch, right: Epoch) -> Bool {
            (left.instance, left.start ?? 0) < (right.instance, right.start ?? 0)
        }
    }

    private var feeds: [Epoch: OTLPFeed] = [:]
    private var counted: [String: Set<OTLPExport.Interval>] = [:]

    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook
    ) throws {
        guard let payload = entry.payload else { return }
        let export: OTLPExport
        do {
            export = try OTLPExport(payload.span)
        } catch {
            book.notes.insert("\(path): a malformed export (\(error)), which was refused as a whole")
            return
        }
        let time = Timestamp(microseconds: entry.arrivedAt)
        for resource in export.resources where resource.hasPoints {
            let instance = resource.instance ?? book.options.instance ?? StreamIdentity.unknown
            for start in resource.cumulativeStarts {
                let key = Epoch(instance: instance, start: start)
                var feed = feeds.removeValue(forKey: key) ?? self.feed(ofTotalsFrom: start, &book)
                try feed.receive(payload.span, resource: resource, receivedAt: time)
                if var tape = feed.tape {
                    try book.commit(&tape, of: identity(key))
                    feed.tape = tape
                }
                feeds[key] = feed
            }
            guard !resource.deltaIntervals.isEmpty else { continue }
            let known = counted[instance] ?? []
            let repeated = known.intersection(resource.deltaIntervals)
            if !repeated.isEmpty { book.notes.insert("\(instance): an export came again, and counts once") }
            let key = Epoch(instance: instance, start: nil)
            var feed = feeds.removeValue(forKey: key) ?? self.feed(ofDeltas: &book)
            try feed.receive(payload.span, resource: resource, receivedAt: time, counted: repeated)
            counted[instance, default: []].formUnion(resource.deltaIntervals)
            for interval in resource.deltaIntervals {
                book.receivedDeltas(
                    of: instance, at: Timestamp(microseconds: OTLPTime.microseconds(interval.time)))
            }
            feeds[key] = feed
        }
    }

    mutating func end(into book: inout ReplayBook) throws {
        for (key, feed) in feeds.sorted(by: { $0.key < $1.key }) {
            if var odometer = feed.odometer {
                odometer.end()
                try book.commit(&odometer.tape, of: identity(key))
                book.close(odometer.tape, of: identity(key))
            }
            if var tape = feed.tape {
                tape.end()
                try book.commit(&tape, of: identity(key))
                book.close(tape, of: identity(key))
            }
        }
    }

    private func feed(ofTotalsFrom start: UInt64, _ book: inout ReplayBook) -> OTLPFeed {
        OTLPFeed(
            tape: StreamTape(stream: book.nextStreamID(), source: .otlp, collect: book.options.collect), start: start,
            prefix: SinkPrefix(book.options.prefix ?? ""), ignoring: book.options.ignoredTags)
    }

    private func feed(ofDeltas book: inout ReplayBook) -> OTLPFeed {
        OTLPFeed(
            odometer: Odometer(stream: book.nextStreamID(), source: .otlpDelta, collect: book.options.collect),
            prefix: SinkPrefix(book.options.prefix ?? ""), ignoring: book.options.ignoredTags)
    }

    private func identity(_ epoch: Epoch) -> StreamIdentity {
        let bootID = epoch.start.map(StreamIdentity.bootID(ofOTLPStart:)) ?? OdometerEpoch(rawValue: 1).bootID
        return StreamIdentity(gateway: "", instance: epoch.instance, bootID: bootID)
    }
}
