import Foundation
import TestSupport
import Testing
import WireFormats

/// Messages made at random by other people's libraries (envoy-data-plane, opentelemetry-proto, xds-protos of PyPI), read by
/// Waybill's readers: each must hold what it was made of.
@Suite(.enabled(if: OtherLibraries.python != nil, "scripts/setup installs the Python packages"))
struct DifferentialTests {
    @Test("A message holds what it was made of", arguments: ["metrics-service", "otlp", "access-log"])
    func sameAsMade(_ kind: String) throws {
        let seed = Int.random(in: 0..<1_000_000)
        var compared = 0
        for (payload, expected) in try Self.messages(kind, seed: seed, count: 1000) {
            let lines: [String]
            switch kind {
            case "otlp":
                var reader = OTLPLines()
                try OTLPMetricsRequest.read(payload.span, into: &reader)
                lines = reader.lines
            case "access-log":
                lines = try AccessLogMessage(payload.span).records.map(Self.line)
            default:
                var reader = MetricsLines()
                try MetricsServiceMessage.read(payload.span, into: &reader)
                lines = reader.lines
            }
            #expect(lines == expected, "seed \(seed): \(payload.count) bytes")
            if lines != expected { return }
            compared += lines.count
        }
        #expect(compared > 1000)
    }

    private static func line(_ record: AccessLogRecord) -> String {
        let outcome =
            switch record.outcome {
            case .answered(let code): "answered \(code)"
            case .unanswered: "unanswered"
            case .internalRedirect: "redirect"
            case .connection: "connection"
            }
        let times = record.times
        func shown(_ time: Int64?) -> String { time.map { "\($0)" } ?? "none" }
        return "\(record.prefix) \(record.route) \(record.cluster) \(outcome) \(times.start) \(shown(times.upstream)) "
            + "\(shown(times.answer)) \(times.end) \(record.stream == nil ? "none" : "id")"
    }

    private static func messages(_ kind: String, seed: Int, count: Int) throws -> [([UInt8], [String])] {
        let process = Process()
        process.executableURL = URL(filePath: OtherLibraries.python ?? "")
        process.arguments = [Shipped.path("Tests/WireFormatsTests/messages.py"), "\(seed)", "\(count)", kind]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let decoder = JSONDecoder()
        let messages = try text.split(separator: UInt8(ascii: "\n")).map { line -> ([UInt8], [String]) in
            let parts = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            let payload = try #require(Data(base64Encoded: parts[0]))
            return ([UInt8](payload), try decoder.decode([String].self, from: parts[1]))
        }
        try #require(process.terminationStatus == 0 && messages.count == count)
        return messages
    }

    private struct MetricsLines: MetricsServiceVisitor {
        var lines: [String] = []

        mutating func node(_ node: EnvoyNode) { lines.append("node \(node.id) \(node.cluster)") }

        mutating func metric(
            family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double, timestampMilliseconds: Int64
        ) throws(WireFormatError) {
            var pairs: [String] = []
            try MetricLabels.forEach(in: labels) { name, value throws(WireFormatError) in
                pairs.append("\"\(escaped(RecordingVisitor.text(name)))=\(escaped(RecordingVisitor.text(value)))\"")
            }
            let bits = Int64(bitPattern: value.bitPattern)
            lines.append(
                "\(kind) \(RecordingVisitor.text(family)) \(bits) \(timestampMilliseconds) [\(pairs.joined(separator: ", "))]"
            )
        }

        private func escaped(_ text: String) -> String { text.replacing("\n", with: "\\n") }
    }

    private struct OTLPLines: OTLPMetricsVisitor {
        var lines: [String] = []

        mutating func resource(_ resource: Span<UInt8>) throws(WireFormatError) {
            var pairs: [String] = []
            try OTLPAttributes.forEach(ofResource: resource) { key, _, text in
                pairs.append("\(RecordingVisitor.text(key))=\(RecordingVisitor.text(text))")
            }
            lines.append("resource \(pairs.joined(separator: " "))")
        }

        mutating func point(
            metric: Span<UInt8>, kind: OTLPKind, point: Span<UInt8>, value: OTLPValue, start: UInt64, time: UInt64
        ) throws(WireFormatError) {
            var tags: [String] = []
            try OTLPAttributes.forEach(ofPoint: point) { key, value, text in
                let shown = if case .integer(let number) = value { "\(number)" } else { RecordingVisitor.text(text) }
                tags.append("\(RecordingVisitor.text(key))=\(shown)")
            }
            let name =
                switch kind {
                case .gauge: "gauge"
                case .counter(.delta): "delta"
                case .counter(.cumulative): "cumulative"
                case .counter(nil): "unspecified"
                }
            let number =
                switch value {
                case .integer(let value): "integer \(value)"
                case .double(let value): "double \(Int64(bitPattern: value.bitPattern))"
                }
            lines.append(
                "\(name) \(RecordingVisitor.text(metric)) \(number) \(start) \(time) \(tags.joined(separator: " "))")
        }
    }
}

private enum OtherLibraries {
    static let python: String? = {
        let venv = Shipped.path(".build/envoy-venv")
        let isThere = FileManager.default.fileExists(atPath: venv + "/xds")
        return isThere ? venv + "/bin/python" : nil
    }()
}
