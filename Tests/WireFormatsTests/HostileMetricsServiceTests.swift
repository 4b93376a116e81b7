import TestSupport
import Testing
import WireFormats

/// None of these may trap; those that can not be valid must throw.
@Suite struct HostileMetricsServiceTests {
    /// The first has the identifier, the others have not.
    private static func flush(_ number: Int) throws -> [UInt8] {
        let payloads = try Capture.payloads("metrics_service_cumulative/capture.bin.gz").filter { !$0.isEmpty }
        return try #require(payloads.count > number ? payloads[number] : nil)
    }

    @Test("Every truncation of a real message throws, unless it ends at the end of a field")
    func truncations() throws {
        let whole = try Self.flush(1)
        var counter = CountingVisitor()
        try MetricsServiceMessage.read(whole.span, into: &counter)
        let all = counter.metrics
        var ends: Set<Int> = [0]
        var reader = ProtobufReader(whole.span)
        while let tag = try reader.nextTag(in: whole.span) {
            try reader.skip(tag, in: whole.span)
            ends.insert(reader.position)
        }
        for length in 0..<whole.count {
            var visitor = CountingVisitor()
            do throws(WireFormatError) {
                try MetricsServiceMessage.read(whole.span.extracting(first: length), into: &visitor)
                #expect(ends.contains(length) && visitor.metrics <= all)
            } catch {
                #expect(!ends.contains(length) && error.offset <= length)
            }
        }
    }

    @Test("No flipped byte in the first 2 KB, nor in the last, traps")
    func flips() throws {
        var message = try Self.flush(0)
        let places = Array(0..<2_048) + Array(message.count - 2_048..<message.count)
        var refused = 0
        for place in places {
            let kept = message[place]
            for flip in [1 << (place % 8), 0x80, 0xFF] as [UInt8] {
                message[place] = kept ^ flip
                var visitor = CountingVisitor()
                do throws(WireFormatError) {
                    try MetricsServiceMessage.read(message.span, into: &visitor)
                } catch {
                    refused += 1
                    #expect((0...message.count).contains(error.offset))
                }
            }
            message[place] = kept
        }
        #expect(refused > 0)
    }

    @Test("A million families without metrics cost no visit")
    func manyFamilies() throws {
        let family = Wire.family(Wire.name("n"))
        var message: [UInt8] = []
        for _ in 0..<1_000_000 { message += family }
        var visitor = CountingVisitor()
        try MetricsServiceMessage.read(message.span, into: &visitor)
        #expect(visitor.metrics == 0)
    }

    @Test("A family whose inner length reaches beyond it is refused, though the message goes on")
    func innerLength() throws {
        let reaching = Wire.bytes(2, Wire.tag(1, 2) + [5, 0x61])
        let message = reaching + Wire.family(Wire.name("abcdef"), Wire.metric(Wire.counter(1)))
        let error = #expect(throws: WireFormatError.self) { try RecordingVisitor.reading(message) }
        #expect(error?.code == .truncated)
    }

    private struct CountingVisitor: MetricsServiceVisitor {
        var metrics = 0
        mutating func node(_ node: EnvoyNode) {}
        mutating func metric(
            family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
        ) throws(WireFormatError) {
            try MetricLabels.forEach(in: labels) { _, _ throws(WireFormatError) in }
            metrics += 1
        }
    }
}
