package import Metering
package import WireFormats

/// Adds what delta sources send to an odometer.
package struct DeltaFeed: StatsdVisitor, MetricsServiceVisitor, Sendable {
    package var odometer: Odometer
    /// Whether the operator declared all that send as one instance.
    let isOneForAll: Bool
    let dialect: StatsdDialect
    private let prefix: SinkPrefix
    private var names: FullNames
    /// Whether the odometer was not asked for the family under way, because its metrics have labels.
    private var isLabelled = false

    /// - Parameters:
    ///   - prefix: what the sink puts before each name, without the dot that follows it.
    ///   - ignoring: tags that say who sends.
    package init(
        odometer: Odometer, dialect: StatsdDialect = .plain, prefix: String = "", ignoring: Set<String> = [],
        isOneForAll: Bool = false
    ) {
        self.odometer = odometer
        self.isOneForAll = isOneForAll
        self.dialect = dialect
        self.prefix = SinkPrefix(prefix)
        names = FullNames(ignoring: ignoring)
    }

    // MARK: statsd

    package mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
        if wants(name, tags) { odometer.add(delta) }
    }

    package mutating func expectedName(at start: Int, of payload: Span<UInt8>) -> Int {
        guard prefix.stands(at: start, of: payload) else { return 0 }
        let name = odometer.expectedName(at: start + prefix.count, of: payload)
        return name > 0 ? prefix.count + name : 0
    }

    package mutating func expectedCounter(delta: Int64) {
        if odometer.wantsExpected() { odometer.add(delta) }
    }

    package mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) {
        if wants(name, tags) { odometer.receiveGauge(Double(value)) }
    }

    package mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) {
        odometer.tape.refuse(Refusal(reason))
    }

    private mutating func wants(_ name: Span<UInt8>, _ tags: Span<UInt8>) -> Bool {
        guard let start = prefix.end(in: name) else {
            odometer.tape.refuse(.foreignPrefix)
            return false
        }
        let bare = name.extracting(start..<name.count)
        guard !tags.isEmpty else { return odometer.wants(bare) }
        names.begin(bare)
        StatsdTags.forEach(in: tags, dialect: dialect) { names.tag($0, $1) }
        guard !names.hasTooManyTags else {
            odometer.tape.refuse(.tooManyTags)
            return false
        }
        let full = names.finish()
        let bytes = names.bytes
        return odometer.wants(bytes.span.extracting(full))
    }

    // MARK: Metrics service

    package mutating func node(_ node: EnvoyNode) throws(WireFormatError) {}

    package mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool {
        isLabelled = false
        return odometer.wants(family)
    }

    package mutating func wantsLabelled(family: Span<UInt8>, kind: MetricKind) -> Bool {
        isLabelled = true
        return true
    }

    package mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError) {
        if !labels.isEmpty {
            names.begin(family)
            try MetricLabels.forEach(in: labels) { (name, value) throws(WireFormatError) in names.tag(name, value) }
            guard !names.hasTooManyTags else { return odometer.tape.refuse(.tooManyTags) }
            let full = names.finish()
            let bytes = names.bytes
            guard odometer.wants(bytes.span.extracting(full)) else { return }
        } else if isLabelled {
            guard odometer.wants(family) else { return }
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
