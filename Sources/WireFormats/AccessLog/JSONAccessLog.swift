/// Reads access logs in JSON, as Envoy's `json_format` writes them and as log collectors pass them on.
///
/// An entry is an object with `stream_id` or `response_code`. Its fields:
///
/// | field | Envoy writes | |
/// |---|---|---|
/// | `stream_id` | `%STREAM_ID%` | tells duplicates |
/// | `stat_prefix` | the connection manager's, as text | what it is counted under |
/// | `route_name`, `upstream_cluster` | `%ROUTE_NAME%`, `%UPSTREAM_CLUSTER%` | |
/// | `response_code`, `response_code_details` | `%RESPONSE_CODE%`, `%RESPONSE_CODE_DETAILS%` | |
/// | `upstream_request_attempt_count` | `%UPSTREAM_REQUEST_ATTEMPT_COUNT%` | whether the cluster counts it |
/// | `start_time`, `duration` | `%START_TIME%`, `%DURATION%` | RFC 3339 in UTC; milliseconds |
/// | `time_to_answer` | `%COMMON_DURATION(DS_RX_BEG:DS_TX_BEG:ms)%` | when it was counted; milliseconds |
/// | `response_duration` | `%RESPONSE_DURATION%` | when the cluster counted it; milliseconds |
/// | `access_log_type` | `%ACCESS_LOG_TYPE%` | entries of another type than `DownstreamEnd` are passed over |
/// | `gateway`, `instance` | text, or `%ENVIRONMENT(…)%` | who sends |
///
/// All others are stepped over. What a collector puts around an entry is taken off: lines and arrays, a time before the
/// object (CloudWatch Logs exports, the Kubernetes runtime), objects that hold entries (`logEvents`, `events`), and text
/// that holds one (`log`, `message`, `msg`: fluentd, Fluent Bit, CloudWatch).
package struct JSONAccessLog: Sendable {
    /// An object that is not complete after so many bytes is malformed.
    package static let largestObject = 1 << 20

    package private(set) var records: [AccessLogRecord] = []
    /// Objects that are no access-log entries and hold none.
    package private(set) var others = 0
    /// Places where an object begins and is not JSON.
    package private(set) var malformed = 0
    private var pending: [UInt8] = []
    /// The line under way is malformed: it is passed over to its end.
    private var isPassingOver = false

    package init() {}

    /// Takes the records so far.
    package mutating func takeRecords() -> [AccessLogRecord] {
        defer { records = [] }
        return records
    }

    /// Reads what `chunk` completes. A text may be cut anywhere.
    package mutating func receive(_ chunk: Span<UInt8>) {
        if pending.isEmpty {
            let rest = read(chunk)
            keep(chunk.extracting(rest..<chunk.count))
        } else {
            keep(chunk)
            let text = pending
            let rest = read(text.span)
            pending.removeFirst(rest)
        }
        if pending.count > Self.largestObject {
            malformed += 1
            pending = []
        }
    }

    /// The text has ended: an object that is not complete is malformed.
    package mutating func end() {
        if !pending.isEmpty { malformed += 1 }
        pending = []
        isPassingOver = false
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        for index in bytes.indices { pending.append(bytes[index]) }
    }

    /// Reads all complete objects; returns where the incomplete one begins that ends the text, else its end.
    private mutating func read(_ text: Span<UInt8>) -> Int {
        var position = 0
        while position < text.count {
            if isPassingOver {
                isPassingOver = text[position] != UInt8(ascii: "\n")
                position += 1
                continue
            }
            guard text[position] == UInt8(ascii: "{") else {
                position += 1
                continue
            }
            var scanner = JSONScanner(text, from: position)
            var found: [JSONAccessLogFields] = []
            let fields = JSONAccessLogFields(&scanner, in: text, depth: 0, into: &found)
            if let fields {
                if fields.isEntry { found.append(fields) }
                if found.isEmpty { others += 1 }
                records += found.compactMap(\.record)
                position = scanner.position
            } else if scanner.isCutOff {
                return position
            } else {
                // On with the next line: what is malformed may have reached into it.
                malformed += 1
                position += 1
                isPassingOver = true
            }
        }
        return text.count
    }
}

/// The fields of one object that may be an entry.
struct JSONAccessLogFields {
    /// How deep entries may lie in what a collector puts around them.
    private static let deepest = 8

    private var fields = AccessLogRecord.Fields()
    private var stream: String?
    private var code: Int?
    private var start: Int64 = 0
    private var duration: Int64 = 0
    private var toUpstreamAnswer: Int64?
    private var toAnswer: Int64?
    private var type: String?

    var isEntry: Bool { stream != nil || code != nil }

    /// Nil for an entry that is not a stream's last one, and for a health check.
    var record: AccessLogRecord? {
        if let type, !["DownstreamEnd", "TcpConnectionEnd", "NotSet", "-", ""].contains(type) { return nil }
        var fields = fields
        fields.stream = stream.flatMap { StreamKey($0.utf8) }
        fields.code = code ?? 0
        fields.isConnection = type == "TcpConnectionEnd"
        fields.times = AccessLogRecord.Times(
            start: start, upstream: toUpstreamAnswer.map { start + $0 }, answer: toAnswer.map { start + $0 },
            end: start + duration)
        return AccessLogRecord(fields)
    }

    /// Reads the object at the scanner's place. Entries inside it go to `found`. Nil where it is cut off or no JSON.
    init?(_ scanner: inout JSONScanner, in text: Span<UInt8>, depth: Int, into found: inout [JSONAccessLogFields]) {
        guard scanner.open(UInt8(ascii: "{"), in: text) else { return nil }
        var isFirst = true
        while !scanner.close(UInt8(ascii: "}"), in: text) {
            guard isFirst || scanner.open(UInt8(ascii: ","), in: text) else { return nil }
            isFirst = false
            guard let key = scanner.string(in: text), scanner.open(UInt8(ascii: ":"), in: text) else { return nil }
            guard read(key, &scanner, in: text, depth, &found) else { return nil }
        }
    }

    private mutating func read(
        _ key: String, _ scanner: inout JSONScanner, in text: Span<UInt8>, _ depth: Int,
        _ found: inout [JSONAccessLogFields]
    ) -> Bool {
        guard let next = scanner.peek(in: text) else { return false }
        switch next {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return Self.readInside(&scanner, in: text, depth + 1, &found)
        case UInt8(ascii: "\""):
            guard let value = scanner.string(in: text) else { return false }
            take(key, value, depth, &found)
            return true
        default:
            guard let value = scanner.literal(in: text) else { return false }
            if value != "null" { take(key, value, depth, &found) }
            return true
        }
    }

    /// Reads an object or array in which entries may lie.
    private static func readInside(
        _ scanner: inout JSONScanner, in text: Span<UInt8>, _ depth: Int, _ found: inout [JSONAccessLogFields]
    ) -> Bool {
        guard depth <= deepest else { return scanner.skipNested(in: text) }
        if scanner.peek(in: text) == UInt8(ascii: "{") {
            guard let inner = JSONAccessLogFields(&scanner, in: text, depth: depth, into: &found) else { return false }
            if inner.isEntry { found.append(inner) }
            return true
        }
        guard scanner.open(UInt8(ascii: "["), in: text) else { return false }
        var isFirst = true
        while !scanner.close(UInt8(ascii: "]"), in: text) {
            guard isFirst || scanner.open(UInt8(ascii: ","), in: text) else { return false }
            isFirst = false
            switch scanner.peek(in: text) {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard readInside(&scanner, in: text, depth + 1, &found) else { return false }
            case UInt8(ascii: "\""): guard scanner.string(in: text) != nil else { return false }
            default: guard scanner.literal(in: text) != nil else { return false }
            }
        }
        return true
    }

    private mutating func take(_ key: String, _ value: String, _ depth: Int, _ found: inout [JSONAccessLogFields]) {
        switch key {
        case "stream_id": stream = value == "-" ? nil : value
        case "stat_prefix": fields.prefix = value
        case "route_name": fields.routeName = value == "-" ? "" : value
        case "upstream_cluster": fields.cluster = value == "-" ? "" : value
        case "upstream_request_attempt_count": fields.attempts = UInt64(value)
        case "response_code": code = Int(value) ?? (value == "-" ? 0 : nil)
        case "response_code_details": fields.details = value == "-" ? "" : value
        case "start_time": start = Self.microseconds(value) ?? 0
        case "duration": duration = Self.duration(value) ?? 0
        case "response_duration": toUpstreamAnswer = Self.duration(value)
        case "time_to_answer": toAnswer = Self.duration(value)
        case "access_log_type": type = value
        case "gateway": fields.gateway = value
        case "instance": fields.instance = value
        case "log", "message", "msg", "MESSAGE":
            // The line itself, as text, perhaps with a time before it.
            guard depth < Self.deepest, let start = value.utf8.firstIndex(of: UInt8(ascii: "{")) else { return }
            let inner = Array(value.utf8[start...])
            var scanner = JSONScanner(inner.span, from: 0)
            let fields = JSONAccessLogFields(&scanner, in: inner.span, depth: depth + 1, into: &found)
            if let fields, fields.isEntry { found.append(fields) }
        default: break
        }
    }

    /// Milliseconds as microseconds; nil for `-`.
    private static func duration(_ text: String) -> Int64? {
        Int64(text).map { min(max($0, 0), 1_000_000_000_000) * 1000 }
    }

    /// `2026-11-03T12:00:00.250Z`, or seconds since 1970 with a fraction.
    private static func microseconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        if let seconds = Double(text), seconds.isFinite, abs(seconds) < 1e12 {
            return Int64((seconds * 1_000_000).rounded())
        }
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T"), bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            bytes[range].reduce(Int64?(0)) { value, byte in
                guard let value, byte &- 48 < 10 else { return nil }
                return value * 10 + Int64(byte - 48)
            }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count <= 27, let digits = number(20..<(bytes.count - 1)) else {
                return nil
            }
            fraction = (0..<(26 - (bytes.count - 1))).reduce(digits) { value, _ in value * 10 }
        }
        // Days since 1970 of a Gregorian date (Howard Hinnant's days_from_civil).
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
    }
}
