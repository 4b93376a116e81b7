import Testing
import WireFormats

@Suite struct OTLPTests {
    @Test("Sums and gauges are read with their times, values and tags, wherever their fields stand")
    func readings() throws {
        let cluster = Wire.attribute(7, "envoy.cluster_name", "svc_a")
        let point = cluster + Wire.fixed(2, 5) + Wire.fixed(3, 7) + Wire.fixed(6, 51)
        // The temporality and the name stand behind the points here.
        let sum = Wire.bytes(1, point) + Wire.number(2, 2) + Wire.number(3, 1)
        let late = Wire.bytes(7, sum) + Wire.text(1, "cluster.upstream_rq_total")
        let delta = Wire.bytes(7, Wire.number(3, 1) + Wire.number(2, 1) + Wire.bytes(1, Wire.double(4, 2.5)))
        let gauge = Wire.bytes(5, Wire.bytes(1, Wire.fixed(6, UInt64(bitPattern: -3))))
        let resource = Wire.bytes(1, Wire.attribute(1, "service.instance.id", "gw-1"))
        let request = Wire.bytes(
            1,
            Wire.bytes(2, Wire.bytes(2, late) + Wire.bytes(2, Wire.text(1, "d") + delta)) + resource
                + Wire.bytes(2, Wire.bytes(2, Wire.text(1, "g") + gauge)))
        #expect(
            try Recorder.reading(request) == [
                "resource service.instance.id=gw-1",
                "cluster.upstream_rq_total counter(Optional(WireFormats.OTLPTemporality.cumulative)) integer(51) 5 7 "
                    + "envoy.cluster_name=svc_a",
                "d counter(Optional(WireFormats.OTLPTemporality.delta)) double(2.5) 0 0",
                "g gauge integer(-3) 0 0",
            ])
    }

    @Test(
        "What is no counter and no gauge is passed over; a sum that may fall is a gauge",
        arguments: [
            (Wire.bytes(9, Wire.bytes(1, Wire.fixed(4, 1))), []),
            (Wire.bytes(11, []), []),
            (Wire.bytes(7, Wire.bytes(1, Wire.fixed(6, 1)) + Wire.number(2, 2)), ["m gauge integer(1) 0 0"]),
            (Wire.bytes(7, Wire.bytes(1, Wire.fixed(6, 1)) + Wire.number(2, 1)), []),
            (Wire.bytes(7, Wire.bytes(1, Wire.fixed(6, 1)) + Wire.number(3, 1)), ["m counter(nil) integer(1) 0 0"]),
            // Flagged as without a value, and without one.
            (Wire.bytes(5, Wire.bytes(1, Wire.fixed(6, 1) + Wire.number(8, 1)) + Wire.bytes(1, [])), []),
            // The last of a oneof counts.
            (Wire.bytes(5, Wire.bytes(1, Wire.fixed(6, 1))) + Wire.bytes(9, []), []),
        ])
    func kinds(_ metric: [UInt8], _ expected: [String]) throws {
        let request = Wire.bytes(1, Wire.bytes(2, Wire.bytes(2, Wire.text(1, "m") + metric)))
        #expect(try Recorder.reading(request) == ["resource"] + expected)
    }

    @Test(
        "A start time in microseconds or nanoseconds is one instant",
        arguments: [
            (UInt64(1_795_416_365_553_318), Int64(1_795_416_365_553_318)),
            (1_795_416_365_553_318_000, 1_795_416_365_553_318), (0, 0), (.max, 18_446_744_073_709_551),
        ])
    func times(_ wire: UInt64, _ microseconds: Int64) {
        #expect(OTLPTime.microseconds(wire) == microseconds)
    }

    @Test("A request that is cut off anywhere is refused or shorter, and never traps")
    func cut() throws {
        let point = Wire.attribute(7, "k", "v") + Wire.fixed(2, 5) + Wire.fixed(3, 7) + Wire.fixed(6, 51)
        let sum = Wire.bytes(7, Wire.bytes(1, point) + Wire.number(2, 2) + Wire.number(3, 1))
        let request = Wire.bytes(1, Wire.bytes(2, Wire.bytes(2, Wire.text(1, "m") + sum)))
        for length in 1..<request.count {
            #expect(throws: WireFormatError.self, "\(length)") {
                try OTLPMetricsRequest.validate(Array(request[0..<length]).span)
            }
        }
        try OTLPMetricsRequest.validate(request.span)
    }

    private struct Recorder: OTLPMetricsVisitor {
        var lines: [String] = []

        static func reading(_ request: [UInt8]) throws -> [String] {
            var recorder = Recorder()
            try OTLPMetricsRequest.read(request.span, into: &recorder)
            return recorder.lines
        }

        mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) {
            var line = "resource"
            try OTLPAttributes.forEach(ofResource: resource) { key, _, text in
                line += " \(RecordingVisitor.text(key))=\(RecordingVisitor.text(text))"
            }
            lines.append(line)
        }

        mutating func point(
            metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
        ) throws(WireFormatError) {
            var line = "\(RecordingVisitor.text(metric)) \(kind) \(value) \(start) \(time)"
            try OTLPAttributes.forEach(ofPoint: point) { key, _, text in
                line += " \(RecordingVisitor.text(key))=\(RecordingVisitor.text(text))"
            }
            lines.append(line)
        }
    }
}

extension Wire {
    static func fixed(_ field: UInt32, _ value: UInt64) -> [UInt8] { double(field, Double(bitPattern: value)) }

    static func attribute(_ field: UInt32, _ key: String, _ value: String) -> [UInt8] {
        bytes(field, text(1, key) + bytes(2, text(1, value)))
    }
}
