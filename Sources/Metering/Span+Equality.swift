extension Span<UInt8> {
    /// Whether both hold the same bytes: eight at a time, for comparing names is most of what a reading costs.
    @inline(__always)
    func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        // From the end: names of one scope share their beginnings.
        var offset = count &- 8
        guard offset >= 0 else {
            for index in indices where self[index] != other[index] { return false }
            return true
        }
        while offset > 0 {
            if word(at: offset) != other.word(at: offset) { return false }
            offset &-= 8
        }
        return word(at: 0) == other.word(at: 0)
    }

    /// Unsafe in name alone: the bounds are checked, and any eight bytes are a number.
    @inline(__always)
    private func word(at offset: Int) -> UInt64 {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
}
