internal import CLibPQ

/// A statement's parameters in one buffer, in binary, as libpq takes them.
///
/// `@unchecked Sendable`: the buffer does not change after `init`.
final class Parameters: @unchecked Sendable {
    private let buffer: PostgresBuffer
    /// Where each value begins; −1: NULL.
    private let offsets: [Int]
    private let lengths: [Int32]
    let types: [UInt32]

    init(_ values: [any PostgresEncodable]) throws {
        guard values.count <= 65_535 else {
            throw PostgresError(.configuration, "a statement takes at most 65535 parameters; send arrays instead")
        }
        var buffer = PostgresBuffer()
        var offsets: [Int] = []
        var lengths: [Int32] = []
        var types: [UInt32] = []
        types.reserveCapacity(values.count)
        for value in values {
            types.append(type(of: value).postgresType.rawValue)
            if value.isNull {
                offsets.append(-1)
                lengths.append(0)
                continue
            }
            let start = buffer.count
            value.encode(into: &buffer)
            guard let length = Int32(exactly: buffer.count - start) else {
                throw PostgresError(.configuration, "parameter $\(types.count) is larger than 2 GiB")
            }
            offsets.append(start)
            lengths.append(length)
        }
        self.buffer = buffer
        self.offsets = offsets
        self.lengths = lengths
        self.types = types
    }

    /// Calls `body` with the count, types, values, lengths and formats.
    func withPointers<Result>(
        _ body: (
            Int32, UnsafePointer<UInt32>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?
        ) -> Result
    ) -> Result {
        let start = buffer.start
        let values = offsets.map { offset -> UnsafePointer<CChar>? in
            offset < 0 ? nil : UnsafePointer((start + offset).assumingMemoryBound(to: CChar.self))
        }
        let formats = [Int32](repeating: 1, count: values.count)
        return body(Int32(values.count), types, values, lengths, formats)
    }
}
