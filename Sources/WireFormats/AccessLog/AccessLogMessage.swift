/// Reads envoy.service.accesslog.v3.StreamAccessLogsMessage, the payload of Envoy's access log service.
///
/// ```
/// StreamAccessLogsMessage { Identifier identifier = 1; HTTPAccessLogEntries http_logs = 2; TCPAccessLogEntries tcp_logs = 3; }
/// Identifier { Node node = 1; string log_name = 2; }
/// HTTPAccessLogEntry { AccessLogCommon common_properties = 1; HTTPResponseProperties response = 4; … }
/// AccessLogCommon { Timestamp start_time = 5; Duration time_to_first_upstream_rx_byte = 9;
///     Duration time_to_first_downstream_tx_byte = 11; Duration time_to_last_downstream_tx_byte = 12;
///     string upstream_cluster = 15; string route_name = 19; map<string, string> custom_tags = 22; Duration duration = 23;
///     uint32 upstream_request_attempt_count = 24; string stream_id = 26; AccessLogType access_log_type = 33; … }
/// HTTPResponseProperties { UInt32Value response_code = 1; string response_code_details = 6; … }
/// ```
///
/// Entries that are no stream's last one (`DownstreamStart`, periodic and upstream ones) are passed over: a request is logged
/// once. Fields of the request, addresses and headers are stepped over unread.
package struct AccessLogMessage: Sendable {
    /// Who speaks: in the first message of each stream.
    package private(set) var node: EnvoyNode?
    package private(set) var logName: String?
    package private(set) var records: [AccessLogRecord] = []

    /// - Parameter logName: what the stream's first message said, for entries that name no connection manager themselves.
    package init(_ message: Span<UInt8>, logName known: String = "") throws(WireFormatError) {
        var reader = ProtobufReader(message)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "identifier")
            try merge(identifierAt: try reader.lengthDelimited(in: message), of: message)
        }
        reader = ProtobufReader(message)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == 2 || tag.field == 3 else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "log_entries")
            var entries = ProtobufReader(range: try reader.lengthDelimited(in: message))
            while let entry = try entries.nextTag(in: message) {
                guard entry.field == 1 else {
                    try entries.skip(entry, in: message)
                    continue
                }
                try entries.expect(.lengthDelimited, entry, "log_entry")
                let range = try entries.lengthDelimited(in: message)
                let isHTTP = tag.field == 2
                let record = try Self.record(at: range, of: message, isHTTP: isHTTP, logName: logName ?? known)
                if let record { records.append(record) }
            }
        }
    }

    /// The log's name, if the message has an identifier with one: only an access log's first message has.
    package static func logName(of message: Span<UInt8>) throws(WireFormatError) -> String? {
        var name: String?
        var reader = ProtobufReader(message)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == 1 else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "identifier")
            let identifier = try reader.lengthDelimited(in: message)
            name = try Self.logName(at: identifier, of: message) ?? name
        }
        return name
    }

    private static func logName(
        at identifier: Range<Int>, of message: Span<UInt8>
    ) throws(WireFormatError) -> String? {
        var name: String?
        var reader = ProtobufReader(range: identifier)
        while let tag = try reader.nextTag(in: message) {
            guard tag.field == 2 else {
                try reader.skip(tag, in: message)
                continue
            }
            try reader.expect(.lengthDelimited, tag, "log_name")
            name = try String(utf8: message, at: try reader.lengthDelimited(in: message), "log_name")
        }
        return name
    }

    private mutating func merge(identifierAt range: Range<Int>, of message: Span<UInt8>) throws(WireFormatError) {
        var merged = node ?? EnvoyNode()
        try merged.merge(identifierAt: range, of: message)
        node = merged
        logName = try Self.logName(at: range, of: message) ?? logName ?? ""
    }

    private static func record(
        at range: Range<Int>, of message: Span<UInt8>, isHTTP: Bool, logName: String
    ) throws(WireFormatError) -> AccessLogRecord? {
        var common = Common()
        common.fields.isConnection = !isHTTP
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: message) {
            switch tag.field {
            case 1:
                try reader.expect(.lengthDelimited, tag, "common_properties")
                try common.merge(at: try reader.lengthDelimited(in: message), of: message)
            case 4 where isHTTP:
                try reader.expect(.lengthDelimited, tag, "response")
                try read(responseAt: try reader.lengthDelimited(in: message), of: message, into: &common.fields)
            default:
                try reader.skip(tag, in: message)
            }
        }
        return common.isEnd ? AccessLogRecord(common.finished(logName: logName)) : nil
    }

    private static func read(
        responseAt range: Range<Int>, of message: Span<UInt8>, into fields: inout AccessLogRecord.Fields
    ) throws(WireFormatError) {
        var reader = ProtobufReader(range: range)
        while let tag = try reader.nextTag(in: message) {
            switch tag.field {
            case 1:
                try reader.expect(.lengthDelimited, tag, "response_code")
                var value = ProtobufReader(range: try reader.lengthDelimited(in: message))
                while let tag = try value.nextTag(in: message) {
                    if tag.field == 1 {
                        try value.expect(.varint, tag, "response_code.value")
                        fields.code = Int(truncatingIfNeeded: try value.varint(in: message) & 0xFFFF_FFFF)
                    } else {
                        try value.skip(tag, in: message)
                    }
                }
            case 6:
                try reader.expect(.lengthDelimited, tag, "response_code_details")
                fields.details = try String(
                    utf8: message, at: try reader.lengthDelimited(in: message), "response_code_details")
            default:
                try reader.skip(tag, in: message)
            }
        }
    }

    /// AccessLogCommon.
    private struct Common {
        var fields = AccessLogRecord.Fields()
        private var prefix: String?
        private var start: Int64 = 0
        private var toUpstreamAnswer: Int64?
        private var toAnswer: Int64?
        private var duration: Int64?
        private var lastByte: Int64 = 0
        private var type: UInt64 = 0

        /// TcpConnectionEnd and DownstreamEnd; 0 is a log of a version without types.
        var isEnd: Bool { type == 0 || type == 3 || type == 6 }

        func finished(logName: String) -> AccessLogRecord.Fields {
            var fields = fields
            fields.prefix = prefix ?? logName
            fields.times = AccessLogRecord.Times(
                start: start, upstream: toUpstreamAnswer.map { start &+ $0 }, answer: toAnswer.map { start &+ $0 },
                end: start &+ (duration ?? lastByte))
            return fields
        }

        mutating func merge(at range: Range<Int>, of message: Span<UInt8>) throws(WireFormatError) {
            var reader = ProtobufReader(range: range)
            while let tag = try reader.nextTag(in: message) {
                switch tag.field {
                case 5:
                    try reader.expect(.lengthDelimited, tag, "start_time")
                    start = try Self.microseconds(at: try reader.lengthDelimited(in: message), of: message)
                case 9:
                    try reader.expect(.lengthDelimited, tag, "time_to_first_upstream_rx_byte")
                    toUpstreamAnswer = try Self.microseconds(at: try reader.lengthDelimited(in: message), of: message)
                case 11:
                    try reader.expect(.lengthDelimited, tag, "time_to_first_downstream_tx_byte")
                    toAnswer = try Self.microseconds(at: try reader.lengthDelimited(in: message), of: message)
                case 12:
                    try reader.expect(.lengthDelimited, tag, "time_to_last_downstream_tx_byte")
                    lastByte = try Self.microseconds(at: try reader.lengthDelimited(in: message), of: message)
                case 15:
                    try reader.expect(.lengthDelimited, tag, "upstream_cluster")
                    fields.cluster = try String(
                        utf8: message, at: try reader.lengthDelimited(in: message), "upstream_cluster")
                case 19:
                    try reader.expect(.lengthDelimited, tag, "route_name")
                    fields.routeName = try String(
                        utf8: message, at: try reader.lengthDelimited(in: message), "route_name")
                case 22:
                    try reader.expect(.lengthDelimited, tag, "custom_tags")
                    try merge(tagAt: try reader.lengthDelimited(in: message), of: message)
                case 23:
                    try reader.expect(.lengthDelimited, tag, "duration")
                    duration = try Self.microseconds(at: try reader.lengthDelimited(in: message), of: message)
                case 24:
                    try reader.expect(.varint, tag, "upstream_request_attempt_count")
                    fields.attempts = try reader.varint(in: message)
                case 26:
                    try reader.expect(.lengthDelimited, tag, "stream_id")
                    let range = try reader.lengthDelimited(in: message)
                    fields.stream = StreamKey(range.lazy.map { message[$0] } as [UInt8])
                case 33:
                    try reader.expect(.varint, tag, "access_log_type")
                    type = try reader.varint(in: message)
                default:
                    try reader.skip(tag, in: message)
                }
            }
        }

        private mutating func merge(tagAt range: Range<Int>, of message: Span<UInt8>) throws(WireFormatError) {
            var key = ""
            var value = ""
            var reader = ProtobufReader(range: range)
            while let tag = try reader.nextTag(in: message) {
                switch tag.field {
                case 1:
                    try reader.expect(.lengthDelimited, tag, "custom tag")
                    key = try String(utf8: message, at: try reader.lengthDelimited(in: message), "custom tag")
                case 2:
                    try reader.expect(.lengthDelimited, tag, "custom tag value")
                    value = try String(utf8: message, at: try reader.lengthDelimited(in: message), "custom tag value")
                default:
                    try reader.skip(tag, in: message)
                }
            }
            if key == "stat_prefix" { prefix = value }
        }

        /// Timestamp and Duration: seconds = 1, nanos = 2.
        private static func microseconds(
            at range: Range<Int>, of message: Span<UInt8>
        ) throws(WireFormatError) -> Int64 {
            var seconds: Int64 = 0
            var nanos: Int64 = 0
            var reader = ProtobufReader(range: range)
            while let tag = try reader.nextTag(in: message) {
                switch tag.field {
                case 1:
                    try reader.expect(.varint, tag, "seconds")
                    seconds = Int64(bitPattern: try reader.varint(in: message))
                case 2:
                    try reader.expect(.varint, tag, "nanos")
                    nanos = Int64(bitPattern: try reader.varint(in: message))
                default:
                    try reader.skip(tag, in: message)
                }
            }
            // Times that a sender made up must not stop the worker.
            return min(max(seconds, -1_000_000_000_000), 1_000_000_000_000) * 1_000_000 + nanos / 1000
        }
    }
}
