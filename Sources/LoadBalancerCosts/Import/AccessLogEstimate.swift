/// Traffic estimated from ALB access logs: best effort by AWS, so an estimate and no bill.
///
/// Lines have 30 fields, 34 since October 2025; those beyond are ignored. A new connection is a `conn_trace_id` in the
/// hour in which it is first seen; the mean of active ones is the time between a connection's first and last request.
package struct AccessLogEstimate: Sendable {
    package let series: TrafficSeries
    package let lines: Int
    package let note: String

    private struct Hour {
        var requests: Int64 = 0
        var newConnections: Int64 = 0
        var bytes: Int64 = 0
        var spans: [String: (first: Int64, last: Int64)] = [:]
    }

    /// True where the text begins like an access log line and not like JSON.
    package static func recognises(_ bytes: [UInt8]) -> Bool {
        let first = bytes.prefix { $0 != 0x20 && $0 != 0x0A }
        return ["http", "https", "h2", "grpcs", "ws", "wss"].contains(String(decoding: first, as: UTF8.self))
    }

    /// Throws `.invalidInput` with file and line for a line that is no access log line.
    package init(_ files: [(name: String, bytes: [UInt8])]) throws {
        var hours: [Int64: Hour] = [:]
        var seen: Set<String> = []
        var count = 0
        for file in files {
            for (index, line) in file.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                guard line.contains(where: { $0 != 0x20 && $0 != 0x0D }) else { continue }
                let entry = try Entry(line, place: "\(file.name), line \(index + 1)")
                var hour = hours[entry.hour] ?? Hour()
                hour.requests += 1
                hour.bytes += entry.bytes
                if seen.insert(entry.connection).inserted { hour.newConnections += 1 }
                let span = hour.spans[entry.connection] ?? (entry.instant, entry.instant)
                hour.spans[entry.connection] = (min(span.first, entry.instant), max(span.last, entry.instant))
                hours[entry.hour] = hour
                count += 1
            }
        }
        guard let first = hours.keys.min(), let last = hours.keys.max() else {
            throw LoadBalancerCostError(.invalidInput, "the access logs hold no line")
        }
        series = try TrafficSeries(
            stride(from: first, through: last, by: Int.Stride(Instant.hour)).map { start in
                let hour = hours[start] ?? Hour()
                let connected = hour.spans.values.reduce(Int64(0)) { $0 + $1.last - $1.first }
                return TrafficHour(
                    start: start, requests: hour.requests, newConnections: hour.newConnections,
                    activeConnections: try Fraction(Int128(connected / 1_000), over: 3_600_000), bytes: hour.bytes)
            })
        lines = count
        note =
            "estimate: from \(count) access log lines, which AWS delivers by best effort; bytes lack TLS and the target side, "
            + "connections without a request are not seen, rules are those of the assumptions"
    }

    private struct Entry {
        let instant: Int64
        let hour: Int64
        let bytes: Int64
        let connection: String

        init(_ line: ArraySlice<UInt8>, place: String) throws {
            let fields = Self.fields(line)
            guard fields.count >= 30 else {
                throw LoadBalancerCostError(
                    .invalidInput, "\(place): \(fields.count) fields; an ALB access log line has 30 or more")
            }
            guard let instant = Instant.parse(fields[1]) else {
                throw LoadBalancerCostError(.invalidInput, "\(place), time: '\(fields[1])' is not an ISO 8601 instant")
            }
            guard let received = Int64(fields[10]), let sent = Int64(fields[11]), received >= 0, sent >= 0,
                received < 1 << 50, sent < 1 << 50
            else {
                throw LoadBalancerCostError(
                    .invalidInput,
                    "\(place), received_bytes and sent_bytes: '\(fields[10])' and '\(fields[11])' are not counts")
            }
            self.instant = instant
            hour = Instant.hourStart(instant)
            bytes = received + sent
            // A line without a trace is known by its client's address and port, which is not stored.
            connection = fields[29] == "-" ? fields[3] : fields[29]
        }

        /// Fields between spaces; quoted ones may hold spaces.
        private static func fields(_ line: ArraySlice<UInt8>) -> [String] {
            var fields: [String] = []
            var start: Int?
            var quoted = false
            for index in line.indices {
                let byte = line[index]
                if byte == UInt8(ascii: "\""), index == line.startIndex || line[index - 1] != UInt8(ascii: "\\") {
                    quoted.toggle()
                }
                let ends = (byte == 0x20 && !quoted) || byte == 0x0D
                if ends {
                    if let begun = start { fields.append(text(line[begun..<index])) }
                    start = nil
                } else if start == nil {
                    start = index
                }
            }
            if let start { fields.append(text(line[start...])) }
            return fields
        }

        private static func text(_ bytes: ArraySlice<UInt8>) -> String {
            let quote = UInt8(ascii: "\"")
            let isQuoted = bytes.count >= 2 && bytes.first == quote && bytes.last == quote
            return String(decoding: isQuoted ? bytes.dropFirst().dropLast() : bytes, as: UTF8.self)
        }
    }
}
