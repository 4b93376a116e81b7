import TestSupport
import Testing
import WireFormats

@Suite struct StatsdTests {
    @Test(
        "A line is a name, tags and a value, whatever the name holds",
        arguments: [
            (StatsdDialect.plain, "billing.http.a.downstream_rq_total:17|c", "c billing.http.a.downstream_rq_total 17"),
            (.plain, "a:0|c", "c a 0"), (.plain, "a:17|g", "g a 17"), (.plain, "a:17.000|c", "c a 17"),
            (.plain, "vhost.v.example:8080.vcluster.all.rq:1|c", "c vhost.v.example:8080.vcluster.all.rq 1"),
            (.plain, "cluster.outbound|80||svc.default.rq:1|c", "c cluster.outbound|80||svc.default.rq 1"),
            (.plain, "vhost.t#1,x y.rq:1|c", "c vhost.t#1,x y.rq 1"), (.plain, "a:1|c:2|c", "c a:1|c 2"),
            (.plain, "a:9007199254740992|c", "c a 9007199254740992"), (.plain, "a:5|c|@1.0", "c a 5"),
            (.dogstatsd, "a:17|c|#k:v,l:w", "c a 17 k=v l=w"), (.dogstatsd, "a:17|c", "c a 17"),
            (.dogstatsd, "v.example:8080.rq:1|c|#envoy.virtual_host:v", "c v.example:8080.rq 1 envoy.virtual_host=v"),
            (
                .dogstatsd, "a:1|c|#envoy.virtual_host:t#1,x,envoy.route:rt",
                "c a 1 envoy.virtual_host=t#1,x envoy.route=rt"
            ),
            (.dogstatsd, "a:1|c|#envoy.virtual_host:a|b", "c a 1 envoy.virtual_host=a|b"),
            (.dogstatsd, "a:1|c|#envoy.cluster_name:outbound|80||svc", "c a 1 envoy.cluster_name=outbound|80||svc"),
            (.dogstatsd, "a:5|c|#h:x:2|c", "c a 5 h=x:2|c"), (.dogstatsd, "a:5|c|@1|#k:v", "c a 5 k=v"),
            (.dogstatsd, "a|c:5|c|#k:v", "c a|c 5 k=v"), (.dogstatsd, "a:5|c|#", "c a 5"),
            (.graphite, "a;k=v;l=w:17|c", "c a 17 k=v l=w"), (.graphite, "a:17|c", "c a 17"),
            (.graphite, "a;envoy.virtual_host=odd;name=1:x:4|c", "c a 4 envoy.virtual_host=odd name=1:x"),
            (.graphite, "a;envoy.cluster_name=outbound|80||svc:4|c", "c a 4 envoy.cluster_name=outbound|80||svc"),
            (.graphite, "a;v=x;=y:4|c", "c a 4 v=x;=y"),
        ])
    func line(_ dialect: StatsdDialect, _ line: String, _ expected: String) {
        #expect(Recorder.reading(line, dialect) == [expected])
        #expect(Recorder.reading(line + "\r\n\n" + line + "\n", dialect) == [expected, expected])
    }

    @Test(
        "A line that is no reading is refused, and says why",
        arguments: [
            ("a", StatsdRefusal.malformed), ("a:1", .malformed), ("a|c", .malformed), (":1|c", .malformed),
            ("a:|c", .malformed), ("a:x|c", .malformed), ("a:1e3|c", .malformed), ("a:.|c", .malformed),
            ("a:NaN|c", .malformed), ("a:1 |c", .malformed), ("a:1|q", .unknownType), ("a:1|", .unknownType),
            ("a:1|c|@0.1", .sampled), ("a:1|c|@", .sampled), ("a:-1|c", .negative), ("a:+1|g", .relativeGauge),
            ("a:-1|g", .relativeGauge), ("a:1.5|c", .notWhole), ("a:9007199254740993|c", .tooLarge),
            ("a:99999999999999999999999|c", .tooLarge), ("|", .malformed), (":|", .unknownType),
        ])
    func refused(_ line: String, _ reason: StatsdRefusal) {
        for dialect in StatsdDialect.allCases {
            #expect(Recorder.reading(line, dialect) == ["refused \(reason.rawValue)"], "\(dialect)")
        }
    }

    @Test("A plain listener refuses lines with tags, instead of taking them for names")
    func tagsWherePlain() {
        #expect(Recorder.reading("a:17|c|#k:v", .plain) == ["refused unknown_type"])
    }

    @Test("Timers and histograms are passed over", arguments: ["a:1|ms", "a:0.25|h", "a:1|d", "a:user|s"])
    func timers(_ line: String) {
        for dialect in StatsdDialect.allCases where dialect != .dogstatsd || !line.contains("user") {
            #expect(Recorder.reading(line, dialect).isEmpty)
        }
    }

    @Test("A TCP stream reads the same however it is cut", arguments: 1...64)
    func cuts(_ size: Int) {
        let text = Array("a.b:1|c\nv:8080.x:22|c\n\n\nlong.name.of.a.gauge:333|g\r\nt:4|ms\nz:5|c\ncut:6|".utf8)
        var stream = StatsdStream(dialect: .plain)
        var recorder = Recorder(dialect: .plain)
        var start = 0
        while start < text.count {
            let end = min(start + size, text.count)
            stream.receive(Array(text[start..<end]).span, into: &recorder)
            start = end
        }
        stream.end()
        #expect(
            recorder.lines == ["c a.b 1", "c v:8080.x 22", "g long.name.of.a.gauge 333", "c z 5"], "cut off: no reading"
        )
    }

    @Test("A line that never ends is refused once, and the next one is read")
    func endless() {
        var stream = StatsdStream(dialect: .plain)
        var recorder = Recorder(dialect: .plain)
        for _ in 0..<100 { stream.receive([UInt8](repeating: 97, count: 1000).span, into: &recorder) }
        stream.receive(Array("\na:1|c\n".utf8).span, into: &recorder)
        #expect(recorder.lines == ["refused too_long", "c a 1"])
    }

    @Test("A prefix is taken off with its dot, and another one is told")
    func prefix() {
        let name = Array("billing.http.a".utf8)
        #expect(SinkPrefix("billing").end(in: name.span) == 8)
        #expect(SinkPrefix("").end(in: name.span) == 0)
        for other in ["bill", "billing.http.a", "envoy", "billing."] {
            #expect(SinkPrefix(other).end(in: name.span) == nil)
        }
    }

    @Test(
        "The counters that two dialects of one Envoy give have the same full names",
        arguments: [
            ("name_sanitisation/dog.bin.gz", "name_sanitisation/statsd.bin.gz"),
            ("dog_statsd/capture.bin.gz", "statsd_udp/capture.bin.gz"),
            ("dog_statsd_1432/capture.bin.gz", "statsd_udp/capture.bin.gz"),
        ])
    func sameNames(_ tagged: String, _ plain: String) throws {
        let tagged = try names(tagged, .dogstatsd)
        let plain = try names(plain, .plain)
        // The sinks' own clusters differ, and so does what an hour of day changes.
        let own = { (name: String) in name.contains("statsd") || name.contains("ms1") || name.contains("ms2") }
        #expect(tagged.filter { !own($0) } == plain.filter { !own($0) })
        #expect(tagged.count > 100)
    }

    private func names(_ capture: String, _ dialect: StatsdDialect) throws -> Set<String> {
        var recorder = Recorder(dialect: dialect, isNaming: true)
        for payload in try Capture.payloads(capture) {
            StatsdLines.read(payload.span, dialect: dialect, into: &recorder)
        }
        #expect(!recorder.lines.contains { $0.hasPrefix("refused") })
        return Set(recorder.lines)
    }

    /// Keeps what is read, as text.
    private struct Recorder: StatsdVisitor {
        let dialect: StatsdDialect
        var isNaming = false
        var lines: [String] = []
        private var names = FullNames()

        init(dialect: StatsdDialect, isNaming: Bool = false) {
            self.dialect = dialect
            self.isNaming = isNaming
        }

        static func reading(_ text: String, _ dialect: StatsdDialect) -> [String] {
            var recorder = Recorder(dialect: dialect)
            StatsdLines.read(Array(text.utf8).span, dialect: dialect, into: &recorder)
            return recorder.lines
        }

        mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
            keep("c", name, tags, delta)
        }

        mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) { keep("g", name, tags, value) }

        mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) {
            lines.append("refused \(reason.rawValue)")
        }

        private mutating func keep(_ type: String, _ name: Span<UInt8>, _ tags: Span<UInt8>, _ value: Int64) {
            if isNaming {
                guard type == "c", let start = SinkPrefix("billing").end(in: name) else { return }
                names.begin(name.extracting(start..<name.count))
                StatsdTags.forEach(in: tags, dialect: dialect) { names.tag($0, $1) }
                let full = names.finish()
                lines.append(String(decoding: names.bytes[full], as: UTF8.self))
                return
            }
            var line = "\(type) \(RecordingVisitor.text(name)) \(value)"
            StatsdTags.forEach(in: tags, dialect: dialect) {
                line += " \(RecordingVisitor.text($0))=\(RecordingVisitor.text($1))"
            }
            lines.append(line)
        }
    }
}
