internal import CZlib

/// Packs bytes through zlib. The one place of this target with pointers: zlib's interface is made of them.
enum Gzip {
    /// Nil when zlib can not: the bytes go out as they are.
    static func pack(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 15 bits of window, and 16 for the gzip header.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        var packed = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
        let length: Int? = input.withUnsafeMutableBufferPointer { input in
            packed.withUnsafeMutableBufferPointer { packed in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(clamping: input.count)
                stream.next_out = packed.baseAddress
                stream.avail_out = UInt32(clamping: packed.count)
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? packed.count - Int(stream.avail_out) : nil
            }
        }
        return length.map { Array(packed.prefix($0)) }
    }
}
