/// A Prometheus text, with its labels and Envoy's names.
struct ScrapeSink: PrometheusVisitor {
    var names = FullNames(style: .prometheus, limit: 64)

    mutating func sample(family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double) {
        let first = name(family, labels)
        promise(first == name(family, labels), "a name comes out the same twice")
    }

    private mutating func name(_ family: Span<UInt8>, _ labels: Span<UInt8>) -> [UInt8] {
        names.begin(family)
        PrometheusLabels.forEach(in: labels) { names.tag($0, $1) }
        let range = names.finish()
        return Array(names.bytes[range])
    }

    mutating func malformed(line: Span<UInt8>) {}
}

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var sink = ScrapeSink()
    try? PrometheusText.read(bytes(start, count).span, into: &sink)
    return 0
}
