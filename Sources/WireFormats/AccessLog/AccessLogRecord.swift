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
    /// Unique per downstream stream; nil where the log does not carry it, and two entries can not be told apart.
    package var stream: StreamKey?
    package var outcome: Outcome
    /// When the request ended, which is when it is counted: start and duration. Unit: microseconds since 1970.
    package var endedAt: Int64
    /// Who sent it, where the log's line says so.
    package var gateway: String?
    package var instance: String?

    package init(
        prefix: String, route: String, stream: StreamKey?, outcome: Outcome, endedAt: Int64, gateway: String? = nil,
        instance: String? = nil
    ) {
        self.prefix = prefix
        self.route = route
        self.stream = stream
        self.outcome = outcome
        self.endedAt = endedAt
        self.gateway = gateway
        self.instance = instance
    }

    /// An answer of the health-check filter, which the connection manager does not count as completed.
    static func isHealthCheck(details: some StringProtocol) -> Bool { details.hasPrefix("health_check_") }

    /// What an answer of this code and these details is.
    static func outcome(code: Int, details: some StringProtocol) -> Outcome {
        if details == "internal_redirect" { return .internalRedirect }
        return code == 0 ? .unanswered : .answered(code: code)
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
