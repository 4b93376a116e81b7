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
        let names = (0..<families).map(MetricsFlush.name)
        let messages = (0..<flushes).map { flush in
            MetricsFlush.message(names, value: flush * 7, milliseconds: 1_793_664_000_000 + flush * 5_000)
        }
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
        let message = MetricsFlush.message(
            (0..<families).map(MetricsFlush.name), value: 7, milliseconds: 1_793_664_005_000)
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
}
