/// A message of the metrics service, with its labels and full names.
struct MetricsSink: MetricsServiceVisitor {
    var names = FullNames(limit: 64)
    var metrics = 0

    mutating func node(_ node: EnvoyNode) throws(WireFormatError) {}

    mutating func metric(
        family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
    ) throws(WireFormatError) {
        metrics += 1
        names.begin(family)
        try MetricLabels.forEach(in: labels) { (name, value) throws(WireFormatError) in names.tag(name, value) }
        let range = names.finish()
        promise(range.upperBound <= names.bytes.count, "a name lies in its bytes")
    }
}

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = bytes(start, count)
    var sink = MetricsSink()
    try? MetricsServiceMessage.read(input.span, into: &sink)
    _ = try? MetricsServiceMessage.identifier(of: input.span)
    return 0
}
