/// The text that a sink puts before every name, with a dot: `envoy` unless it is configured.
package struct SinkPrefix: Hashable, Sendable {
    package static let standard = SinkPrefix("envoy")

    private let bytes: [UInt8]

    /// - Parameter text: without the dot that ends it; empty for none.
    package init(_ text: String) {
        bytes = text.isEmpty ? [] : Array(text.utf8) + [UInt8(ascii: ".")]
    }

    package var text: String { String(decoding: bytes.dropLast(), as: UTF8.self) }

    /// Where the name after the prefix begins; nil for a name of another prefix.
    @inline(__always)
    package func end(in name: Span<UInt8>) -> Int? {
        guard stands(at: 0, of: name) else { return nil }
        return bytes.count
    }

    /// How long the prefix is. Unit: bytes.
    package var count: Int { bytes.count }

    /// Whether it stands at `start` of some bytes, with more behind it.
    @inline(__always)
    package func stands(at start: Int, of text: Span<UInt8>) -> Bool {
        guard text.count - start > bytes.count else { return false }
        for index in 0..<bytes.count where bytes[index] != text[start &+ index] { return false }
        return true
    }
}
