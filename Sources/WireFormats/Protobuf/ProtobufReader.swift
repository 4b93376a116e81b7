/// A position in protobuf bytes.
///
/// The reader holds offsets alone, and each call names the bytes again: so it can be kept, copied and nested freely,
/// while every access stays bounds-checked by `Span`. Hostile input ends in a `WireFormatError`, never in a trap, and
/// costs no more than its own length.
package struct ProtobufReader: Sendable {
    /// How deep unknown groups may stand in one another.
    package static let maximumGroupDepth = 100

    /// The offset of the next byte.
    package private(set) var position: Int
    /// The offset after the last byte.
    package let end: Int

    /// Reads all of `bytes`.
    @inlinable
    package init(_ bytes: Span<UInt8>) {
        self.init(position: 0, end: bytes.count)
    }

    /// Reads `range` of the bytes that the calls name.
    @inlinable
    package init(range: Range<Int>) {
        self.init(position: range.lowerBound, end: range.upperBound)
    }

    @usableFromInline
    init(position: Int, end: Int) {
        self.position = position
        self.end = end
    }

    @inlinable
    package var isAtEnd: Bool { position >= end }

    /// The next field's tag; nil at the end.
    @inline(__always)
    package mutating func nextTag(in bytes: Span<UInt8>) throws(WireFormatError) -> ProtobufTag? {
        guard position < end else { return nil }
        let start = position
        let raw = try varint(in: bytes)
        guard let wireType = ProtobufTag.WireType(rawValue: UInt8(truncatingIfNeeded: raw & 7)),
            raw >= 8, raw <= UInt64(UInt32.max)
        else {
            throw WireFormatError(.invalidTag, at: start, "\(raw) is no field's tag")
        }
        return ProtobufTag(field: UInt32(truncatingIfNeeded: raw >> 3), wireType: wireType)
    }

    /// A varint of up to 64 bits.
    @inline(__always)
    package mutating func varint(in bytes: Span<UInt8>) throws(WireFormatError) -> UInt64 {
        guard position < end else { throw truncated("a varint", at: position) }
        let first = bytes[position]
        if first < 0x80 {
            position += 1
            return UInt64(first)
        }
        return try longVarint(in: bytes)
    }

    @inline(never)
    private mutating func longVarint(in bytes: Span<UInt8>) throws(WireFormatError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = bytes[position]
            position += 1
            if shift == 63, byte > 1 { throw WireFormatError(.overlongVarint, at: start, "more than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw truncated("a varint", at: start)
    }

    /// Eight bytes, little endian.
    @inline(__always)
    package mutating func fixed64(in bytes: Span<UInt8>) throws(WireFormatError) -> UInt64 {
        guard end - position >= 8 else { throw truncated("eight bytes", at: position) }
        var value: UInt64 = 0
        for index in 0..<8 {
            value |= UInt64(bytes[position &+ index]) &<< UInt64(8 &* index)
        }
        position += 8
        return value
    }

    /// Four bytes, little endian.
    @inline(__always)
    package mutating func fixed32(in bytes: Span<UInt8>) throws(WireFormatError) -> UInt32 {
        guard end - position >= 4 else { throw truncated("four bytes", at: position) }
        var value: UInt32 = 0
        for index in 0..<4 {
            value |= UInt32(bytes[position &+ index]) &<< UInt32(8 &* index)
        }
        position += 4
        return value
    }

    /// The offsets of a length-delimited value (text, bytes, message), which is stepped over.
    @inline(__always)
    package mutating func lengthDelimited(in bytes: Span<UInt8>) throws(WireFormatError) -> Range<Int> {
        let start = position
        let length = try varint(in: bytes)
        guard length <= UInt64(end - position) else {
            throw truncated("a value of \(length) bytes", at: start)
        }
        let lower = position
        position = lower &+ Int(truncatingIfNeeded: length)
        return lower..<position
    }

    /// Steps over the value of a field that is of no interest.
    @inline(__always)
    package mutating func skip(_ tag: ProtobufTag, in bytes: Span<UInt8>) throws(WireFormatError) {
        switch tag.wireType {
        case .varint: _ = try varint(in: bytes)
        case .fixed64: _ = try fixed64(in: bytes)
        case .fixed32: _ = try fixed32(in: bytes)
        case .lengthDelimited: _ = try lengthDelimited(in: bytes)
        case .startGroup: try skipGroup(tag.field, depth: 1, in: bytes)
        case .endGroup:
            throw WireFormatError(.unmatchedGroup, at: position, "group \(tag.field) ends and was not begun")
        }
    }

    @inline(never)
    private mutating func skipGroup(_ field: UInt32, depth: Int, in bytes: Span<UInt8>) throws(WireFormatError) {
        guard depth <= Self.maximumGroupDepth else {
            throw WireFormatError(.tooDeep, at: position, "more than \(Self.maximumGroupDepth) groups in one another")
        }
        while let tag = try nextTag(in: bytes) {
            switch tag.wireType {
            case .endGroup:
                guard tag.field == field else {
                    throw WireFormatError(.unmatchedGroup, at: position, "group \(field) ends as \(tag.field)")
                }
                return
            case .startGroup: try skipGroup(tag.field, depth: depth + 1, in: bytes)
            default: try skip(tag, in: bytes)
            }
        }
        throw truncated("the end of group \(field)", at: position)
    }

    /// Throws unless `tag` has the wire type that the schema gives `name`.
    @inline(__always)
    package func expect(
        _ wireType: ProtobufTag.WireType, _ tag: ProtobufTag, _ name: StaticString
    ) throws(WireFormatError) {
        guard tag.wireType == wireType else {
            throw WireFormatError(.wrongWireType, at: position, "\(name) has wire type \(tag.wireType.rawValue)")
        }
    }

    @inline(never)
    private func truncated(_ what: String, at offset: Int) -> WireFormatError {
        WireFormatError(.truncated, at: offset, "\(what) does not fit into the \(end - position) bytes left")
    }
}

extension String {
    /// The text of `range`, which must be UTF-8.
    package init(utf8 bytes: Span<UInt8>, at range: Range<Int>, _ name: StaticString) throws(WireFormatError) {
        do {
            self.init(copying: try UTF8Span(validating: bytes.extracting(range)))
        } catch {
            throw WireFormatError(.invalidUTF8, at: range.lowerBound, "\(name) is not UTF-8")
        }
    }
}
