internal import CZlib

/// Unpacks gzip as it comes, in memory that does not grow with it. Several members may follow one another, as `cat` and
/// log collectors write them.
package struct GzipReader: ~Copyable {
    /// zlib keeps the address: it may not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isInMember = false
    private var hasMember = false

    /// What gzip begins with.
    package static func isGzip(_ text: some Collection<UInt8>) -> Bool { text.starts(with: [0x1F, 0x8B]) }

    package init() throws(Gzip.Failure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip header.
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Gzip.Failure(description: "zlib can not be started")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Unpacks what has come, and gives it on piece by piece.
    package mutating func unpack(_ packed: [UInt8], _ take: ([UInt8]) throws -> Void) throws {
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var offset = 0
        while offset < packed.count {
            if !isInMember {
                // Between two members, and behind the last one, zeros may stand.
                if hasMember, packed[offset] == 0 {
                    offset += 1
                    continue
                }
                inflateReset(stream)
                (isInMember, hasMember) = (true, true)
            }
            var filled = 0
            repeat {
                let status: Int32 = packed.withUnsafeBufferPointer { input in
                    chunk.withUnsafeMutableBufferPointer { output in
                        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress! + offset)
                        stream.pointee.avail_in = UInt32(clamping: input.count - offset)
                        stream.pointee.next_out = output.baseAddress
                        stream.pointee.avail_out = UInt32(output.count)
                        let given = stream.pointee.avail_in
                        defer { offset += Int(given - stream.pointee.avail_in) }
                        return inflate(stream, Z_NO_FLUSH)
                    }
                }
                filled = chunk.count - Int(stream.pointee.avail_out)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR && filled == 0 else {
                    throw Gzip.Failure(description: "it is not gzip, or is damaged (zlib says \(status))")
                }
                if filled > 0 { try take(Array(chunk[0..<filled])) }
                if status == Z_STREAM_END { isInMember = false }
            } while isInMember && filled == chunk.count
        }
    }

    /// The text has ended.
    package borrowing func end() throws(Gzip.Failure) {
        guard hasMember, !isInMember else { throw Gzip.Failure(description: "it is no gzip, or is cut off") }
    }
}
