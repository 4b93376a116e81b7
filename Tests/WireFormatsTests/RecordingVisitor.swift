import WireFormats

/// Keeps all that a message holds, as text.
struct RecordingVisitor: MetricsServiceVisitor {
    struct Metric: Hashable {
        var family: String
        var labels: [String] = []
        var kind: MetricKind
        var value: Double
        var timestampMilliseconds: Int64
    }

    var nodes: [EnvoyNode] = []
    var metrics: [Metric] = []
    /// How many metrics had been read when the node came.
    var metricsBeforeNode = 0
    var asked: [String] = []
    /// Nil: all.
    var wanted: Set<String>?

    mutating func node(_ node: EnvoyNode) {
        nodes.append(node)
        metricsBeforeNode = metrics.count
    }

    mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool {
        let name = Self.text(family)
        asked.append(name)
        return wanted?.contains(name) ?? true
    }

    mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError) {
        var metric = Metric(
            family: Self.text(family), kind: kind, value: value, timestampMilliseconds: timestampMilliseconds)
        try MetricLabels.forEach(in: labels) { name, value throws(WireFormatError) in
            metric.labels.append("\(Self.text(name))=\(Self.text(value))")
        }
        metrics.append(metric)
    }

    static func text(_ bytes: Span<UInt8>) -> String {
        var array: [UInt8] = []
        for index in bytes.indices { array.append(bytes[index]) }
        return String(decoding: array, as: UTF8.self)
    }

    static func reading(_ message: [UInt8], wanted: Set<String>? = nil) throws -> RecordingVisitor {
        var visitor = RecordingVisitor(wanted: wanted)
        try MetricsServiceMessage.read(message.span, into: &visitor)
        return visitor
    }
}
