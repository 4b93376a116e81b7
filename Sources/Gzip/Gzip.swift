/// Unpacks gzip through zlib, whole (`unpack`) or as it comes (`GzipReader`). A target of its own, for zlib's types are also another package's: pointers stand here alone.
package enum Gzip {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// A capture that unpacks to more is refused: 1 GiB.
    package static let largest = 1 << 30

    /// - Parameter largest: bytes; what unpacks to more is refused.
    package static func unpack(_ packed: [UInt8], atMost largest: Int = largest) throws -> [UInt8] {
        var reader = try GzipReader()
        var unpacked: [UInt8] = []
        try reader.unpack(packed) { piece in
            unpacked += piece
            guard unpacked.count <= largest else {
                throw Failure(description: "it unpacks to more than \(largest) bytes")
            }
        }
        try reader.end()
        return unpacked
    }
}
