import Testing
import WireFormats

@Suite struct ProtobufReaderTests {
    @Test(
        "A varint is read as it was written",
        arguments: [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 32, 1 << 63, .max] as [UInt64])
    func varint(_ value: UInt64) throws {
        let bytes = Wire.varint(value)
        var reader = ProtobufReader(bytes.span)
        #expect(try reader.varint(in: bytes.span) == value)
        #expect(reader.isAtEnd)
    }

    @Test(
        "A varint above 64 bits or ten bytes is refused",
        arguments: [
            [UInt8](repeating: 0xFF, count: 10) + [0],
            [UInt8](repeating: 0x80, count: 10) + [1],
            [UInt8](repeating: 0x80, count: 9) + [2],
        ])
    func overlongVarint(_ bytes: [UInt8]) {
        #expect(Self.code(bytes) { try $0.varint(in: $1) } == .overlongVarint)
    }

    @Test("A varint that the end cuts is truncated, whatever its length", arguments: 0...9)
    func cutVarint(_ length: Int) {
        #expect(Self.code([UInt8](repeating: 0x80, count: length)) { try $0.varint(in: $1) } == .truncated)
    }

    @Test("Fixed values are little endian")
    func fixed() throws {
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 0xFE, 0xFF, 0xFF, 0xFF]
        var reader = ProtobufReader(bytes.span)
        #expect(try reader.fixed64(in: bytes.span) == 0x0807_0605_0403_0201)
        #expect(try reader.fixed32(in: bytes.span) == 0xFFFF_FFFE)
        #expect(Self.code([1, 2, 3, 4, 5, 6, 7]) { try $0.fixed64(in: $1) } == .truncated)
        #expect(Self.code([1, 2, 3]) { try $0.fixed32(in: $1) } == .truncated)
    }

    @Test("A length beyond the end, or negative, is truncated", arguments: [4, 1 << 31, 1 << 63, .max] as [UInt64])
    func length(_ length: UInt64) {
        #expect(Self.code(Wire.varint(length) + [1, 2, 3]) { try $0.lengthDelimited(in: $1) } == .truncated)
    }

    @Test(
        "A tag with field 0, a field above 2^29 - 1 or a wire type of 6 or 7 is refused",
        arguments: [[0x00], [0x02], [0x0E], [0x0F], Wire.varint(1 << 32), Wire.varint(.max)] as [[UInt8]])
    func tag(_ bytes: [UInt8]) {
        #expect(Self.code(bytes) { try $0.nextTag(in: $1) } == .invalidTag)
    }

    @Test("The highest field number is read")
    func highestField() throws {
        let bytes = Wire.tag((1 << 29) - 1, 5)
        var reader = ProtobufReader(bytes.span)
        #expect(try reader.nextTag(in: bytes.span) == ProtobufTag(field: (1 << 29) - 1, wireType: .fixed32))
    }

    @Test("A nested group is skipped with all in it")
    func group() throws {
        let inner = Wire.tag(2, 3) + Wire.double(1, 4) + Wire.text(9, "x") + Wire.tag(2, 4)
        let bytes =
            Wire.tag(7, 3) + Wire.number(1, 300) + inner + Wire.tag(3, 5) + [1, 2, 3, 4] + Wire.tag(7, 4) + [42]
        var reader = ProtobufReader(bytes.span)
        let tag = try #require(try reader.nextTag(in: bytes.span))
        try reader.skip(tag, in: bytes.span)
        #expect(try reader.varint(in: bytes.span) == 42)
        #expect(reader.isAtEnd)
    }

    @Test(
        "Groups that do not match are refused",
        arguments: [
            (Wire.tag(1, 4), .unmatchedGroup),
            (Wire.tag(1, 3) + Wire.tag(2, 4), .unmatchedGroup),
            (Wire.tag(1, 3), .truncated),
        ] as [([UInt8], WireFormatError.Code)])
    func unmatched(_ bytes: [UInt8], _ code: WireFormatError.Code) {
        #expect(Self.skipping(bytes) == code)
    }

    @Test("A hundred groups in one another are skipped, one more is too deep, a million are no worse")
    func deep() {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x0B, count: depth) + [UInt8](repeating: 0x0C, count: depth)
        }
        #expect(Self.skipping(nested(100)) == nil)
        #expect(Self.skipping(nested(101)) == .tooDeep)
        #expect(Self.skipping(nested(1_000_000)) == .tooDeep)
    }

    @Test("An error says where it stands")
    func offset() {
        let bytes = Wire.number(1, 5) + Wire.tag(2, 2) + [9, 1]
        var reader = ProtobufReader(bytes.span)
        let error = #expect(throws: WireFormatError.self) {
            while let tag = try reader.nextTag(in: bytes.span) { try reader.skip(tag, in: bytes.span) }
        }
        #expect(error?.offset == 3)
        #expect(error?.description == "truncated at byte 3: a value of 9 bytes does not fit into the 1 bytes left")
    }

    /// The code that reading ends with; nil when it ends well.
    private static func code<Value>(
        _ bytes: [UInt8], _ read: (inout ProtobufReader, Span<UInt8>) throws -> Value
    ) -> WireFormatError.Code? {
        var reader = ProtobufReader(bytes.span)
        do {
            _ = try read(&reader, bytes.span)
            return nil
        } catch {
            return (error as? WireFormatError)?.code
        }
    }

    private static func skipping(_ bytes: [UInt8]) -> WireFormatError.Code? {
        code(bytes) { reader, bytes in
            while let tag = try reader.nextTag(in: bytes) { try reader.skip(tag, in: bytes) }
        }
    }
}
