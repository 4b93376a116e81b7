/// Reads opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest, the payload of OTLP/gRPC and OTLP/HTTP.
///
/// ```
/// ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }
/// ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
/// ScopeMetrics { InstrumentationScope scope = 1; repeated Metric metrics = 2; }
/// Metric { string name = 1; Gauge gauge = 5; Sum sum = 7; … }
/// Gauge { repeated NumberDataPoint data_points = 1; }
/// Sum { repeated NumberDataPoint data_points = 1; AggregationTemporality temporality = 2; bool is_monotonic = 3; }
/// NumberDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; double as_double = 4;
///                   sfixed64 as_int = 6; repeated KeyValue attributes = 7; uint32 flags = 8; }
/// ```
///
/// Histograms and summaries are skipped, and so are points flagged as without a value. Nothing is allocated for a metric
/// or a point. Fields may come in any order. Source: github.com/open-telemetry/opentelemetry-proto.
package enum OTLPMetricsRequest {
    /// Reads `request` into `visitor`. A malformed request throws at the place where it is malformed: what precedes it may
    /// have been visited. `validate` tells before.
    package static func read<Visitor: OTLPMetricsVisitor & ~Copyable>(
        _ request: Span<UInt8>, into visitor: inout Visitor
    ) throws(WireFormatError) {
        var reader = ProtobufReader(request)
        while let tag = try reader.nextTag(in: request) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: request)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "resource_metrics")
            try read(resourceMetricsAt: try reader.lengthDelimited(in: request), of: request, into: &visitor)
        }
    }

    /// Throws what `read` would throw, without a visitor: a request that is counted once must be known to be whole before
    /// its first point is taken.
    package static func validate(_ request: Span<UInt8>) throws(WireFormatError) {
        var nobody = Nobody()
        try read(request, into: &nobody)
    }

    private struct Nobody: OTLPMetricsVisitor {
        mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) {
            try OTLPAttributes.forEach(ofResource: resource) { _, _, _ in }
        }
        mutating func point(
            metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
        ) throws(WireFormatError) {
            try OTLPAttributes.forEach(ofPoint: point) { _, _, _ in }
        }
    }

    /// Two walks: the resource may stand behind its metrics. Several resources are one message in parts, which protobuf
    /// merges by their concatenation; no sender writes that, so the last one counts.
    private static func read<Visitor: OTLPMetricsVisitor & ~Copyable>(
        resourceMetricsAt range: Range<Int>, of request: Span<UInt8>, into visitor: inout Visitor
    ) throws(WireFormatError) {
        var resource = 0..<0
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: request) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: request)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "resource")
            resource = try reader.lengthDelimited(in: request)
        }
        try visitor.resource(request.extracting(resource))

        reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: request) {
            guard tag.field == 2 else {
                try reader.skip(tag, in: request)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "scope_metrics")
            var scope = ProtobufReader(range: try reader.lengthDelimited(in: request))
            while let tag = try scope.nextTag(in: request) {
                guard tag.field == 2 else {
                    try scope.skip(tag, in: request)
                    continue
                }
                try scope.expect(.lengthDelimited, tag, "metrics")
                try read(metricAt: try scope.lengthDelimited(in: request), of: request, into: &visitor)
            }
        }
    }

    @inline(__always)
    private static func read<Visitor: OTLPMetricsVisitor & ~Copyable>(
        metricAt range: Range<Int>, of request: Span<UInt8>, into visitor: inout Visitor
    ) throws(WireFormatError) {
        var name = 0..<0
        var gauge: Range<Int>?
        var sum: Range<Int>?
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: request) {
            switch tag.field {
            case 1:
                try reader.expect(.lengthDelimited, tag, "metric.name")
                name = try reader.lengthDelimited(in: request)
            case 5:
                try reader.expect(.lengthDelimited, tag, "metric.gauge")
                gauge = try reader.lengthDelimited(in: request)
                sum = nil
            case 7:
                try reader.expect(.lengthDelimited, tag, "metric.sum")
                sum = try reader.lengthDelimited(in: request)
                gauge = nil
            case 9...11:
                // A histogram or summary: the last of a oneof counts.
                try reader.skip(tag, in: request)
                sum = nil
                gauge = nil
            default:
                try reader.skip(tag, in: request)
            }
        }
        if let sum {
            let kind = try SumHead(sumAt: sum, of: request).kind
            guard let kind else { return }
            try read(pointsAt: sum, of: name, kind, in: request, into: &visitor)
        } else if let gauge {
            try read(pointsAt: gauge, of: name, .gauge, in: request, into: &visitor)
        }
    }

    /// The points of a Gauge or a Sum: field 1 of both.
    @inline(__always)
    private static func read<Visitor: OTLPMetricsVisitor & ~Copyable>(
        pointsAt range: Range<Int>, of name: Range<Int>, _ kind: OTLPKind, in request: Span<UInt8>,
        into visitor: inout Visitor
    ) throws(WireFormatError) {
        let metric = request.extracting(name)
        guard visitor.wants(metric: metric, kind: kind) else { return }
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: request) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: request)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "data_points")
            let pointRange = try reader.lengthDelimited(in: request)
            let point = try NumberPoint(pointAt: pointRange, of: request)
            guard let value = point.value else { continue }
            try visitor.point(
                metric: metric, kind: kind, point: request.extracting(pointRange), value: value, start: point.start,
                time: point.time)
        }
    }
}

/// What must be known of a sum before its points can be read.
private struct SumHead {
    private var temporality: UInt64 = 0
    private var isMonotonic = false

    @inline(__always)
    init(sumAt range: Range<Int>, of request: Span<UInt8>) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: request) {
            switch tag.field {
            case 2:
                try reader.expect(.varint, tag, "sum.aggregation_temporality")
                temporality = try reader.varint(in: request)
            case 3:
                try reader.expect(.varint, tag, "sum.is_monotonic")
                isMonotonic = try reader.varint(in: request) != 0
            default:
                try reader.skip(tag, in: request)
            }
        }
    }

    /// Nil for the changes of a gauge, of which no value can be made.
    @inline(__always)
    var kind: OTLPKind? {
        let known = temporality <= 2 ? OTLPTemporality(rawValue: UInt8(temporality)) : nil
        if isMonotonic { return .counter(known) }
        return known == .delta ? nil : .gauge
    }
}

/// One point of a gauge or a sum.
private struct NumberPoint {
    var value: OTLPValue?
    var start: UInt64 = 0
    var time: UInt64 = 0

    @inline(__always)
    init(pointAt range: Range<Int>, of request: Span<UInt8>) throws(WireFormatError) {
        var isWithoutValue = false
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: request) {
            switch tag.field {
            case 2:
                try reader.expect(.fixed64, tag, "start_time_unix_nano")
                start = try reader.fixed64(in: request)
            case 3:
                try reader.expect(.fixed64, tag, "time_unix_nano")
                time = try reader.fixed64(in: request)
            case 4:
                try reader.expect(.fixed64, tag, "as_double")
                value = .double(Double(bitPattern: try reader.fixed64(in: request)))
            case 6:
                try reader.expect(.fixed64, tag, "as_int")
                value = .integer(Int64(bitPattern: try reader.fixed64(in: request)))
            case 8:
                try reader.expect(.varint, tag, "flags")
                isWithoutValue = try reader.varint(in: request) & 1 != 0
            default:
                try reader.skip(tag, in: request)
            }
        }
        if isWithoutValue { value = nil }
    }
}
