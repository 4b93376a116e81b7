/// Reads envoy.service.metrics.v3.StreamMetricsMessage, the payload of Envoy's metrics service.
///
/// ```
/// StreamMetricsMessage { Identifier identifier = 1; repeated MetricFamily envoy_metrics = 2; }
/// MetricFamily { string name = 1; string help = 2; MetricType type = 3; repeated Metric metric = 4; string unit = 5; }
/// Metric { repeated LabelPair label = 1; Gauge gauge = 2; Counter counter = 3; int64 timestamp_ms = 6; … }
/// ```
///
/// Counters and gauges are read, histograms and summaries skipped. Nothing is allocated for a family or a metric.
/// Fields may come in any order. A metric that lacks the value
/// its family's type promises is no reading and is passed over.
package enum MetricsServiceMessage {
    /// Reads `message` into `visitor`. A malformed message throws at the place where it is malformed: what precedes it
    /// may have been visited.
    package static func read<Visitor: MetricsServiceVisitor & ~Copyable>(
        _ message: Span<UInt8>, into visitor: inout Visitor
    ) throws(WireFormatError) {
        if let node = try identifier(of: message) {
            try visitor.node(node)
        }
        var reader = ProtobufReader(message)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == 2 else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "envoy_metrics")
            try read(familyAt: try reader.lengthDelimited(in: message), of: message, into: &visitor)
        }
    }

    /// The sender, if the message has an identifier with or without a node. Reads the outer fields alone.
    package static func identifier(of message: Span<UInt8>) throws(WireFormatError) -> EnvoyNode? {
        var node: EnvoyNode?
        var reader = ProtobufReader(message)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "identifier")
            var merged = node ?? EnvoyNode()
            try merged.merge(identifierAt: try reader.lengthDelimited(in: message), of: message)
            node = merged
        }
        return node
    }

    /// Whether the family's first metric has labels: its fields are stepped over.
    @inline(__always)
    private static func isLabelled(
        metricAt start: Int, in family: Range<Int>, of message: Span<UInt8>
    ) throws(WireFormatError) -> Bool {
        var reader = ProtobufReader(range: start..<family.upperBound)
        guard let tag = try reader.nextTag(in: message), tag.wireType == .lengthDelimited else { return false }
        var metric = ProtobufReader(range: try reader.lengthDelimited(in: message))
        while let tag = try metric.nextTag(in: message) {
            if tag.field == MetricField.label { return true }
            try metric.skip(tag, in: message)
        }
        return false
    }

    /// Reads one family in two walks: the first steps over the metrics, and so knows the name and the type wherever they
    /// stand; the second reads the metrics, if they are wanted.
    private static func read<Visitor: MetricsServiceVisitor & ~Copyable>(
        familyAt range: Range<Int>, of message: Span<UInt8>, into visitor: inout Visitor
    ) throws(WireFormatError) {
        let head = try FamilyHead(familyAt: range, of: message)
        guard let kind = head.kind, let firstMetric = head.firstMetric else { return }
        let family = message.extracting(head.name)
        let isLabelled = try isLabelled(metricAt: firstMetric, in: range, of: message)
        let isWanted =
            isLabelled
            ? visitor.wantsLabelled(family: family, kind: kind) : visitor.wants(family: family, kind: kind)
        guard isWanted else { return }

        var reader = ProtobufReader(range: firstMetric..<range.upperBound)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == FamilyField.metric else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "metric")
            let metricRange = try reader.lengthDelimited(in: message)
            let metric = try MetricReading(metricAt: metricRange, kind: kind, of: message)
            guard let value = metric.value else { continue }
            try visitor.metric(
                family: family, labels: message.extracting(metric.hasLabels ? metricRange : 0..<0), kind: kind,
                value: value, timestampMilliseconds: metric.timestampMilliseconds)
        }
    }
}

/// Field numbers of io.prometheus.client.MetricFamily.
enum FamilyField {
    static let name: UInt32 = 1
    static let type: UInt32 = 3
    static let metric: UInt32 = 4
}

/// Field numbers of io.prometheus.client.Metric.
enum MetricField {
    static let label: UInt32 = 1
    static let gauge: UInt32 = 2
    static let counter: UInt32 = 3
    static let timestampMilliseconds: UInt32 = 6
}

/// What must be known of a family before its metrics can be read: all of its fields are walked once.
struct FamilyHead {
    var name: Range<Int> = 0..<0
    /// Nil for histograms, summaries and types unknown. Absent on the wire, it is the schema's default: a counter.
    var kind: MetricKind? = .counter
    /// Where the tag of the first metric stands.
    var firstMetric: Int?

    @inline(__always)
    init(familyAt range: Range<Int>, of message: Span<UInt8>) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while true {
            let start = reader.position
            guard let tag = try reader.nextTag(in: message) else { return }
            switch tag.field {
            case FamilyField.name:
                try reader.expect(.lengthDelimited, tag, "family.name")
                name = try reader.lengthDelimited(in: message)
            case FamilyField.type:
                try reader.expect(.varint, tag, "family.type")
                switch try reader.varint(in: message) {
                case 0: kind = .counter
                case 1: kind = .gauge
                default: kind = nil
                }
            case FamilyField.metric:
                if firstMetric == nil { firstMetric = start }
                try reader.skip(tag, in: message)
            default:
                try reader.skip(tag, in: message)
            }
        }
    }
}

/// One metric of a counter or gauge family.
struct MetricReading {
    var value: Double?
    var timestampMilliseconds: Int64 = 0
    var hasLabels = false

    @inline(__always)
    init(metricAt range: Range<Int>, kind: MetricKind, of message: Span<UInt8>) throws(WireFormatError) {
        let valueField = kind == .counter ? MetricField.counter : MetricField.gauge
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: message) {
            switch tag.field {
            case valueField:
                try reader.expect(.lengthDelimited, tag, "metric value")
                // Counter and Gauge: value = 1. Without it the value is the schema's default, 0.
                var inner = ProtobufReader(range: try reader.lengthDelimited(in: message))
                if value == nil { value = 0 }
                while let tag = try inner.nextTag(in: message) {
                    if tag.field == 1 {
                        try inner.expect(.fixed64, tag, "value")
                        value = Double(bitPattern: try inner.fixed64(in: message))
                    } else {
                        try inner.skip(tag, in: message)
                    }
                }
            case MetricField.timestampMilliseconds:
                try reader.expect(.varint, tag, "timestamp_ms")
                timestampMilliseconds = Int64(bitPattern: try reader.varint(in: message))
            case MetricField.label:
                try reader.expect(.lengthDelimited, tag, "label")
                hasLabels = true
                try reader.skip(tag, in: message)
            default:
                try reader.skip(tag, in: message)
            }
        }
    }
}
