package import Metering
package import WireFormats

/// What an OTLP export holds, before its points are taken: who sends, and which epochs and intervals its counters name.
///
/// Pure. A request is checked as a whole: one that is malformed anywhere is refused before any of it is counted.
package struct OTLPExport: Sendable {
    /// The metrics of one resource.
    package struct Resource: Hashable, Sendable {
        /// Its number in the request, which `OTLPFeed` is given.
        package var index: Int
        /// Attributes that are text.
        package var attributes: [String: String] = [:]
        /// Start times of cumulative counters, as on the wire: each is an epoch of the sender.
        package var cumulativeStarts: [UInt64] = []
        /// Intervals of delta counters, as on the wire: each was sent once, however often it arrives.
        package var deltaIntervals: [Interval] = []
        /// Gauges or counters were read.
        package var hasPoints = false
        /// Names are Envoy's full ones though tags come beside them (`use_tag_extracted_name: false` with
        /// `emit_tags_as_attributes`, which is on unless it is turned off): each tag's value stands in its name.
        package var hasFullNames = false

        package var instance: String? { attributes["service.instance.id"].flatMap { $0.isEmpty ? nil : $0 } }
    }

    package struct Interval: Hashable, Sendable {
        package var start: UInt64
        package var time: UInt64
    }

    package let resources: [Resource]

    package init(_ request: Span<UInt8>) throws(WireFormatError) {
        var visitor = Visitor()
        try OTLPMetricsRequest.read(request, into: &visitor)
        resources = visitor.resources
    }

    private struct Visitor: OTLPMetricsVisitor {
        var resources: [Resource] = []
        /// Whether a name was found that lacks the value of one of its tags.
        private var hasExtractedNames = false

        mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) {
            var found = Resource(index: resources.count)
            var texts: [(String, String)] = []
            try OTLPAttributes.forEach(ofResource: resource) { (key, value, text) throws(WireFormatError) in
                guard value == .text else { return }
                texts.append(
                    (
                        try String(utf8: key, at: 0..<key.count, "attribute key"),
                        try String(utf8: text, at: 0..<text.count, "attribute value")
                    ))
            }
            for (key, text) in texts { found.attributes[key] = text }
            resources.append(found)
            hasExtractedNames = false
        }

        mutating func point(
            metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
        ) throws(WireFormatError) {
            let last = resources.count - 1
            // All is read, so that what is malformed anywhere is found.
            try OTLPAttributes.forEach(ofPoint: point) { (key, value, text) throws(WireFormatError) in
                guard !hasExtractedNames, value == .text, EnvoyTags.standsInName(key) else { return }
                hasExtractedNames = !metric.contains(text)
                resources[last].hasFullNames = !hasExtractedNames
            }
            resources[last].hasPoints = true
            switch kind {
            case .counter(.cumulative):
                if resources[last].cumulativeStarts.last != start, !resources[last].cumulativeStarts.contains(start) {
                    resources[last].cumulativeStarts.append(start)
                }
            case .counter(.delta):
                let interval = Interval(start: start, time: time)
                if resources[last].deltaIntervals.last != interval, !resources[last].deltaIntervals.contains(interval) {
                    resources[last].deltaIntervals.append(interval)
                }
            case .counter(nil), .gauge: break
            }
        }
    }
}

extension Span<UInt8> {
    fileprivate func contains(_ part: Span<UInt8>) -> Bool {
        guard part.count <= count else { return false }
        for start in 0...(count - part.count) where extracting(start..<count).begins(with: part) { return true }
        return false
    }
}

extension StreamIdentity {
    /// The epoch that a start time names: opaque, for Envoy writes microseconds into a field of nanoseconds.
    package static func bootID(ofOTLPStart start: UInt64) -> String { "otlp:\(start)" }
}
