/// Counter names as the bytes of the wire, each known by a number: an open-addressing table over one byte buffer.
///
/// A flush carries the same names in the same order as the one before, and begins anew where it ended. So the table keeps
/// that ring and first compares a name with the one that followed last time; the hash is computed only where the order
/// changed.
///
/// It never holds more than 4 GiB of names, whatever the limit.
struct NameTable {
    private var bytes: [UInt8] = []
    private var starts: [UInt32] = [0]
    /// Table of entry numbers, -1 where free; its size is a power of two.
    private var table: [Int32] = Array(repeating: -1, count: 256)
    private var hashes: [UInt32] = []
    /// The entry that came after each entry in the last flush, -1 where unknown.
    private var successors: [Int32] = []
    private var previous: Int32 = -1

    var count: Int { starts.count - 1 }

    /// The number of a name, and whether it is new. Nil for a new name where the table holds `limit` names.
    mutating func entry(for name: borrowing Span<UInt8>, limit: Int) -> (number: Int, isNew: Bool)? {
        let expected = previous < 0 ? -1 : successors[Int(previous)]
        if expected >= 0, equals(Int(expected), name) {
            previous = expected
            return (Int(expected), false)
        }
        let hash = Self.hash(name)
        var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[slot] >= 0 {
            let number = Int(table[slot])
            if hashes[number] == hash, equals(number, name) {
                follow(Int32(number))
                return (number, false)
            }
            slot = (slot + 1) & (table.count - 1)
        }
        let number = count
        let end = bytes.count + name.count
        guard number < limit, end <= UInt32.max else { return nil }
        // A worker holds a table for each stream: they grow by a quarter, not to twice their size.
        if end > bytes.capacity { bytes.reserveCapacity(end + end / 4) }
        for index in name.indices { bytes.append(name[index]) }
        starts.append(UInt32(end))
        hashes.append(hash)
        successors.append(-1)
        table[slot] = Int32(number)
        follow(Int32(number))
        if count * 2 > table.count { grow() }
        return (number, true)
    }

    /// How long the name is that came after the last one in the flush before, where it stands at `start` of some bytes; 0
    /// where another stands there.
    @inline(__always)
    func expected(at start: Int, of line: borrowing Span<UInt8>) -> Int {
        let expected = previous < 0 ? -1 : Int(successors[Int(previous)])
        guard expected >= 0 else { return 0 }
        let length = Int(starts[expected + 1] - starts[expected])
        guard length <= line.count - start else { return 0 }
        return equals(expected, line.extracting(start..<(start + length))) ? length : 0
    }

    /// The number of the name that `expected` has found.
    mutating func followExpected() -> Int {
        previous = successors[Int(previous)]
        return Int(previous)
    }

    /// Nil where the bytes are no text that a database takes: not UTF-8, or with a NUL.
    func name(_ number: Int) -> String? {
        let name = bytes[range(number)]
        return name.contains(0) ? nil : String(validating: name, as: UTF8.self)
    }

    private mutating func follow(_ number: Int32) {
        if previous >= 0 { successors[Int(previous)] = number }
        previous = number
    }

    private func equals(_ number: Int, _ name: borrowing Span<UInt8>) -> Bool {
        bytes.span.extracting(range(number)).equals(name)
    }

    private func range(_ number: Int) -> Range<Int> { Int(starts[number])..<Int(starts[number + 1]) }

    private mutating func grow() {
        table = Array(repeating: -1, count: table.count * 2)
        for number in 0..<count {
            var slot = Int(truncatingIfNeeded: hashes[number]) & (table.count - 1)
            while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
            table[slot] = Int32(number)
        }
    }

    /// FNV-1a, folded so that the low bits depend on all of it.
    private static func hash(_ name: borrowing Span<UInt8>) -> UInt32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in name.indices { hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01b3 }
        return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
    }
}
