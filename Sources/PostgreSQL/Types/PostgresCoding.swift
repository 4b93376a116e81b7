/// A value that can be a statement's parameter, sent in binary.
package protocol PostgresEncodable: Sendable {
    static var postgresType: PostgresType { get }
    var isNull: Bool { get }
    /// Writes the value without its length. Not called for a NULL.
    func encode(into buffer: inout PostgresBuffer)
}

extension PostgresEncodable {
    package var isNull: Bool { false }
}

/// A value that can be read from a column's binary form.
package protocol PostgresDecodable {
    static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Self
    static func decodeNull() throws(PostgresDecodingFailure) -> Self
}

extension PostgresDecodable {
    package static func decodeNull() throws(PostgresDecodingFailure) -> Self { throw .null }
}

/// Why a value could not be read; the row adds the column and the types.
package enum PostgresDecodingFailure: Error {
    case null, typeMismatch, malformed
}

/// A type whose values can stand in an array of one dimension.
package protocol PostgresElement: PostgresEncodable, PostgresDecodable {
    static var postgresArrayType: PostgresType { get }
    /// Writes each element's length and value. A type of fixed size writes all in one go.
    static func encodeElements(_ elements: [Self], into buffer: inout PostgresBuffer)
}

extension PostgresElement {
    package static func encodeElements(_ elements: [Self], into buffer: inout PostgresBuffer) {
        for element in elements {
            buffer.writeLengthPrefixed { element.encode(into: &$0) }
        }
    }
}

/// What Swift's array of this type is to PostgreSQL: `bytea` for bytes, else an array of one dimension.
package protocol PostgresArrayable: Sendable {
    static var typeOfArray: PostgresType { get }
    static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer)
    static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> [Self]
}

extension Array: PostgresEncodable where Element: PostgresArrayable {
    package static var postgresType: PostgresType { Element.typeOfArray }
    package func encode(into buffer: inout PostgresBuffer) { Element.encodeArray(self, into: &buffer) }
}

extension Array: PostgresDecodable where Element: PostgresArrayable {
    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> [Element] {
        try Element.decodeArray(bytes, type: type)
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package var isNull: Bool { self?.isNull ?? true }
    package func encode(into buffer: inout PostgresBuffer) { self?.encode(into: &buffer) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> Wrapped? {
        try Wrapped.decode(bytes, type: type)
    }

    package static func decodeNull() throws(PostgresDecodingFailure) -> Wrapped? { nil }
}
