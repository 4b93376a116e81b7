package import Metering
package import WireFormats

/// Messages of the access log service, as evidence.
struct AccessLogReplay: ReplayReader {
    /// The log's name, which the first message of each stream says.
    private var names: [ReplayStream: String] = [:]
    /// Streams of another service in the same capture.
    private var foreign: Set<ReplayStream> = []

    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook
    ) throws {
        let key = ReplayStream(file: file, stream: entry.stream)
        guard let payload = entry.payload else { return }
        let said = (try? AccessLogMessage.logName(of: payload.span)) ?? nil
        if let said { names[key] = said } else if entry.beginsStream { foreign.insert(key) }
        guard !foreign.contains(key) else {
            book.notes.insert("\(path): stream \(key.stream) is not one of access logs, and was passed over")
            return
        }
        do {
            book.evidence.add(try AccessLogMessage(payload.span, logName: names[key] ?? "").records)
        } catch {
            book.notes.insert("\(path), stream \(key.stream): a malformed message (\(error)) was passed over")
        }
    }

    mutating func end(into book: inout ReplayBook) throws {}
}

/// Access logs in JSON, as evidence.
struct JSONAccessLogReplay: ReplayReader {
    private var others = 0
    private var malformed = 0

    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook
    ) throws {
        guard let payload = entry.payload else { return }
        var log = JSONAccessLog()
        log.receive(payload.span)
        log.end()
        book.evidence.add(log.records)
        others += log.others
        malformed += log.malformed
    }

    mutating func end(into book: inout ReplayBook) throws {
        if others > 0 {
            book.notes.insert("\(others) JSON objects are no log entries: they have no stream_id or response_code")
        }
        if malformed > 0 { book.notes.insert("\(malformed) places where an object begins are not JSON") }
    }
}

extension AccessLogEvidence {
    /// Counts what logs hold.
    package mutating func add(_ records: [AccessLogRecord]) {
        for record in records {
            add(
                Key(prefix: record.prefix, route: record.route, cluster: record.cluster), Outcome(record.outcome),
                stream: record.stream.map { StreamKey(high: $0.high, low: $0.low) },
                countedAt: Timestamp(microseconds: record.times.counted))
        }
    }
}

extension AccessLogEvidence.Outcome {
    init(_ outcome: AccessLogRecord.Outcome) {
        switch outcome {
        case .answered(let code): self = .answered(code: code)
        case .unanswered: self = .unanswered
        case .internalRedirect: self = .internalRedirect
        case .connection: self = .connection
        }
    }
}
