/// A growing buffer that parameters are written into, in network byte order.
///
/// It is the one place where a parameter's bytes are written through a pointer: an array of a hundred thousand values
/// costs one allocation and no bounds check a byte.
package struct PostgresBuffer: ~Copyable {
    private(set) var start: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        start = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        start.deallocate()
    }

    mutating func reserve(_ more: Int) {
        guard count + more > capacity else { return }
        capacity = max(count + more, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = larger
    }

    @inline(__always)
    package mutating func write<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        start.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    package mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    package mutating func write(utf8 text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a length of 4 bytes, and what `body` writes, and then corrects the length.
    @inline(__always)
    mutating func writeLengthPrefixed(_ body: (inout PostgresBuffer) -> Void) {
        let place = count
        write(Int32(0))
        body(&self)
        start.storeBytes(of: Int32(count - place - 4).bigEndian, toByteOffset: place, as: Int32.self)
    }

    /// Array elements of one size without NULLs: for each its length and its value.
    @inline(__always)
    mutating func writeElements<Element, Wire: FixedWidthInteger & BitwiseCopyable>(
        _ elements: [Element], as wire: (Element) -> Wire
    ) {
        let size = MemoryLayout<Wire>.size
        reserve(elements.count * (4 + size))
        let length = Int32(size).bigEndian
        var place = start + count
        for element in elements {
            place.storeBytes(of: length, as: Int32.self)
            (place + 4).storeBytes(of: wire(element).bigEndian, as: Wire.self)
            place += 4 + size
        }
        count += elements.count * (4 + size)
    }
}

extension RawSpan {
    /// The integer at `offset` in network byte order; `nil` when the bytes end before.
    @inline(__always)
    func integer<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type = T.self) -> T? {
        guard offset >= 0, byteCount - offset >= MemoryLayout<T>.size else { return nil }
        return T(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// The value when the bytes are just one integer of this type.
    @inline(__always)
    func wholeInteger<T: FixedWidthInteger & BitwiseCopyable>(as type: T.Type = T.self) throws(PostgresDecodingFailure)
        -> T
    {
        guard byteCount == MemoryLayout<T>.size else { throw .malformed }
        return T(bigEndian: unsafeLoadUnaligned(fromByteOffset: 0, as: T.self))
    }
}
