/// The attributes of an OTLP resource or point.
package enum OTLPAttributes {
    /// Calls `body` for each attribute of a resource: what `OTLPMetricsVisitor.resource` was given.
    package static func forEach(
        ofResource resource: Span<UInt8>,
        _ body: (_ key: Span<UInt8>, _ value: OTLPAttributeValue, _ text: Span<UInt8>) throws(WireFormatError) -> Void
    ) throws(WireFormatError) {
        try forEach(field: 1, in: resource, body)
    }

    /// Calls `body` for each attribute of a point: what `OTLPMetricsVisitor.point` was given.
    package static func forEach(
        ofPoint point: Span<UInt8>,
        _ body: (_ key: Span<UInt8>, _ value: OTLPAttributeValue, _ text: Span<UInt8>) throws(WireFormatError) -> Void
    ) throws(WireFormatError) {
        try forEach(field: 7, in: point, body)
    }

    /// KeyValue: key = 1, value = 2.
    @inline(__always)
    private static func forEach(
        field: UInt32, in message: Span<UInt8>,
        _ body: (_ key: Span<UInt8>, _ value: OTLPAttributeValue, _ text: Span<UInt8>) throws(WireFormatError) -> Void
    ) throws(WireFormatError) {
        var reader = ProtobufReader(message)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == field else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "attribute")
            var pair = ProtobufReader(range: try reader.lengthDelimited(in: message))
            var key = 0..<0
            var value = OTLPAttributeValue.empty
            var text = 0..<0
            while let tag = try pair.nextTag(in: message) {
                switch tag.field {
                case 1:
                    try pair.expect(.lengthDelimited, tag, "attribute.key")
                    key = try pair.lengthDelimited(in: message)
                case 2:
                    try pair.expect(.lengthDelimited, tag, "attribute.value")
                    try value.merge(valueAt: try pair.lengthDelimited(in: message), of: message, text: &text)
                default:
                    try pair.skip(tag, in: message)
                }
            }
            try body(message.extracting(key), value, message.extracting(value == .text ? text : 0..<0))
        }
    }
}

/// What an attribute holds. Envoy's tags are text; others come from what stands between.
package enum OTLPAttributeValue: Hashable, Sendable {
    case empty
    /// Given beside as a span.
    case text
    case bool(Bool)
    case integer(Int64)
    /// A double, a list, a map or bytes.
    case other

    /// AnyValue: a oneof of string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6, bytes = 7.
    @inline(__always)
    mutating func merge(
        valueAt range: Range<Int>, of message: Span<UInt8>, text: inout Range<Int>
    ) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: message) {
            switch tag.field {
            case 1:
                try reader.expect(.lengthDelimited, tag, "attribute text")
                text = try reader.lengthDelimited(in: message)
                self = .text
            case 2:
                try reader.expect(.varint, tag, "attribute bool")
                self = .bool(try reader.varint(in: message) != 0)
            case 3:
                try reader.expect(.varint, tag, "attribute int")
                self = .integer(Int64(bitPattern: try reader.varint(in: message)))
            case 4...7:
                try reader.skip(tag, in: message)
                self = .other
            default:
                try reader.skip(tag, in: message)
            }
        }
    }
}
