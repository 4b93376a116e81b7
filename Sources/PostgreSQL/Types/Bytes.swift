/// Swift's `[UInt8]` is `bytea`.
extension UInt8: PostgresArrayable {
    package static var typeOfArray: PostgresType { .bytea }

    package static func encodeArray(_ array: [UInt8], into buffer: inout PostgresBuffer) {
        array.withUnsafeBytes { buffer.write($0) }
    }

    package static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> [UInt8] {
        guard type == .bytea else { throw .typeMismatch }
        return bytes.withUnsafeBytes { [UInt8]($0) }
    }
}

/// And `[[UInt8]]` is `bytea[]`.
extension Array: PostgresElement where Element == UInt8 {
    package static var postgresArrayType: PostgresType { .byteaArray }
}

extension Array: PostgresArrayable where Element == UInt8 {}
