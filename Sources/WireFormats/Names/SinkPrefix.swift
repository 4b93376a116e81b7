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
        guard name.count > bytes.count else { return nil }
        for index in 0..<bytes.count where bytes[index] != name[index] { return nil }
        return bytes.count
    }
}
