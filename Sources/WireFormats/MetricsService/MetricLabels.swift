/// The labels of one metric, which Envoy sends when `emit_tags_as_labels` is on.
package enum MetricLabels {
    /// Calls `body` for each label in the order of the wire. A label without a name or a value gives empty spans.
    ///
    /// - Parameter labels: what `MetricsServiceVisitor.metric` was given: an io.prometheus.client.Metric.
    package static func forEach(
        in labels: Span<UInt8>,
        _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(WireFormatError) -> Void
    ) throws(WireFormatError) {
        var reader = ProtobufReader(labels)
        while let tag = try reader.nextTag(in: labels) {
            guard tag.field == MetricField.label else {
                try reader.skip(tag, in: labels)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "label")
            var pair = ProtobufReader(range: try reader.lengthDelimited(in: labels))
            var name = 0..<0
            var value = 0..<0
            while let tag = try pair.nextTag(in: labels) {
                switch tag.field {
                case 1:
                    try pair.expect(.lengthDelimited, tag, "label.name")
                    name = try pair.lengthDelimited(in: labels)
                case 2:
                    try pair.expect(.lengthDelimited, tag, "label.value")
                    value = try pair.lengthDelimited(in: labels)
                default:
                    try pair.skip(tag, in: labels)
                }
            }
            try body(labels.extracting(name), labels.extracting(value))
        }
    }
}
