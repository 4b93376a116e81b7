package import Metering
package import WireFormats

/// Adds what delta sources send to an odometer.
package struct DeltaFeed: StatsdVisitor, MetricsServiceVisitor, Sendable {
    package var odometer: Odometer
    let dialect: StatsdDialect
    /// What stands before the names, with its dot; empty for none.
    private let prefix: [UInt8]
    private var names: FullNames

    /// - Parameters:
    ///   - prefix: what the sink puts before each name, without the dot that follows it.
    ///   - ignoring: tags that say who sends.
    package init(odometer: Odometer, dialect: StatsdDialect = .plain, prefix: String = "", ignoring: Set<String> = []) {
        self.odometer = odometer
        self.dialect = dialect
        self.prefix = prefix.isEmpty ? [] : Array(prefix.utf8) + [UInt8(ascii: ".")]
        names = FullNames(ignoring: ignoring)
    }

    // MARK: statsd

    package mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
        if wants(name, tags) { odometer.add(delta) }
    }

    package mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) {
        if wants(name, tags) { odometer.receiveGauge(Double(value)) }
    }

    package mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) {
        odometer.tape.refuse(Refusal(reason))
    }

    private mutating func wants(_ name: Span<UInt8>, _ tags: Span<UInt8>) -> Bool {
        var start = 0
        if !prefix.isEmpty {
            guard name.begins(with: prefix.span) else {
                odometer.tape.refuse(.foreignPrefix)
                return false
            }
            start = prefix.count
        }
        let bare = name.extracting(start..<name.count)
        guard !tags.isEmpty else { return odometer.wants(bare) }
        names.begin(bare)
        StatsdTags.forEach(in: tags, dialect: dialect) { names.tag($0, $1) }
        let full = names.finish()
        return odometer.wants(names.bytes.span.extracting(full))
    }

    // MARK: Metrics service

    package mutating func node(_ node: EnvoyNode) throws(WireFormatError) {}

    /// Whether there are tags is only seen at a metric; and the part of a name that is left says nothing of the whole.
    package mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool { true }

    package mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError) {
        if labels.isEmpty {
            guard odometer.wants(family) else { return }
        } else {
            names.begin(family)
            try MetricLabels.forEach(in: labels) { (name, value) throws(WireFormatError) in names.tag(name, value) }
            let full = names.finish()
            guard odometer.wants(names.bytes.span.extracting(full)) else { return }
        }
        switch kind {
        case .counter: odometer.add(value)
        case .gauge: odometer.receiveGauge(value)
        }
    }
}

extension Span<UInt8> {
    func begins(with prefix: Span<UInt8>) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}

extension Refusal {
    init(_ refusal: StatsdRefusal) {
        switch refusal {
        case .negative: self = .negative
        case .notWhole: self = .notWhole
        case .tooLarge: self = .tooLarge
        case .malformed, .unknownType, .tooLong: self = .malformed
        case .sampled, .relativeGauge: self = .sampled
        }
    }
}
