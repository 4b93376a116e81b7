import Testing
import WireFormats

@Suite struct AccessLogTests {
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
                    prefix: "log", route: "svc_a", stream: stream, outcome: outcome, endedAt: 1_795_416_404_750_000),
                AccessLogRecord(
                    prefix: "ingress", route: "api", stream: stream, outcome: .unanswered,
                    endedAt: 1_795_416_404_750_000),
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
                        prefix: "ingress", route: "a|b", stream: StreamKey(Self.id.utf8),
                        outcome: .answered(code: 503), endedAt: 1_795_559_705_400_000)
                ], "in pieces of \(size)")
        }
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
