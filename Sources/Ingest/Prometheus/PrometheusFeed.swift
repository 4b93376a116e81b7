package import Metering
package import WireFormats

/// Feeds scrapes of one Envoy's `/stats/prometheus` into a tape. Names come back to Envoy's own (see `PrometheusNames`).
package struct PrometheusFeed: PrometheusVisitor, Sendable {
    package var tape: StreamTape
    /// Lines that were no samples.
    package private(set) var malformed: Int64 = 0
    private var names: FullNames

    /// - Parameter ignoring: labels that are no part of a name: fixed tags (`stats_tags`), as Prometheus writes them.
    package init(tape: StreamTape, ignoring: Set<String> = []) {
        self.tape = tape
        names = FullNames(style: .prometheus, ignoring: ignoring)
    }

    /// Names that may be written otherwise in Envoy, and one of them.
    package var ambiguous: (names: Int, example: String)? {
        names.anAmbiguousName.map { (names.ambiguous, $0) }
    }

    /// Takes one scrape, which is one flush.
    ///
    /// - Throws: when the text is cut off; what stood before has been taken, and each value of it is good.
    package mutating func receive(_ scrape: Span<UInt8>, at time: Timestamp) throws(WireFormatError) {
        tape.receiveTime(sentMilliseconds: 0, receivedAt: time)
        try PrometheusText.read(scrape, into: &self)
    }

    package mutating func sample(family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double) {
        names.begin(family)
        PrometheusLabels.forEach(in: labels) { names.tag($0, $1) }
        guard !names.hasTooManyTags else { return tape.refuse(.tooManyTags) }
        let full = names.finish()
        let bytes = names.bytes
        guard tape.wants(bytes.span.extracting(full)) else { return }
        switch kind {
        case .counter: tape.receiveCounter(value)
        case .gauge: tape.receiveGauge(value)
        }
    }

    package mutating func malformed(line: Span<UInt8>) { malformed += 1 }
}

/// What a scrape says of its process, before its samples are taken: a new one begins a new stream (rule 4).
package struct PrometheusLife: PrometheusVisitor, Hashable, Sendable {
    /// `server.uptime`. Unit: whole seconds.
    package private(set) var uptime: Int64?
    package private(set) var hotRestartEpoch: Int64 = 0
    private var isUptime = false

    package init(_ scrape: Span<UInt8>) {
        // A text that is cut off is found out by whoever takes its samples.
        try? PrometheusText.read(scrape, into: &self)
    }

    package mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool {
        isUptime = family.isText("envoy_server_uptime")
        return isUptime || family.isText("envoy_server_hot_restart_epoch")
    }

    package mutating func sample(family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double) {
        guard value >= 0, value <= Double(LifeSign.longestUptime) else { return }
        if isUptime { uptime = Int64(value) } else { hotRestartEpoch = Int64(value) }
    }

    package mutating func malformed(line: Span<UInt8>) {}
}

extension Span<UInt8> {
    fileprivate func isText(_ text: String) -> Bool {
        var index = 0
        for byte in text.utf8 {
            guard index < count, self[index] == byte else { return false }
            index += 1
        }
        return index == count
    }
}
