/// Protobuf bytes, written by hand for tests.
enum Wire {
    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func tag(_ field: UInt32, _ wireType: UInt8) -> [UInt8] { varint(UInt64(field) << 3 | UInt64(wireType)) }

    static func number(_ field: UInt32, _ value: UInt64) -> [UInt8] { tag(field, 0) + varint(value) }

    static func double(_ field: UInt32, _ value: Double) -> [UInt8] {
        tag(field, 1) + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(8 * $0)) }
    }

    static func bytes(_ field: UInt32, _ value: [UInt8]) -> [UInt8] {
        tag(field, 2) + varint(UInt64(value.count)) + value
    }

    static func text(_ field: UInt32, _ value: String) -> [UInt8] { bytes(field, Array(value.utf8)) }

    // MARK: StreamMetricsMessage

    static func family(_ fields: [UInt8]...) -> [UInt8] { bytes(2, Array(fields.joined())) }
    static func name(_ name: String) -> [UInt8] { text(1, name) }
    static func type(_ type: UInt64) -> [UInt8] { number(3, type) }
    static func metric(_ fields: [UInt8]...) -> [UInt8] { bytes(4, Array(fields.joined())) }
    static func label(_ name: String, _ value: String) -> [UInt8] { bytes(1, text(1, name) + text(2, value)) }
    static func gauge(_ value: Double) -> [UInt8] { bytes(2, double(1, value)) }
    static func counter(_ value: Double) -> [UInt8] { bytes(3, double(1, value)) }
    static func time(_ milliseconds: Int64) -> [UInt8] { number(6, UInt64(bitPattern: milliseconds)) }

    static func identifier(_ nodeFields: [UInt8]...) -> [UInt8] { bytes(1, bytes(1, Array(nodeFields.joined()))) }
    static func metadata(_ key: String, _ value: [UInt8]) -> [UInt8] {
        bytes(3, bytes(1, text(1, key) + bytes(2, value)))
    }
}
