package import Metering
package import WireFormats

/// Feeds the points of one resource of OTLP exports into a tape (totals of one epoch), or into an odometer (deltas).
package struct OTLPFeed: OTLPMetricsVisitor, Sendable {
    /// Nil where deltas are fed.
    package private(set) var start: UInt64?
    /// Set where totals are fed.
    package var tape: StreamTape?
    /// Set where deltas are fed.
    package var odometer: Odometer?

    private let prefix: SinkPrefix
    private var names: FullNames
    /// Which of the request's resources is read, and which is under way.
    private var wanted = 0
    private var index = -1
    private var hasFullNames = false
    /// Intervals of deltas that were counted before.
    private var counted: Set<OTLPExport.Interval> = []

    /// Totals of the epoch that began at `start` (as on the wire).
    package init(tape: StreamTape, start: UInt64, prefix: SinkPrefix = SinkPrefix(""), ignoring: Set<String> = []) {
        self.tape = tape
        self.start = start
        self.prefix = prefix
        names = FullNames(ignoring: ignoring)
    }

    /// Deltas of a sender.
    package init(odometer: Odometer, prefix: SinkPrefix = SinkPrefix(""), ignoring: Set<String> = []) {
        self.odometer = odometer
        self.prefix = prefix
        names = FullNames(ignoring: ignoring)
    }

    /// Takes the points of a resource of `request`, as `OTLPExport` has read it.
    ///
    /// - Parameter counted: intervals of deltas that were counted before, and are passed over.
    package mutating func receive(
        _ request: Span<UInt8>, resource: OTLPExport.Resource, receivedAt: Timestamp,
        counted: Set<OTLPExport.Interval> = []
    ) throws(WireFormatError) {
        wanted = resource.index
        hasFullNames = resource.hasFullNames
        self.index = -1
        self.counted = counted
        self.receivedAt = receivedAt
        odometer?.export(at: receivedAt)
        try OTLPMetricsRequest.read(request, into: &self)
    }

    private var receivedAt = Timestamp(microseconds: 0)

    package mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) { index += 1 }

    package mutating func wants(metric: Span<UInt8>, kind: OTLPKind) -> Bool {
        guard index == wanted else { return false }
        switch kind {
        case .gauge: return true
        case .counter(.cumulative): return tape != nil
        case .counter(.delta): return odometer != nil
        case .counter(nil):
            tape?.refuse(.malformed)
            odometer?.tape.refuse(.malformed)
            return false
        }
    }

    package mutating func point(
        metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
    ) throws(WireFormatError) {
        switch kind {
        case .counter(.cumulative) where start != self.start: return
        case .counter(.delta) where counted.contains(OTLPExport.Interval(start: start, time: time)): return
        default: break
        }
        guard let nameStart = prefix.end(in: metric) else { return refuse(.foreignPrefix) }
        let bare = metric.extracting(nameStart..<metric.count)
        names.begin(bare)
        var hasTags = false
        var isText = true
        try OTLPAttributes.forEach(ofPoint: point) { (key, value, text) throws(WireFormatError) in
            // Envoy's own tags say nothing that a full name does not; an operator's are kept behind it as ever.
            if hasFullNames, key.begins(with: "envoy.".utf8.span) { return }
            hasTags = true
            switch value {
            case .text, .empty: names.tag(key, text)
            case .integer(let number): names.tag(key, Array("\(number)".utf8).span)
            case .bool(let flag): names.tag(key, Array("\(flag)".utf8).span)
            case .other: isText = false
            }
        }
        guard isText else { return refuse(.labelled) }
        guard !names.hasTooManyTags else { return refuse(.tooManyTags) }
        tape?.receiveTime(
            sentMilliseconds: OTLPTime.microseconds(time) / 1000, receivedAt: receivedAt)
        if hasTags {
            let full = names.finish()
            let bytes = names.bytes
            take(value, kind, bytes.span.extracting(full))
        } else {
            take(value, kind, bare)
        }
    }

    @inline(__always)
    private mutating func take(_ value: OTLPValue, _ kind: OTLPKind, _ name: Span<UInt8>) {
        let isWanted = tape?.wants(name) ?? odometer?.wants(name) ?? false
        guard isWanted else { return }
        guard kind != .gauge else {
            let sample = value.rounded
            tape?.receiveGauge(sample)
            odometer?.receiveGauge(sample)
            return
        }
        switch value {
        case .double(let value):
            tape?.receiveCounter(value)
            odometer?.add(value)
        case .integer(let value):
            // Above it a double would round to a count that nobody sent.
            guard value <= CounterValue.maximum else { return refuse(.tooLarge) }
            tape?.receiveCounter(Double(value))
            odometer?.add(value)
        }
    }

    private mutating func refuse(_ reason: Refusal) {
        tape?.refuse(reason)
        odometer?.tape.refuse(reason)
    }
}

extension OTLPValue {
    /// As a gauge's sample: gauges are not counts.
    fileprivate var rounded: Double {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        }
    }
}
