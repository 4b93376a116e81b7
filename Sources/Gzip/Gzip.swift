internal import CZlib

/// Unpacks gzip through zlib. A target of its own, for zlib's types are also another package's: pointers stand here alone.
package enum Gzip {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// A capture that unpacks to more is refused: 1 GiB.
    package static let largest = 1 << 30

    /// - Parameter largest: bytes; what unpacks to more is refused.
    package static func unpack(_ packed: [UInt8], atMost largest: Int = largest) throws(Failure) -> [UInt8] {
        var stream = z_stream()
        // 15 bits of window, and 16 for the gzip header.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, size) == Z_OK else {
            throw Failure(description: "zlib can not be started")
        }
        defer { inflateEnd(&stream) }
        var input = packed
        var unpacked: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        let failure: String? = input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(clamping: input.count)
            while true {
                let status = chunk.withUnsafeMutableBufferPointer { chunk in
                    stream.next_out = chunk.baseAddress
                    stream.avail_out = UInt32(chunk.count)
                    return inflate(&stream, Z_NO_FLUSH)
                }
                unpacked.append(contentsOf: chunk[0..<(chunk.count - Int(stream.avail_out))])
                // Also of what ends here: a chunk may be larger than the limit.
                guard unpacked.count <= largest else { return "it unpacks to more than \(largest) bytes" }
                if status == Z_STREAM_END { return nil }
                guard status == Z_OK else { return "it is not gzip, or is cut off (zlib says \(status))" }
            }
        }
        if let failure { throw Failure(description: failure) }
        return unpacked
    }
}
