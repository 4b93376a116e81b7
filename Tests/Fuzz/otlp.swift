/// An OTLP export request, with its attributes.
struct OTLPSink: OTLPMetricsVisitor {
    mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) {
        try OTLPAttributes.forEach(ofResource: resource) { _, _, _ in }
    }

    mutating func point(
        metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
    ) throws(WireFormatError) {
        promise(OTLPTime.microseconds(start) >= 0, "a time is no time before 1970")
        try OTLPAttributes.forEach(ofPoint: point) { _, value, text in
            promise(value == .text || text.isEmpty, "only a text has text")
        }
    }
}

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = bytes(start, count)
    let isValid = (try? OTLPMetricsRequest.validate(input.span)) != nil
    var sink = OTLPSink()
    let isRead = (try? OTLPMetricsRequest.read(input.span, into: &sink)) != nil
    promise(isValid == isRead, "what is valid can be read")
    return 0
}
