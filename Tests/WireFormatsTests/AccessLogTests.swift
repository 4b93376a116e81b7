import Testing
import WireFormats

@Suite struct AccessLogTests {
    private static let times = AccessLogRecord.Times(start: 1_795_416_404_500_000, end: 1_795_416_404_750_000)
    private static let id = "25464eba-06a7-44c9-9ba3-2b7993f3113a"

    @Test(
        "An entry is what became of its request; a custom tag names its connection manager",
        arguments: [
            (Wire.bytes(4, Wire.bytes(1, Wire.number(1, 200))), AccessLogRecord.Outcome.answered(code: 200)),
            (Wire.bytes(4, Wire.bytes(1, [])), .unanswered), ([], .unanswered),
            (Wire.bytes(4, Wire.bytes(1, Wire.number(1, 302)) + Wire.text(6, "internal_redirect")), .internalRedirect),
        ])
    func outcomes(_ response: [UInt8], _ outcome: AccessLogRecord.Outcome) throws {
        let common =
            Wire.bytes(5, Wire.number(1, 1_795_416_404) + Wire.number(2, 500_000_000)) + Wire.text(15, "svc_a")
            + Wire.text(26, Self.id) + Wire.number(33, 6) + Wire.bytes(23, Wire.number(2, 250_000_000))
        let plain = Wire.bytes(1, common) + response
        let named = Wire.bytes(
            1, common + Wire.text(19, "api") + Wire.bytes(22, Wire.text(1, "stat_prefix") + Wire.text(2, "ingress")))
        let message = try AccessLogMessage(
            (Wire.bytes(2, Wire.bytes(1, plain)) + Wire.bytes(2, Wire.bytes(1, named))).span, logName: "log")
        let stream = StreamKey(Self.id.utf8)
        #expect(stream == StreamKey(Self.id.uppercased().utf8))
        #expect(
            message.records == [
                AccessLogRecord(
                    prefix: "log", route: "svc_a", stream: stream, outcome: outcome, times: Self.times),
                AccessLogRecord(
                    prefix: "ingress", route: "api", stream: stream, outcome: .unanswered, times: Self.times),
            ])
    }

    @Test(
        "A health check is no request that the connection manager counts",
        arguments: [("health_check_ok", 0), ("health_check_failed", 0), ("via_upstream", 1)])
    func healthChecks(_ details: String, _ records: Int) throws {
        let response = Wire.bytes(4, Wire.bytes(1, Wire.number(1, 200)) + Wire.text(6, details))
        let entry = Wire.bytes(1, Wire.text(26, Self.id) + Wire.number(33, 6)) + response
        #expect(try AccessLogMessage(Wire.bytes(2, Wire.bytes(1, entry)).span).records.count == records)
        var log = JSONAccessLog()
        let line = #"{"stream_id":"\#(Self.id)","response_code":200,"response_code_details":"\#(details)"}"#
        log.receive(Array(line.utf8).span)
        #expect(log.records.count == records)
    }

    @Test("Only a stream's last entry counts", arguments: 0...12)
    func types(_ type: UInt64) throws {
        let entry = Wire.bytes(1, Wire.text(26, Self.id) + Wire.number(33, type))
        let message = try AccessLogMessage(Wire.bytes(2, Wire.bytes(1, entry)).span)
        #expect(message.records.count == ([0, 3, 6].contains(type) ? 1 : 0))
    }

    private static let line =
        #"{"stream_id":"25464eba-06a7-44c9-9ba3-2b7993f3113a","stat_prefix":"ingress","route_name":null,"#
        + #""upstream_cluster":"a|b","response_code":503,"response_code_details":"via_upstream","#
        + #""start_time":"2026-11-24T22:35:05.386Z","duration":14,"x":{"y":[1,{"z":"}"}]}}"#

    @Test(
        "One entry is read out of all that collectors put around it",
        arguments: [
            line, line + "\n", "2026-11-24T22:35:05.400Z " + line, "2026-11-24T22:35:05Z stdout F " + line,
            "[\(line)]", #"{"date":1.5,"log":"# + quoted(line + "\n") + "}",
            #"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":2,"message":"# + quoted(line) + "}]}",
            #"{"events":[{"message":"# + quoted("2026-11-24T22:35:05Z " + line) + "}]}",
            #"{"kubernetes":{"pod":"p"},"message":"# + quoted(line) + "}", "not json {at all}\n" + line,
            "{\"cut\": \n" + "oops\n" + line,
        ])
    func wrapped(_ text: String) throws {
        let bytes = Array(text.utf8)
        for size in [bytes.count, 7, 1] {
            var log = JSONAccessLog()
            var start = 0
            while start < bytes.count {
                log.receive(Array(bytes[start..<min(start + size, bytes.count)]).span)
                start += size
            }
            log.end()
            #expect(
                log.records == [
                    AccessLogRecord(
                        prefix: "ingress", route: "a|b", cluster: "a|b", stream: StreamKey(Self.id.utf8),
                        outcome: .answered(code: 503),
                        times: .init(start: 1_795_559_705_386_000, end: 1_795_559_705_400_000))
                ], "in pieces of \(size)")
        }
    }

    /// Milliseconds after a whole second: of the upstream's answer, of the answer, of the end; and when manager and
    /// cluster counted it.
    @Test(
        "A request is placed at its answer's head, and nowhere where the log does not tell its second",
        arguments: [
            (nil, 20, 5000, "via_upstream", 20, 20), (nil, 1020, 5000, "via_upstream", 1020, nil),
            (10, 20, 5000, "via_upstream", 20, 20),
            (10, nil, 5000, "via_upstream", nil, nil), (10, nil, 999, "via_upstream", 999, 999),
            (nil, nil, 999, "", 999, 999), (nil, nil, 1000, "", nil, nil),
            // Upstream said 100 at first, or a filter held its answer up.
            (10, 2020, 2030, "via_upstream", 2020, nil),
            // Envoy's own answer after a time-out: both counted it when it went out.
            (nil, 4000, 4000, "response_timeout", 4000, 4000), (nil, 4000, 5500, "", 4000, nil),
        ] as [(Int64?, Int64?, Int64, String, Int64?, Int64?)])
    func moments(
        _ upstream: Int64?, _ answer: Int64?, _ end: Int64, _ details: String, _ manager: Int64?, _ cluster: Int64?
    ) throws {
        let start: Int64 = 1_795_416_404_000_000
        func milliseconds(_ field: UInt32, _ value: Int64?) -> [UInt8] {
            guard let value else { return [] }
            return Wire.bytes(
                field, Wire.number(1, UInt64(value / 1000)) + Wire.number(2, UInt64(value % 1000) * 1_000_000))
        }
        let common =
            Wire.bytes(5, Wire.number(1, 1_795_416_404)) + milliseconds(9, upstream) + milliseconds(11, answer)
            + milliseconds(23, end) + Wire.number(24, 1) + Wire.text(15, "svc")
        let response = Wire.bytes(4, Wire.bytes(1, Wire.number(1, 200)) + Wire.text(6, details))
        let message = try AccessLogMessage(Wire.bytes(2, Wire.bytes(1, Wire.bytes(1, common) + response)).span)
        func said(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
        var log = JSONAccessLog()
        let line =
            #"{"start_time":"2026-11-23T06:46:44.000Z","duration":\#(end),"response_duration":\#(said(upstream)),"#
            + #""time_to_answer":\#(said(answer)),"response_code":200,"response_code_details":"\#(details)","#
            + #""upstream_cluster":"svc","upstream_request_attempt_count":1}"#
        log.receive(Array(line.utf8).span)
        for record in message.records + log.records {
            #expect(record.times.countedByManager.map { ($0 - start) / 1000 } == manager)
            #expect(record.times.countedByCluster.map { ($0 - start) / 1000 } == cluster)
            #expect(record.cluster == "svc")
        }
        #expect(message.records.count + log.records.count == 2)
    }

    @Test(
        "A cluster is named also where a filter answered in its place: then it counts nothing",
        arguments: [
            (1, "via_upstream", true), (3, "via_upstream", true), (1, "no_healthy_upstream", true),
            (0, "rbac_access_denied_matched_policy[p]", false), (0, "local_rate_limited", false),
            (nil, "via_upstream", true), (nil, "upstream_reset_before_response_started{overflow}", true),
            (nil, "response_timeout", true), (nil, "local_rate_limited", false), (nil, "", false),
        ] as [(Int?, String, Bool)])
    func clusters(_ attempts: Int?, _ details: String, _ isCounted: Bool) {
        var log = JSONAccessLog()
        let tries = attempts.map { #""upstream_request_attempt_count":\#($0),"# } ?? ""
        let line =
            #"{\#(tries)"upstream_cluster":"svc","response_code":403,"response_code_details":"\#(details)"}"#
        log.receive(Array(line.utf8).span)
        #expect(log.records.map(\.cluster) == [isCounted ? "svc" : ""])
        #expect(log.records.map(\.route) == ["svc"])
    }

    @Test("Two entries in one line, in an array and in one text")
    func several() {
        var log = JSONAccessLog()
        log.receive(Array("\(Self.line)\(Self.line)\n[\(Self.line),\n\(Self.line)]".utf8).span)
        log.end()
        #expect(log.records.count == 4)
        #expect(log.malformed == 0)
    }

    @Test(
        "What is no entry is counted, not taken",
        arguments: [
            (#"{"a":1}"#, 1, 0), (#"{"a":"#, 0, 1), ("{a}", 0, 1), (#"{"a":1,}"#, 0, 1), ("[]", 0, 0), ("", 0, 0),
            (#"{"access_log_type":"DownstreamStart","stream_id":"x"}"#, 0, 0),
            (String(repeating: #"{"a":["#, count: 5000), 0, 1),
        ])
    func others(_ text: String, _ others: Int, _ malformed: Int) {
        var log = JSONAccessLog()
        log.receive(Array(text.utf8).span)
        log.end()
        #expect((log.records.count, log.others, log.malformed) == (0, others, malformed))
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
}
