import Metering
import WireFormats

/// A flush of the metrics service with 40,000 counters, as 1,000 active clusters make it: read, and merged into a tape.
enum IngestBenchmarks {
    static let all = [
        Benchmark("metrics-service", "a flush of 40,000 families, 50 times", metricsService),
        Benchmark("flush", "one flush of 4.4 MB, as 1,000 active clusters make it", flush),
    ]

    private static let families = 40_000
    private static let flushes: Int64 = 50

    private static func metricsService(_ stopwatch: Stopwatch) throws {
        let messages = (0..<flushes).map { flush(number: $0) }
        let amount = flushes * Int64(families)
        try stopwatch.measure(amount, "metrics", "read alone") {
            var visitor = CountingVisitor()
            for message in messages { try MetricsServiceMessage.read(message.span, into: &visitor) }
            precondition(visitor.metrics == amount)
        }
        try stopwatch.measure(amount, "metrics", "read and merged") {
            var visitor = TapeVisitor()
            for message in messages { try MetricsServiceMessage.read(message.span, into: &visitor) }
            precondition(visitor.tape.counterNames.count == families)
        }
    }

    /// Unit of the figure: flushes a second; 50 flushes/s are 20 ms of CPU a flush.
    private static func flush(_ stopwatch: Stopwatch) throws {
        let message = flush(number: 1)
        print("  \(message.count) bytes")
        var visitor = TapeVisitor()
        try stopwatch.measure(1, "flushes", "read and merged") {
            try MetricsServiceMessage.read(message.span, into: &visitor)
        }
    }

    private struct CountingVisitor: MetricsServiceVisitor {
        var metrics: Int64 = 0

        mutating func node(_ node: EnvoyNode) throws(WireFormatError) {}

        mutating func metric(
            family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
        ) throws(WireFormatError) {
            metrics += 1
        }
    }

    private struct TapeVisitor: MetricsServiceVisitor {
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)

        mutating func node(_ node: EnvoyNode) throws(WireFormatError) {}

        mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool { tape.wants(family) }

        mutating func metric(
            family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
        ) throws(WireFormatError) {
            let receivedAt = Timestamp(microseconds: timestampMilliseconds * 1000)
            tape.receiveTime(sentMilliseconds: timestampMilliseconds, receivedAt: receivedAt)
            tape.receiveCounter(value)
        }
    }

    // MARK: Making a flush

    private static func flush(number: Int64) -> [UInt8] {
        var message: [UInt8] = []
        for index in 0..<families {
            let name = "cluster.namespace_service_\(index / 40)_80.upstream_rq_\(index % 40)"
            var counter: [UInt8] = [0x09]
            let bits = Double(number * 7 + Int64(index)).bitPattern
            for byte in 0..<8 { counter.append(UInt8(truncatingIfNeeded: bits >> (UInt64(byte) * 8))) }
            var metric = field(3, counter)
            metric.append(6 << 3)
            metric += varint(UInt64(1_793_664_000_000 + number * 5_000))
            message += field(2, field(1, Array(name.utf8)) + [3 << 3, 0] + field(4, metric))
        }
        return message
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
