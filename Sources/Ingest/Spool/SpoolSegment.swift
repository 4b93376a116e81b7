package import Metering

/// Whose odometer: a source of a gateway's instance.
package struct OdometerKey: Hashable, Sendable {
    package var source: SourceKind
    package var gateway: String
    package var instance: String

    package init(source: SourceKind, gateway: String, instance: String) {
        self.source = source
        self.gateway = gateway
        self.instance = instance
    }
}

/// The bytes of a spool segment. Pure.
///
/// ```
/// segment  = header block*
/// header   = "WBSPOOL1" epoch:u64 sequence:u64 version:u32 = 1 crc32c:u32      (of the 28 bytes before)
/// block    = length:u32 crc32c:u32 payload                                    (of sequence, block number and payload)
/// payload  = varint entries, entry*
/// entry    = source last_export:u64 varint sums, (counter varint value)*
/// source   = varint number, and where it is the next new one: kind:u8 text gateway text instance
/// counter  = varint number, and where it is the source's next new one: text name
/// text     = varint length, bytes
/// ```
///
/// Integers are little-endian. Numbers are given in the order of first appearance, so that a segment explains itself. Sums
/// only grow: entries merge by their maximum, in whatever order segments are read. A block is taken whole or not at all,
/// so that a source's last export and its sums are never of two moments.
package enum SpoolSegment {
    static let magic = Array("WBSPOOL1".utf8)
    static let version: UInt32 = 1
    static let headerLength = 32
    /// A longer block is not written: a length above it is a damaged one.
    static let largestBlock = 64 << 20

    /// Writes the blocks of one segment.
    struct Encoder {
        let sequence: UInt64
        private var sources: [OdometerKey: Int] = [:]
        private var counters: [[String: Int]] = []
        private var blocks: UInt64 = 0

        init(sequence: UInt64) {
            self.sequence = sequence
        }

        static func header(epoch: OdometerEpoch, sequence: UInt64) -> [UInt8] {
            var bytes = magic
            bytes.append(littleEndian: epoch.rawValue)
            bytes.append(littleEndian: sequence)
            bytes.append(littleEndian: version)
            bytes.append(littleEndian: CRC32C.checksum(bytes))
            return bytes
        }

        mutating func block(_ entries: [(key: OdometerKey, sealing: Odometer.Sealing)]) -> [UInt8] {
            var payload: [UInt8] = []
            payload.append(varint: UInt64(entries.count))
            for (key, sealing) in entries {
                let source = number(key, &payload)
                payload.append(littleEndian: UInt64(bitPattern: sealing.lastExport.microseconds))
                payload.append(varint: UInt64(sealing.sums.count))
                for sum in sealing.sums {
                    if let known = counters[source][sum.name] {
                        payload.append(varint: UInt64(known))
                    } else {
                        let new = counters[source].count
                        counters[source][sum.name] = new
                        payload.append(varint: UInt64(new))
                        payload.append(text: sum.name)
                    }
                    payload.append(varint: UInt64(bitPattern: sum.value))
                }
            }
            var block: [UInt8] = []
            block.append(littleEndian: UInt32(payload.count))
            block.append(littleEndian: checksum(payload, sequence: sequence, block: blocks))
            blocks += 1
            return block + payload
        }

        private mutating func number(_ key: OdometerKey, _ payload: inout [UInt8]) -> Int {
            if let known = sources[key] {
                payload.append(varint: UInt64(known))
                return known
            }
            let new = counters.count
            sources[key] = new
            counters.append([:])
            payload.append(varint: UInt64(new))
            payload.append(UInt8(key.source.rawValue))
            payload.append(text: key.gateway)
            payload.append(text: key.instance)
            return new
        }
    }

    /// What a segment holds, up to the first place that is damaged.
    package struct Contents {
        package var epoch: OdometerEpoch
        package var sequence: UInt64
        package var odometers: [OdometerKey: Odometer.Sealing]
        /// Whole blocks, and bytes behind them that are none.
        package var blocks: Int
        package var droppedBytes: Int
    }

    /// Reads a segment; nil where it does not even have a header.
    package static func read(_ bytes: [UInt8]) -> Contents? {
        guard bytes.count >= headerLength, bytes.starts(with: magic) else { return nil }
        var header = SpoolReader(bytes, from: magic.count)
        guard let epoch = header.u64(), let sequence = header.u64(), let version = header.u32(), version == 1,
            header.u32() == CRC32C.checksum(Array(bytes[0..<(headerLength - 4)]))
        else { return nil }
        var decoder = Decoder()
        var position = headerLength
        var blocks = 0
        while position < bytes.count {
            var reader = SpoolReader(bytes, from: position)
            guard let length = reader.u32(), let stated = reader.u32(), length <= largestBlock,
                position + 8 + Int(length) <= bytes.count
            else { break }
            let payload = Array(bytes[(position + 8)..<(position + 8 + Int(length))])
            guard stated == checksum(payload, sequence: sequence, block: UInt64(blocks)), decoder.take(payload) else {
                break
            }
            position += 8 + payload.count
            blocks += 1
        }
        return Contents(
            epoch: OdometerEpoch(rawValue: epoch), sequence: sequence, odometers: decoder.odometers, blocks: blocks,
            droppedBytes: bytes.count - position)
    }

    /// With the block's place: a block that stands elsewhere is not taken.
    private static func checksum(_ payload: [UInt8], sequence: UInt64, block: UInt64) -> UInt32 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 16)
        bytes.append(littleEndian: sequence)
        bytes.append(littleEndian: block)
        bytes += payload
        return CRC32C.checksum(bytes)
    }

    /// Merges the entries of whole blocks.
    private struct Decoder {
        private var keys: [OdometerKey] = []
        private var lastExports: [Timestamp] = []
        private var names: [[String]] = []
        private var sums: [[Int64]] = []

        var odometers: [OdometerKey: Odometer.Sealing] {
            var odometers: [OdometerKey: Odometer.Sealing] = [:]
            for source in keys.indices {
                odometers[keys[source]] = Odometer.Sealing(
                    lastExport: lastExports[source],
                    sums: zip(names[source], sums[source]).map { Odometer.Sealing.Sum(name: $0, value: $1) })
            }
            return odometers
        }

        /// False for a payload that does not read as one: then nothing of it is taken.
        mutating func take(_ payload: [UInt8]) -> Bool {
            var trial = self
            guard trial.read(payload) else { return false }
            self = trial
            return true
        }

        private mutating func read(_ payload: [UInt8]) -> Bool {
            var reader = SpoolReader(payload, from: 0)
            guard let entries = reader.varint(), entries <= payload.count else { return false }
            for _ in 0..<entries {
                guard let source = source(&reader), let time = reader.u64(), let count = reader.varint(),
                    count <= payload.count
                else { return false }
                for _ in 0..<count {
                    guard let counter = counter(of: source, &reader), let value = reader.varint(),
                        let value = Int64(exactly: value)
                    else { return false }
                    sums[source][counter] = max(sums[source][counter], value)
                }
                lastExports[source] = max(lastExports[source], Timestamp(microseconds: Int64(bitPattern: time)))
            }
            return reader.isAtEnd
        }

        private mutating func source(_ reader: inout SpoolReader) -> Int? {
            guard let number = reader.varint(), number <= keys.count else { return nil }
            let source = Int(number)
            guard source == keys.count else { return source }
            guard let kind = reader.u8().flatMap({ SourceKind(rawValue: Int16($0)) }), let gateway = reader.text(),
                let instance = reader.text()
            else { return nil }
            keys.append(OdometerKey(source: kind, gateway: gateway, instance: instance))
            lastExports.append(.earliest)
            names.append([])
            sums.append([])
            return source
        }

        private mutating func counter(of source: Int, _ reader: inout SpoolReader) -> Int? {
            guard let number = reader.varint(), number <= names[source].count else { return nil }
            let counter = Int(number)
            if counter == names[source].count {
                guard let name = reader.text() else { return nil }
                names[source].append(name)
                sums[source].append(0)
            }
            return counter
        }
    }
}

/// Reads integers and texts; nil at the end or where they are none.
private struct SpoolReader {
    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], from position: Int) {
        self.bytes = bytes
        self.position = position
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func u8() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    mutating func u32() -> UInt32? { fixed(4).map { UInt32(truncatingIfNeeded: $0) } }
    mutating func u64() -> UInt64? { fixed(8) }

    private mutating func fixed(_ count: Int) -> UInt64? {
        guard position + count <= bytes.count else { return nil }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return value
    }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = u8(), shift < 64 {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    mutating func text() -> String? {
        guard let length = varint(), length <= bytes.count - position else { return nil }
        let end = position + Int(length)
        defer { position = end }
        return String(validating: bytes[position..<end], as: UTF8.self)
    }
}

extension [UInt8] {
    fileprivate mutating func append<Integer: FixedWidthInteger>(littleEndian value: Integer) {
        for shift in stride(from: 0, to: Integer.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    fileprivate mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    fileprivate mutating func append(text: String) {
        append(varint: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
