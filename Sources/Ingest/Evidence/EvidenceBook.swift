package import Metering
internal import Synchronization
package import UsageStore
package import WireFormats

/// What access logs show, counted per gateway, connection manager, route and quarter hour. Client addresses, paths and
/// headers are never read.
package final class EvidenceBook: Sendable {
    /// Rows of one worker in memory; beyond it routes are counted together under their connection manager.
    private static let largestRows = 200_000
    /// A row that nothing came of for so long is let go of once it is stored. Unit: microseconds.
    private static let kept: Int64 = 7_200_000_000

    private struct RowKey: Hashable {
        var gateway: String
        var quarterHour: QuarterHour
        var key: AccessLogEvidence.Key
    }

    private struct Row {
        var writer = Int64.random(in: 1...Int64.max)
        var evidence: AccessLogEvidence.Counts
        var isChanged = true
    }

    private struct State {
        /// Tells entries that come twice, over all gateways and routes.
        var seen = AccessLogEvidence()
        var rows: [RowKey: Row] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Counts entries, each stream once.
    ///
    /// - Parameter gateway: whose log it is, where an entry does not say so itself.
    package func add(_ records: [AccessLogRecord], gateway: String) {
        state.withLock { state in
            for record in records {
                let key = AccessLogEvidence.Key(prefix: Self.bounded(record.prefix), route: Self.bounded(record.route))
                let endedAt = Timestamp(microseconds: record.endedAt)
                let outcome = Self.outcome(record.outcome)
                let stream = record.stream.map { AccessLogEvidence.StreamKey(high: $0.high, low: $0.low) }
                guard state.seen.add(key, outcome, stream: stream, endedAt: endedAt),
                    let counted = state.seen.takeCounts()[key]
                else { continue }
                var rowKey = RowKey(
                    gateway: Self.bounded(record.gateway ?? gateway), quarterHour: QuarterHour(containing: endedAt),
                    key: key)
                if state.rows.count >= Self.largestRows, state.rows[rowKey] == nil { rowKey.key.route = "" }
                if state.rows[rowKey] == nil {
                    state.rows[rowKey] = Row(evidence: counted)
                } else {
                    state.rows[rowKey]?.evidence.add(counted)
                    state.rows[rowKey]?.isChanged = true
                }
            }
        }
    }

    /// The rows that changed since they were stored last. To be followed by `hasStored`.
    package func changed() -> [EvidenceRow] {
        state.withLock { state in
            state.rows.compactMap { key, row in
                row.isChanged
                    ? EvidenceRow(
                        gateway: key.gateway, quarterHour: key.quarterHour, key: key.key, writer: row.writer,
                        counts: row.evidence) : nil
            }
        }
    }

    package func hasStored(_ stored: [EvidenceRow], at now: Timestamp) {
        state.withLock { state in
            for row in stored {
                let key = RowKey(gateway: row.gateway, quarterHour: row.quarterHour, key: row.key)
                if state.rows[key]?.evidence == row.counts { state.rows[key]?.isChanged = false }
            }
            let oldest = now.advanced(byMicroseconds: -Self.kept)
            state.rows = state.rows.filter { $0.value.isChanged || $0.key.quarterHour.start > oldest }
        }
    }

    private static func outcome(_ outcome: AccessLogRecord.Outcome) -> AccessLogEvidence.Outcome {
        switch outcome {
        case .answered(let code): .answered(code: code)
        case .unanswered: .unanswered
        case .internalRedirect: .internalRedirect
        case .connection: .connection
        }
    }

    /// What the database takes.
    private static func bounded(_ text: String) -> String {
        var text = text.replacing("\0", with: "")
        while text.utf8.count > 512 { text.removeLast(max(1, (text.utf8.count - 512) / 4)) }
        return text
    }
}

extension AccessLogEvidence.Counts {
    fileprivate mutating func add(_ other: Self) {
        answered += other.answered
        for index in byClass.indices { byClass[index] += other.byClass[index] }
        unanswered += other.unanswered
        internalRedirects += other.internalRedirects
        connections += other.connections
        first = min(first, other.first)
        last = max(last, other.last)
    }
}
