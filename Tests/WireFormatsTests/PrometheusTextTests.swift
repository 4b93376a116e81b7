import Testing
import WireFormats

@Suite struct PrometheusTextTests {
    @Test("Counters and gauges are read, histograms and what has no type are passed over")
    func text() throws {
        let text = """
            # HELP a help with "quotes" {and braces}
            # TYPE a counter
            a{} 3
            a{k="v",l="with \\"quotes\\", } and \\\\"} 4 1795416365553
            untyped 9
            # TYPE h histogram
            h_bucket{le="0.5"} 1
            h_sum{} 2
            # TYPE g gauge
            g 1.5e3
            g{} NaN
            a 7
            g{k="v} 1
            g
            g{} x

            """
        #expect(
            try Recorder.reading(text) == [
                "a counter 3.0 []", "a counter 4.0 [\"k=v\", \"l=with \\\"quotes\\\", } and \\\\\"]",
                "g gauge 1500.0 []",
                "g gauge nan []", "malformed g{k=\"v} 1", "malformed g", "malformed g{} x",
            ])
        #expect(try Recorder.reading(text.replacing("\n", with: "\r\n")).count == 7)
        #expect(try Recorder.reading("") == [])
    }

    @Test("A text that is cut off says so: its last value may be another one")
    func cut() {
        #expect(throws: WireFormatError.self) { try Recorder.reading("# TYPE a counter\na{} 5") }
    }

    @Test("Only wanted families are read")
    func wanted() throws {
        let text = "# TYPE a counter\na{} 5\n# TYPE b counter\nb{} 6\n"
        #expect(try Recorder.reading(text, wanted: "b") == ["b counter 6.0 []"])
    }

    private struct Recorder: PrometheusVisitor {
        var wanted: String?
        var lines: [String] = []

        static func reading(_ text: String, wanted: String? = nil) throws -> [String] {
            var recorder = Recorder(wanted: wanted)
            try PrometheusText.read(Array(text.utf8).span, into: &recorder)
            return recorder.lines
        }

        mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool {
            wanted.map { $0 == RecordingVisitor.text(family) } ?? true
        }

        mutating func sample(family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double) {
            var pairs: [String] = []
            PrometheusLabels.forEach(in: labels) { name, value in
                let text = PrometheusLabels.unescaped(Array(RecordingVisitor.text(value).utf8))
                pairs.append("\(RecordingVisitor.text(name))=\(String(decoding: text, as: UTF8.self))")
            }
            lines.append("\(RecordingVisitor.text(family)) \(kind) \(value) \(pairs)")
        }

        mutating func malformed(line: Span<UInt8>) { lines.append("malformed \(RecordingVisitor.text(line))") }
    }
}
