import Metering
import TestSupport
import Testing
import WireFormats

@testable import Ingest

/// Lines whose names are expected are read without taking them apart: nothing may come out otherwise for it.
@Suite struct ExpectedLinesTests {
    /// Takes each line apart.
    private struct Unexpecting: StatsdVisitor {
        var feed: DeltaFeed

        mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
            feed.counter(name: name, tags: tags, delta: delta)
        }
        mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) {
            feed.gauge(name: name, tags: tags, value: value)
        }
        mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) { feed.refused(reason, line: line) }
    }

    private static func feed(_ dialect: StatsdDialect) -> DeltaFeed {
        DeltaFeed(
            odometer: Odometer(stream: StreamID(rawValue: 1), source: .statsd, collect: .everything), dialect: dialect,
            prefix: "envoy")
    }

    private static let names = [
        "a", "ab", "abcdefgh", "abcdefghi", "a:1|c", "a:1|c|#t:2", "a|c", "v:8080.rq", "a;k=v",
        "cluster.outbound|80||svc",
    ]
    private static let values = ["0", "7", "18", "123456789012345", "1234567890123456", "-1", "1.0", "", "x", "1:2"]
    private static let endings = [
        "|c", "|c", "|c", "|c", "|g", "|ms", "|c|@0.1", "|c|@1", "|c\r", "|", "|cc", "|c|#t:1", "c",
    ]

    @Test(
        "Flushes that are nearly the same are added up as if each line were read anew",
        arguments: StatsdDialect.allCases)
    func sameAsTakenApart(_ dialect: StatsdDialect) {
        var random = SeededGenerator(seed: 20_261_129)
        var expecting = Self.feed(dialect)
        var unexpecting = Unexpecting(feed: Self.feed(dialect))
        var lines: [String] = []
        func one(of choices: [String]) -> String { choices[Int(random.pick(0...Int64(choices.count - 1)))] }
        for flush in 0..<3_000 {
            if flush % 10 == 0 { lines = (0..<8).map { _ in "envoy.\(one(of: Self.names)):3|c" } }
            var sent = lines
            // In each second flush one line is another than the flush before led to expect.
            if flush % 2 == 1 {
                let prefix = one(of: ["envoy.", "envoy.", "envoy.", "envoy", ""])
                sent[flush / 2 % 8] = prefix + one(of: Self.names) + ":" + one(of: Self.values) + one(of: Self.endings)
            }
            let text = sent.joined(separator: one(of: ["\n", "\n\n"])) + one(of: ["", "\n"])
            let payload = Array(text.utf8)
            let time = Timestamp(seconds: 1_795_416_000 + Int64(flush))
            expecting.odometer.export(at: time)
            unexpecting.feed.odometer.export(at: time)
            StatsdLines.read(payload.span, dialect: dialect, into: &expecting)
            StatsdLines.read(payload.span, dialect: dialect, into: &unexpecting)
            guard
                expecting.odometer.sealing == unexpecting.feed.odometer.sealing,
                expecting.odometer.tape.refusals == unexpecting.feed.odometer.tape.refusals
            else {
                Issue.record("flush \(flush) reads otherwise: \(text)")
                return
            }
        }
        #expect(expecting.odometer.sums.contains { $0 > 1_000 })
    }
}
