/// What is taken of one access-log entry: evidence of a request, beside the counters.
///
/// Client addresses, paths and headers are not read, so they can not be stored.
package struct AccessLogRecord: Hashable, Sendable {
    /// What became of the request.
    package enum Outcome: Hashable, Sendable {
        /// Envoy answered, be it by an upstream or itself: one of `downstream_rq_completed`.
        case answered(code: Int)
        /// The client went before an answer.
        case unanswered
        /// The first part of an internally redirected request: its second part is the answer.
        case internalRedirect
        /// A TCP connection.
        case connection
    }

    /// The connection manager's `stat_prefix`: the custom tag or field of that name, else the log's name.
    package var prefix: String
    /// The route's name; where it has none, the upstream cluster's.
    package var route: String
    /// The cluster whose `upstream_rq_completed` counts the request, by its `alt_stat_name` where it has one. Empty where
    /// none does: Envoy answered before it chose an upstream (redirects, limits, no route), or the log does not tell.
    package var cluster: String
    /// Unique per downstream stream; nil where the log does not carry it, and two entries can not be told apart.
    package var stream: StreamKey?
    package var outcome: Outcome
    package var times: Times
    /// Who sent it, where the log's line says so.
    package var gateway: String?
    package var instance: String?

    package init(
        prefix: String, route: String, cluster: String = "", stream: StreamKey?, outcome: Outcome, times: Times,
        gateway: String? = nil, instance: String? = nil
    ) {
        self.prefix = prefix
        self.route = route
        self.cluster = cluster
        self.stream = stream
        self.outcome = outcome
        self.times = times
        self.gateway = gateway
        self.instance = instance
    }

    /// What both kinds of log say of an entry.
    struct Fields {
        var prefix = ""
        var routeName = ""
        var cluster = ""
        var stream: StreamKey?
        var isConnection = false
        var code = 0
        /// Empty where the log does not say them.
        var details = ""
        /// Tries of an upstream; nil where the log does not say them.
        var attempts: UInt64?
        var times = Times()
        var gateway: String?
        var instance: String?
    }

    /// Nil for an answer of the health-check filter, which the connection manager does not count as completed.
    init?(_ fields: Fields) {
        guard !fields.details.hasPrefix("health_check_") else { return nil }
        var times = fields.times
        // Where the answer is Envoy's own, the cluster counts it when it goes out.
        if times.upstream == nil, !["", Self.viaUpstream].contains(fields.details) { times.upstream = times.answer }
        self.init(
            prefix: fields.prefix, route: fields.routeName.isEmpty ? fields.cluster : fields.routeName,
            cluster: fields.isCountedByCluster ? fields.cluster : "", stream: fields.stream,
            outcome: fields.isConnection ? .connection : Self.outcome(code: fields.code, details: fields.details),
            times: times, gateway: fields.gateway, instance: fields.instance)
    }

    fileprivate static let viaUpstream = "via_upstream"

    private static func outcome(code: Int, details: String) -> Outcome {
        if details == "internal_redirect" { return .internalRedirect }
        return code == 0 ? .unanswered : .answered(code: code)
    }
}

extension AccessLogRecord {
    /// When a request began, was answered and ended. Unit: microseconds since 1970.
    ///
    /// Envoy counts a request when the head of its answer goes out, be the body ever so long, and logs it when it ends.
    package struct Times: Hashable, Sendable {
        package var start: Int64 = 0
        /// When the first byte of the last upstream's answer came; nil where there was none, or the log does not say it.
        package var upstream: Int64?
        /// When the answer's head went to the client.
        package var answer: Int64?
        package var end: Int64 = 0

        package init() {}

        package init(start: Int64, upstream: Int64? = nil, answer: Int64? = nil, end: Int64) {
            self.start = start
            self.upstream = upstream
            self.answer = answer
            self.end = end
        }

        /// When it was counted, as near as the log says.
        package var counted: Int64 { answer ?? end }

        /// A moment in the second in which the connection manager counted it; nil where that may be another second.
        package var countedByManager: Int64? { answer ?? Self.moment(upstream ?? start, end) }

        /// A moment in the second in which the cluster counted it: when the upstream's answer was there, before any filter
        /// that holds it up. An upstream may say 100 long before its answer, so both ends have to be in one second.
        package var countedByCluster: Int64? { Self.moment(upstream ?? start, answer ?? end) }

        private static func moment(_ earliest: Int64, _ latest: Int64) -> Int64? {
            earliest.floored(1_000_000) == latest.floored(1_000_000) ? latest : nil
        }
    }
}

extension Int64 {
    fileprivate func floored(_ unit: Int64) -> Int64 { self / unit - (self % unit < 0 ? 1 : 0) }
}

extension AccessLogRecord.Fields {
    /// Whether the cluster's `upstream_rq_completed` counts it, if it is answered. A cluster is named also where a filter
    /// (RBAC, a rate limit) answered in its place: then nothing was tried.
    fileprivate var isCountedByCluster: Bool {
        if let attempts { return attempts > 0 }
        return [AccessLogRecord.viaUpstream, "no_healthy_upstream", "response_timeout"].contains(details)
            || details.hasPrefix("upstream_")
    }
}
/// `common_properties.stream_id`, as 128 bits: a UUID is taken as it is, any other text as its hash.
package struct StreamKey: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    /// Nil for an empty text, and for `-`, which Envoy writes for nothing.
    package init?(_ text: some Sequence<UInt8>) {
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var length = 0
        var isUUID = true
        // FNV-1a of the text, and of the text behind another beginning.
        var hashes: (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15)
        var first: UInt8 = 0
        for byte in text {
            if length == 0 { first = byte }
            hashes.0 = (hashes.0 ^ UInt64(byte)) &* 0x100_0000_01b3
            hashes.1 = (hashes.1 ^ UInt64(byte)) &* 0x100_0000_01b3
            if [8, 13, 18, 23].contains(length) {
                isUUID = isUUID && byte == UInt8(ascii: "-")
            } else if let digit = Self.hexadecimal(byte), digits < 32 {
                if digits < 16 { words.0 = words.0 << 4 | digit } else { words.1 = words.1 << 4 | digit }
                digits += 1
            } else {
                isUUID = false
            }
            length += 1
        }
        guard length > 1 || (length == 1 && first != UInt8(ascii: "-")) else { return nil }
        isUUID = isUUID && length == 36 && digits == 32
        high = isUUID ? words.0 : hashes.0
        low = isUUID ? words.1 : hashes.1 ^ hashes.0 >> 29
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 48...57: UInt64(byte - 48)
        case 65...70: UInt64(byte - 55)
        case 97...102: UInt64(byte - 87)
        default: nil
        }
    }
}
