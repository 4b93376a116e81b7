/// The binary form of an array: number of dimensions, a flag for NULLs and the element type, 4 bytes each; for the
/// dimension its size and lower bound; for each element its length (−1: NULL) and value.
/// Source: PostgreSQL, src/backend/utils/adt/arrayfuncs.c, `array_send`.
enum PostgresArray {
    @inline(__always)
    static func encode(
        count: Int, hasNulls: Bool, element: PostgresType, into buffer: inout PostgresBuffer,
        elements: (inout PostgresBuffer) -> Void
    ) {
        buffer.reserve(20)
        buffer.write(Int32(count == 0 ? 0 : 1))
        buffer.write(Int32(hasNulls ? 1 : 0))
        buffer.write(element.rawValue)
        guard count > 0 else { return }
        buffer.write(Int32(count))
        buffer.write(Int32(1))
        elements(&buffer)
    }

    /// Calls `element` with each element's bytes, `null` for each NULL.
    @inline(__always)
    static func decode<Element>(
        _ bytes: RawSpan, element: (RawSpan, PostgresType) throws(PostgresDecodingFailure) -> Element,
        null: () throws(PostgresDecodingFailure) -> Element
    ) throws(PostgresDecodingFailure) -> [Element] {
        guard let dimensions = bytes.integer(at: 0, as: Int32.self), let type = bytes.integer(at: 8, as: UInt32.self)
        else { throw .malformed }
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw .typeMismatch }
        guard let count = bytes.integer(at: 12, as: Int32.self), count >= 0, Int(count) <= bytes.byteCount / 4 else {
            throw .malformed
        }
        var values: [Element] = []
        values.reserveCapacity(Int(count))
        var place = 20
        for _ in 0..<count {
            guard let length = bytes.integer(at: place, as: Int32.self) else { throw .malformed }
            place += 4
            if length < 0 {
                values.append(try null())
                continue
            }
            guard Int(length) <= bytes.byteCount - place else { throw .malformed }
            let value = bytes.extracting(place..<(place + Int(length)))
            values.append(try element(value, PostgresType(rawValue: type)))
            place += Int(length)
        }
        return values
    }
}

extension PostgresElement {
    package static var typeOfArray: PostgresType { postgresArrayType }

    package static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer) {
        PostgresArray.encode(count: array.count, hasNulls: false, element: postgresType, into: &buffer) {
            encodeElements(array, into: &$0)
        }
    }

    package static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> [Self] {
        try PostgresArray.decode(
            bytes, element: { (value, type) throws(PostgresDecodingFailure) in try decode(value, type: type) },
            null: { () throws(PostgresDecodingFailure) in throw .null })
    }
}

extension Optional: PostgresArrayable where Wrapped: PostgresElement {
    package static var typeOfArray: PostgresType { Wrapped.postgresArrayType }

    package static func encodeArray(_ array: [Wrapped?], into buffer: inout PostgresBuffer) {
        let hasNulls = array.contains { $0 == nil }
        PostgresArray.encode(count: array.count, hasNulls: hasNulls, element: Wrapped.postgresType, into: &buffer) {
            for element in array {
                if let element {
                    $0.writeLengthPrefixed { element.encode(into: &$0) }
                } else {
                    $0.write(Int32(-1))
                }
            }
        }
    }

    package static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> [Wrapped?]
    {
        try PostgresArray.decode(
            bytes, element: { (value, type) throws(PostgresDecodingFailure) in try Wrapped.decode(value, type: type) },
            null: { () throws(PostgresDecodingFailure) in nil })
    }
}
