/// Messages of the metrics service as an Envoy writes them: full names, one metric a family, one timestamp a flush.
enum MetricsFlush {
    /// As long as the names of 1,000 active clusters are on average: their 40,239 families take 4.41 MB.
    static let nameLength = 84

    /// The name of one of the forty stats of a cluster, filled up to the usual length.
    static func name(_ index: Int) -> String {
        let (head, tail) = ("cluster.production_shop_frontend_", "service_\(index / 40)_8080.upstream_rq_\(index % 40)")
        let missing = max(0, nameLength - head.utf8.count - tail.utf8.count)
        return head + String(repeating: "x", count: missing) + tail
    }

    /// One flush of counters.
    ///
    /// - Parameters:
    ///   - milliseconds: Envoy's time.
    ///   - value: of the first counter; each following one is one more.
    static func message(_ names: [String], value: Int64, milliseconds: Int64) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(names.count * 112)
        for (index, name) in names.enumerated() {
            var counter: [UInt8] = [0x09]
            let bits = Double(value + Int64(index)).bitPattern
            for byte in 0..<8 { counter.append(UInt8(truncatingIfNeeded: bits >> (UInt64(byte) * 8))) }
            var metric = field(3, counter)
            metric.append(6 << 3)
            metric += varint(UInt64(milliseconds))
            message += field(2, field(1, Array(name.utf8)) + [3 << 3, 0] + field(4, metric))
        }
        return message
    }

    /// What the first message of a stream begins with: who sends.
    static func identifier(instance: String, gateway: String) -> [UInt8] {
        let bootID = field(1, Array("boot_id".utf8)) + field(2, field(3, Array("boot-\(instance)".utf8)))
        let node =
            field(1, Array(instance.utf8)) + field(2, Array(gateway.utf8)) + field(3, field(1, bootID))
        return field(1, field(1, node))
    }

    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
