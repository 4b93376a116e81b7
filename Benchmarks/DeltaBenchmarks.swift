import Ingest
import Metering
import WireFormats

/// statsd lines and OTLP points, parsed and added to odometers.
enum DeltaBenchmarks {
    static let all = [
        Benchmark("statsd", "35,000 lines of 1,000 clusters, 28 a datagram, 50 flushes", statsd),
        Benchmark("dogstatsd", "the same with a tag, of which full names are made", dogstatsd),
        Benchmark("otlp", "40,000 points with a tag, 20 exports", otlp),
    ]

    private static let clusters = 1_000
    private static let stats = 35
    private static let linesADatagram = 28

    private static func statsd(_ stopwatch: Stopwatch) throws {
        try measure(stopwatch, .plain) { cluster, stat in
            "cluster.namespace_service_\(cluster)_80.upstream_rq_\(stat):17|c"
        }
    }

    private static func dogstatsd(_ stopwatch: Stopwatch) throws {
        try measure(stopwatch, .dogstatsd) { cluster, stat in
            "cluster.upstream_rq_\(stat):17|c|#envoy.cluster_name:namespace_service_\(cluster)_80"
        }
    }

    private static func measure(
        _ stopwatch: Stopwatch, _ dialect: StatsdDialect, _ line: (Int, Int) -> String
    ) throws {
        var lines: [String] = []
        for cluster in 0..<clusters { for stat in 0..<stats { lines.append("envoy." + line(cluster, stat)) } }
        let datagrams = stride(from: 0, to: lines.count, by: linesADatagram).map { start in
            Array(lines[start..<min(start + linesADatagram, lines.count)].joined(separator: "\n").utf8)
        }
        let flushes: Int64 = 50
        let amount = flushes * Int64(lines.count)
        stopwatch.measure(amount, "lines", "parsed") {
            var visitor = CountingVisitor()
            for _ in 0..<flushes {
                for datagram in datagrams { StatsdLines.read(datagram.span, dialect: dialect, into: &visitor) }
            }
            precondition(visitor.lines == amount)
        }
        stopwatch.measure(amount, "lines", "parsed and added") {
            let odometer = Odometer(stream: StreamID(rawValue: 1), source: .statsd, collect: .everything)
            var visitor = DeltaFeed(odometer: odometer, dialect: dialect, prefix: "envoy")
            for flush in 0..<flushes {
                visitor.odometer.export(at: Timestamp(seconds: 1_795_416_000 + flush * 5))
                for datagram in datagrams { StatsdLines.read(datagram.span, dialect: dialect, into: &visitor) }
            }
            precondition(visitor.odometer.sums.count == lines.count && visitor.odometer.sums[0] == 17 * flushes)
        }
    }

    private struct CountingVisitor: StatsdVisitor {
        var lines: Int64 = 0

        mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) { lines += 1 }
        mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) {}
        mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) {}
    }

    // MARK: OTLP

    private static func otlp(_ stopwatch: Stopwatch) throws {
        let points = 40_000
        let exports: Int64 = 20
        let requests = (0..<exports).map { request(number: $0, points: points) }
        let amount = exports * Int64(points)
        try stopwatch.measure(amount, "points", "read") {
            var visitor = PointVisitor(isAdding: false)
            for request in requests { try OTLPMetricsRequest.read(request.span, into: &visitor) }
            precondition(visitor.points == amount)
        }
        try stopwatch.measure(amount, "points", "read, named and added") {
            var visitor = PointVisitor(isAdding: true)
            for (number, request) in requests.enumerated() {
                visitor.odometer.export(at: Timestamp(seconds: 1_795_416_000 + Int64(number) * 5))
                try OTLPMetricsRequest.read(request.span, into: &visitor)
            }
            precondition(visitor.odometer.sums.count == points)
        }
    }

    private struct PointVisitor: OTLPMetricsVisitor {
        let isAdding: Bool
        var points: Int64 = 0
        var odometer = Odometer(stream: StreamID(rawValue: 1), source: .otlpDelta, collect: .everything)
        var names = FullNames()

        init(isAdding: Bool) { self.isAdding = isAdding }

        mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) {}

        mutating func point(
            metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
        ) throws(WireFormatError) {
            points += 1
            guard isAdding, case .integer(let delta) = value else { return }
            names.begin(metric)
            try OTLPAttributes.forEach(ofPoint: point) { (key, _, text) throws(WireFormatError) in
                names.tag(key, text)
            }
            let full = names.finish()
            let bytes = names.bytes
            if odometer.wants(bytes.span.extracting(full)) { odometer.add(delta) }
        }
    }

    private static func request(number: Int64, points: Int) -> [UInt8] {
        var metrics: [UInt8] = []
        let time = UInt64(1_795_416_000 + number * 5) * 1_000_000_000
        for index in 0..<points {
            let attribute =
                Protobuf.field(1, "envoy.cluster_name")
                + Protobuf.field(2, Protobuf.field(1, "namespace_service_\(index / 40)_80"))
            let point =
                Protobuf.fixed64(2, time - 5_000_000_000) + Protobuf.fixed64(3, time)
                + Protobuf.fixed64(6, UInt64(index + 1)) + Protobuf.field(7, attribute)
            let sum = Protobuf.field(1, point) + [2 << 3, 1, 3 << 3, 1]
            metrics += Protobuf.field(
                2, Protobuf.field(1, "cluster.upstream_rq_\(index % 40)") + Protobuf.field(7, sum))
        }
        return Protobuf.field(1, Protobuf.field(2, metrics))
    }
}

/// Writes protobuf fields.
private enum Protobuf {
    static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
    }

    static func fixed64(_ number: UInt8, _ value: UInt64) -> [UInt8] {
        [number << 3 | 1] + (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
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
