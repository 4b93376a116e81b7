package import FoundationEssentials

extension String: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(utf8: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> String {
        switch type {
        case .text, .varchar, .bpchar, .name, .unknown, .json:
            return bytes.text
        default: throw .typeMismatch
        }
    }
}

extension RawSpan {
    /// The bytes as UTF-8, which the server has checked.
    var text: String {
        withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// A JSON text, kept as `jsonb`.
package struct PostgresJSON: Hashable, Sendable {
    package var text: String

    package init(_ text: String) {
        self.text = text
    }
}

extension PostgresJSON: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .jsonb }
    package static var postgresArrayType: PostgresType { .jsonbArray }

    package func encode(into buffer: inout PostgresBuffer) {
        buffer.write(UInt8(1))  // the version of jsonb's binary form
        buffer.write(utf8: text)
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> PostgresJSON {
        switch type {
        case .json: return PostgresJSON(bytes.text)
        case .jsonb:
            guard bytes.integer(at: 0, as: UInt8.self) == 1 else { throw .malformed }
            return PostgresJSON(bytes.extracting(droppingFirst: 1).text)
        default: throw .typeMismatch
        }
    }
}

extension UUID: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }

    package func encode(into buffer: inout PostgresBuffer) {
        withUnsafeBytes(of: uuid) { buffer.write($0) }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingFailure) -> UUID {
        guard type == .uuid else { throw .typeMismatch }
        guard bytes.byteCount == 16 else { throw .malformed }
        return UUID(uuid: bytes.unsafeLoadUnaligned(as: uuid_t.self))
    }
}
