extension EnvoyNode {
    /// Adds what the `StreamMetricsMessage.Identifier` at `range` says. The extension list, some 40 KB, is stepped over.
    mutating func merge(identifierAt range: Range<Int>, of bytes: Span<UInt8>) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: bytes) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: bytes)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "identifier.node")
            try merge(nodeAt: try reader.lengthDelimited(in: bytes), of: bytes)
        }
    }

    /// Node: id = 1, cluster = 2, metadata = 3.
    private mutating func merge(nodeAt range: Range<Int>, of bytes: Span<UInt8>) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: bytes) {
            switch tag.field {
            case 1:
                try reader.expect(.lengthDelimited, tag, "node.id")
                id = try String(utf8: bytes, at: try reader.lengthDelimited(in: bytes), "node.id")
            case 2:
                try reader.expect(.lengthDelimited, tag, "node.cluster")
                cluster = try String(utf8: bytes, at: try reader.lengthDelimited(in: bytes), "node.cluster")
            case 3:
                try reader.expect(.lengthDelimited, tag, "node.metadata")
                try merge(metadataAt: try reader.lengthDelimited(in: bytes), of: bytes)
            default:
                try reader.skip(tag, in: bytes)
            }
        }
    }

    /// google.protobuf.Struct: map<string, Value> fields = 1.
    private mutating func merge(metadataAt range: Range<Int>, of bytes: Span<UInt8>) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: bytes) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: bytes)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "node.metadata.fields")
            try merge(metadataEntryAt: try reader.lengthDelimited(in: bytes), of: bytes)
        }
    }

    /// A map entry: key = 1, value = 2. A later entry of the same key takes its place, whatever its kind.
    private mutating func merge(metadataEntryAt range: Range<Int>, of bytes: Span<UInt8>) throws(WireFormatError) {
        var key = ""
        var text: String?
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: bytes) {
            switch tag.field {
            case 1:
                try reader.expect(.lengthDelimited, tag, "node.metadata key")
                key = try String(utf8: bytes, at: try reader.lengthDelimited(in: bytes), "node.metadata key")
            case 2:
                try reader.expect(.lengthDelimited, tag, "node.metadata value")
                text = try Self.text(ofValueAt: try reader.lengthDelimited(in: bytes), of: bytes)
            default:
                try reader.skip(tag, in: bytes)
            }
        }
        metadata[key] = text
    }

    /// google.protobuf.Value: a oneof of null = 1, number = 2, string = 3, bool = 4, struct = 5, list = 6. Nil unless
    /// it is text.
    private static func text(ofValueAt range: Range<Int>, of bytes: Span<UInt8>) throws(WireFormatError) -> String? {
        var text: String?
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: bytes) {
            switch tag.field {
            case 3:
                try reader.expect(.lengthDelimited, tag, "node.metadata text")
                text = try String(utf8: bytes, at: try reader.lengthDelimited(in: bytes), "node.metadata text")
            case 1...6:
                text = nil
                try reader.skip(tag, in: bytes)
            default:
                try reader.skip(tag, in: bytes)
            }
        }
        return text
    }
}
