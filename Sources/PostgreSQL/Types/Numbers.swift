extension Bool: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .bool }
    package static var postgresArrayType: PostgresType { .boolArray }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(UInt8(self ? 1 : 0)) }

    package static func encodeElements(_ elements: [Bool], into buffer: inout PostgresBuffer) {
        buffer.writeElements(elements) { UInt8($0 ? 1 : 0) }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Bool {
        guard type == .bool else { throw .typeMismatch }
        return try bytes.wholeInteger(as: UInt8.self) != 0
    }
}

extension Int16: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .int2Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(self) }

    package static func encodeElements(_ elements: [Int16], into buffer: inout PostgresBuffer) {
        buffer.writeElements(elements) { $0 }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Int16 {
        guard type == .int2 else { throw .typeMismatch }
        return try bytes.wholeInteger()
    }
}

/// Reads `integer`, and `smallint` too.
extension Int32: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .int4 }
    package static var postgresArrayType: PostgresType { .int4Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(self) }

    package static func encodeElements(_ elements: [Int32], into buffer: inout PostgresBuffer) {
        buffer.writeElements(elements) { $0 }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Int32 {
        switch type {
        case .int4: try bytes.wholeInteger()
        case .int2: Int32(try bytes.wholeInteger(as: Int16.self))
        default: throw .typeMismatch
        }
    }
}

/// Reads `bigint`, and `integer`, `smallint` and `oid` too.
extension Int64: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(self) }

    package static func encodeElements(_ elements: [Int64], into buffer: inout PostgresBuffer) {
        buffer.writeElements(elements) { $0 }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Int64 {
        switch type {
        case .int8: try bytes.wholeInteger()
        case .int4: Int64(try bytes.wholeInteger(as: Int32.self))
        case .int2: Int64(try bytes.wholeInteger(as: Int16.self))
        case .oid: Int64(try bytes.wholeInteger(as: UInt32.self))
        default: throw .typeMismatch
        }
    }
}

/// Reads `double precision`, and `real` too.
extension Double: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .float8 }
    package static var postgresArrayType: PostgresType { .float8Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(bitPattern) }

    package static func encodeElements(_ elements: [Double], into buffer: inout PostgresBuffer) {
        buffer.writeElements(elements) { $0.bitPattern }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Double {
        switch type {
        case .float8: Double(bitPattern: try bytes.wholeInteger())
        case .float4: Double(Float(bitPattern: try bytes.wholeInteger()))
        default: throw .typeMismatch
        }
    }
}
