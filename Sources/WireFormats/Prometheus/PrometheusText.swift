/// Receives what `PrometheusText.read` finds, in the order of the text.
///
/// Names are spans into the text and live only during the call.
package protocol PrometheusVisitor: ~Copyable {
    /// Whether the samples of this counter or gauge family are to be read; else they are skipped. Called once for each
    /// family.
    mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool

    /// One sample of a wanted family.
    ///
    /// - Parameters:
    ///   - labels: what stands between the braces; read by `PrometheusLabels.forEach`.
    ///   - value: as written: whatever a double can be, NaN and negative included.
    mutating func sample(family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double)

    /// A line that is no sample.
    mutating func malformed(line: Span<UInt8>)
}

extension PrometheusVisitor where Self: ~Copyable {
    @inlinable
    package mutating func wants(family: Span<UInt8>, kind: MetricKind) -> Bool { true }
}

/// Reads the Prometheus text format, as Envoy's `/stats/prometheus` writes it.
///
/// ```
/// # TYPE envoy_cluster_upstream_rq_total counter
/// envoy_cluster_upstream_rq_total{envoy_cluster_name="svc_a"} 51
/// ```
///
/// Counters and gauges are read. Samples of histograms and summaries, and those without a `# TYPE` before them, are skipped.
/// Nothing is allocated for a family or a sample.
/// Source: prometheus.io/docs/instrumenting/exposition_formats.
package enum PrometheusText {
    /// Reads `text` into `visitor`.
    ///
    /// - Throws: `truncated` when the last line lacks its end, after the lines before it: a value may be cut off there, and
    ///   families may be missing. What was read then is no complete scrape.
    package static func read<Visitor: PrometheusVisitor & ~Copyable>(
        _ text: Span<UInt8>, into visitor: inout Visitor
    ) throws(WireFormatError) {
        var family = 0..<0
        var kind: MetricKind?
        var isWanted = false
        var start = 0
        for index in text.indices where text[index] == UInt8(ascii: "\n") {
            var line = start..<index
            start = index + 1
            if line.upperBound > line.lowerBound, text[line.upperBound - 1] == UInt8(ascii: "\r") {
                line = line.lowerBound..<(line.upperBound - 1)
            }
            guard !line.isEmpty else { continue }
            if text[line.lowerBound] == UInt8(ascii: "#") {
                guard let declared = TypeLine(line, of: text) else { continue }
                family = declared.family
                kind = declared.kind
                isWanted = kind.map { visitor.wants(family: text.extracting(family), kind: $0) } ?? false
                continue
            }
            guard isWanted, let kind else { continue }
            guard let sample = SampleLine(line, of: text) else {
                visitor.malformed(line: text.extracting(line))
                continue
            }
            guard equal(sample.name, family, in: text) else { continue }
            visitor.sample(
                family: text.extracting(family), labels: text.extracting(sample.labels), kind: kind,
                value: sample.value)
        }
        if start < text.count {
            throw WireFormatError(.truncated, at: start, "the last line has no end: the text is cut off")
        }
    }

    private static func equal(_ left: Range<Int>, _ right: Range<Int>, in text: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count
        where text[left.lowerBound + index] != text[right.lowerBound + index] { return false }
        return true
    }

    /// `# TYPE name kind`.
    private struct TypeLine {
        var family: Range<Int>
        /// Nil for what is neither a counter nor a gauge.
        var kind: MetricKind?

        init?(_ line: Range<Int>, of text: Span<UInt8>) {
            var words = Words(line.lowerBound + 1, line.upperBound)
            guard let keyword = words.next(in: text), matches(keyword, "TYPE", in: text) else { return nil }
            guard let family = words.next(in: text), let type = words.next(in: text) else { return nil }
            self.family = family
            if matches(type, "counter", in: text) { kind = .counter }
            if matches(type, "gauge", in: text) { kind = .gauge }
        }
    }

    /// `name{labels} value [timestamp]`.
    private struct SampleLine {
        var name: Range<Int>
        var labels: Range<Int>
        var value: Double

        init?(_ line: Range<Int>, of text: Span<UInt8>) {
            var index = line.lowerBound
            while index < line.upperBound, text[index] != UInt8(ascii: "{"), text[index] != UInt8(ascii: " ") {
                index += 1
            }
            name = line.lowerBound..<index
            labels = index..<index
            if index < line.upperBound, text[index] == UInt8(ascii: "{") {
                // A brace inside a quoted value ends nothing.
                var end = index + 1
                var isQuoted = false
                while end < line.upperBound, isQuoted || text[end] != UInt8(ascii: "}") {
                    if isQuoted, text[end] == UInt8(ascii: "\\") {
                        end += 1
                    } else if text[end] == UInt8(ascii: "\"") {
                        isQuoted.toggle()
                    }
                    end += 1
                }
                guard end < line.upperBound else { return nil }
                labels = (index + 1)..<end
                index = end + 1
            }
            var words = Words(index, line.upperBound)
            guard !name.isEmpty, let word = words.next(in: text), let value = number(word, in: text) else { return nil }
            self.value = value
        }
    }

    private struct Words {
        var position: Int
        let end: Int

        init(_ position: Int, _ end: Int) {
            self.position = position
            self.end = end
        }

        mutating func next(in text: Span<UInt8>) -> Range<Int>? {
            while position < end, text[position] == UInt8(ascii: " ") || text[position] == UInt8(ascii: "\t") {
                position += 1
            }
            let start = position
            while position < end, text[position] != UInt8(ascii: " "), text[position] != UInt8(ascii: "\t") {
                position += 1
            }
            return start < position ? start..<position : nil
        }
    }

    private static func matches(_ word: Range<Int>, _ text: StaticString, in bytes: Span<UInt8>) -> Bool {
        guard word.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { expected in
            for index in 0..<word.count where unsafe bytes[word.lowerBound + index] != expected[index] { return false }
            return true
        }
    }

    private static func number(_ word: Range<Int>, in text: Span<UInt8>) -> Double? {
        var whole: Int64 = 0
        // 15 digits fit a double exactly.
        let isWhole = word.count <= 15 && word.allSatisfy { text[$0] &- 48 < 10 }
        if isWhole {
            for index in word { whole = whole * 10 + Int64(text[index] - 48) }
            return Double(whole)
        }
        guard word.count <= 64 else { return nil }
        var bytes: [UInt8] = []
        for index in word { bytes.append(text[index]) }
        return Double(String(decoding: bytes, as: UTF8.self))
    }
}

/// The labels of one Prometheus sample.
package enum PrometheusLabels {
    /// Calls `body` for each label, in the order of the text. A value is as written: `unescaped` takes its escapes off.
    package static func forEach(
        in labels: Span<UInt8>, _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Void
    ) {
        var index = 0
        while index < labels.count {
            while index < labels.count, labels[index] == UInt8(ascii: ",") || labels[index] == UInt8(ascii: " ") {
                index += 1
            }
            let nameStart = index
            while index < labels.count, labels[index] != UInt8(ascii: "=") { index += 1 }
            let name = nameStart..<index
            guard index + 1 < labels.count, labels[index + 1] == UInt8(ascii: "\"") else { return }
            index += 2
            let valueStart = index
            while index < labels.count, labels[index] != UInt8(ascii: "\"") {
                index += labels[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            let value = valueStart..<min(index, labels.count)
            body(labels.extracting(name), labels.extracting(value))
            index += 1
        }
    }

    /// A label's value: `\\`, `\"` and `\n` are one byte each.
    package static func unescaped(_ value: [UInt8]) -> [UInt8] {
        guard value.contains(UInt8(ascii: "\\")) else { return value }
        var plain: [UInt8] = []
        var isEscaped = false
        for byte in value {
            if isEscaped {
                plain.append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                plain.append(byte)
            }
        }
        return plain
    }
}
