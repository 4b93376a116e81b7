/// The head of a protobuf field: its number and the shape of its value.
///
/// Source: protobuf.dev/programming-guides/encoding.
package struct ProtobufTag: Hashable, Sendable {
    package enum WireType: UInt8, Sendable {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case startGroup = 3
        case endGroup = 4
        case fixed32 = 5
    }

    package let field: UInt32
    package let wireType: WireType

    @inlinable
    package init(field: UInt32, wireType: WireType) {
        self.field = field
        self.wireType = wireType
    }
}
