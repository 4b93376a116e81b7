/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), four bytes at a time. Source: RFC 3720, appendix B.4.
enum CRC32C {
    private static let tables: [[UInt32]] = {
        var tables = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 4)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[0][byte] = value
        }
        for byte in 0..<256 {
            for table in 1..<4 {
                let before = tables[table - 1][byte]
                tables[table][byte] = before >> 8 ^ tables[0][Int(before & 0xFF)]
            }
        }
        return tables
    }()

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var value = UInt32.max
        let first = tables[0]
        for byte in bytes { value = value >> 8 ^ first[Int((value ^ UInt32(byte)) & 0xFF)] }
        return ~value
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let (t0, t1, t2, t3) = (tables[0], tables[1], tables[2], tables[3])
        let bytes = bytes.span
        var value = UInt32.max
        var index = 0
        while index &+ 4 <= bytes.count {
            value ^=
                UInt32(bytes[index]) | UInt32(bytes[index &+ 1]) << 8 | UInt32(bytes[index &+ 2]) << 16
                | UInt32(bytes[index &+ 3]) << 24
            value =
                t3[Int(value & 0xFF)] ^ t2[Int(value >> 8 & 0xFF)] ^ t1[Int(value >> 16 & 0xFF)] ^ t0[Int(value >> 24)]
            index &+= 4
        }
        while index < bytes.count {
            value = value >> 8 ^ t0[Int((value ^ UInt32(bytes[index])) & 0xFF)]
            index &+= 1
        }
        return ~value
    }
}
