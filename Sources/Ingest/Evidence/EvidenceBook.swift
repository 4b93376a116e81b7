package import Metering
internal import Synchronization
package import UsageStore
package import WireFormats

/// What access logs show, counted per gateway, connection manager, route, cluster and quarter hour. Client addresses, paths and
/// headers are never read.
package final class EvidenceBook: Sendable {
    /// Rows of one worker in memory; beyond it routes are counted together under their connection manager.
    private static let largestRows = 200_000
    /// A row that nothing came of for so long is let go of once it is stored. Unit: microseconds.
    private static let kept: Int64 = 7_200_000_000
    /// Counts by the second in memory; beyond it gaps are not narrowed.
    private static let largestSeconds = 100_000
    /// A count by the second that nothing came of for so long is let go of once it is stored. Unit: microseconds.
    private static let keptSeconds: Int64 = 1_800_000_000

    private struct RowKey: Hashable {
        var gateway: String
        var quarterHour: QuarterHour
        var key: AccessLogEvidence.Key
        var way: EvidenceWay
    }

    private struct Row {
        var writer: Int64
        var evidence: AccessLogEvidence.Counts
        var isChanged = true
    }

    private struct SecondsKey: Hashable {
        var gateway: String
        var instance: String
        var counter: String
        var quarterHour: QuarterHour
        var way: EvidenceWay
    }

    private struct Seconds {
        var writer: Int64
        var seconds: EvidenceSeconds
        var isChanged = true
    }

    /// What changed since it was stored last.
    package struct Changes: Sendable {
        package var rows: [EvidenceRow]
        package var seconds: [EvidenceSecondsRow]
        package var isEmpty: Bool { rows.isEmpty && seconds.isEmpty }
    }

    private struct State {
        /// Tells entries that come twice, over all gateways and routes.
        var seen = AccessLogEvidence()
        var rows: [RowKey: Row] = [:]
        var seconds: [SecondsKey: Seconds] = [:]
        /// The first entry's stream, by which a file is known that is read again.
        var first: AccessLogEvidence.StreamKey?
    }

    private let isRepeatable: Bool
    private let state = Mutex(State())

    /// - Parameter isRepeatable: whether a count that begins with the same entry is the same count, which then only grows.
    ///   Else each is another writer's, and added.
    package init(isRepeatable: Bool = false) {
        self.isRepeatable = isRepeatable
    }

    /// Counts entries, each stream once.
    ///
    /// - Parameters:
    ///   - gateway: whose log it is, and `instance`: which Envoy's, where an entry does not say so itself.
    ///   - instance: empty where it is not known.
    package func add(_ records: [AccessLogRecord], gateway: String, instance: String = "", way: EvidenceWay) {
        state.withLock { state in
            for record in records {
                let key = AccessLogEvidence.Key(
                    prefix: Self.bounded(record.prefix), route: Self.bounded(record.route),
                    cluster: Self.bounded(record.cluster))
                let countedAt = Timestamp(microseconds: record.times.counted)
                let outcome = AccessLogEvidence.Outcome(record.outcome)
                let stream = record.stream.map { AccessLogEvidence.StreamKey(high: $0.high, low: $0.low) }
                guard state.seen.add(key, outcome, stream: stream, countedAt: countedAt),
                    let counted = state.seen.takeCounts()[key]
                else { continue }
                if state.first == nil { state.first = stream }
                var rowKey = RowKey(
                    gateway: Self.bounded(record.gateway ?? gateway), quarterHour: QuarterHour(containing: countedAt),
                    key: key, way: way)
                if stream != nil, case .answered = outcome {
                    for (counter, time) in Self.counters(of: key, record.times) {
                        let secondsKey = SecondsKey(
                            gateway: rowKey.gateway, instance: Self.bounded(record.instance ?? instance),
                            counter: counter, quarterHour: QuarterHour(containing: time), way: way)
                        addSecond(time, secondsKey, &state)
                    }
                }
                if state.rows.count >= Self.largestRows, state.rows[rowKey] == nil {
                    rowKey.key.route = ""
                    rowKey.key.cluster = ""
                }
                if state.rows[rowKey] == nil {
                    let writer = writer(
                        state.first, [rowKey.gateway, rowKey.key.prefix, rowKey.key.route, rowKey.key.cluster],
                        rowKey.quarterHour)
                    state.rows[rowKey] = Row(writer: writer, evidence: counted)
                } else {
                    state.rows[rowKey]?.evidence.add(counted)
                    state.rows[rowKey]?.isChanged = true
                }
            }
        }
    }

    /// The counters that counted an answered request, each with the second in which it did, where the log tells it.
    private static func counters(
        of key: AccessLogEvidence.Key, _ times: AccessLogRecord.Times
    ) -> [(name: String, time: Timestamp)] {
        var counters: [(name: String, time: Timestamp)] = []
        if let time = times.countedByManager {
            counters.append((EvidenceCounter.manager(key.prefix), Timestamp(microseconds: time)))
        }
        if !key.cluster.isEmpty, let time = times.countedByCluster {
            counters.append((EvidenceCounter.cluster(key.cluster), Timestamp(microseconds: time)))
        }
        return counters
    }

    private func addSecond(_ countedAt: Timestamp, _ key: SecondsKey, _ state: inout State) {
        if state.seconds[key] == nil {
            guard state.seconds.count < Self.largestSeconds else { return }
            state.seconds[key] = Seconds(
                writer: writer(state.first, [key.gateway, key.instance, key.counter, ""], key.quarterHour),
                seconds: EvidenceSeconds(key.quarterHour))
        }
        state.seconds[key]?.seconds.add(countedAt: countedAt)
        state.seconds[key]?.isChanged = true
    }

    /// A number for a row's writer: random, or of the first entry and the row's own names.
    private func writer(
        _ first: AccessLogEvidence.StreamKey?, _ names: [String], _ quarterHour: QuarterHour
    ) -> Int64 {
        guard isRepeatable, let first else { return Int64.random(in: 1...Int64.max) }
        let text = "\(first.high) \(first.low) \(quarterHour) \(names.joined(separator: "\0"))"
        // FNV-1a.
        let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Int64(hash >> 1)
    }

    /// What changed since it was stored last. To be followed by `hasStored`.
    package func changed() -> Changes {
        state.withLock { state in
            Changes(
                rows: state.rows.compactMap { key, row in
                    row.isChanged
                        ? EvidenceRow(
                            gateway: key.gateway, quarterHour: key.quarterHour, key: key.key, writer: row.writer,
                            counts: row.evidence, way: key.way) : nil
                },
                seconds: state.seconds.compactMap { key, row in
                    row.isChanged
                        ? EvidenceSecondsRow(
                            gateway: key.gateway, instance: key.instance, counter: key.counter, writer: row.writer,
                            way: key.way, seconds: row.seconds) : nil
                })
        }
    }

    package func hasStored(_ stored: Changes, at now: Timestamp) {
        state.withLock { state in
            for row in stored.rows {
                let key = RowKey(gateway: row.gateway, quarterHour: row.quarterHour, key: row.key, way: row.way)
                if state.rows[key]?.evidence == row.counts { state.rows[key]?.isChanged = false }
            }
            for row in stored.seconds {
                let key = SecondsKey(
                    gateway: row.gateway, instance: row.instance, counter: row.counter,
                    quarterHour: row.seconds.quarterHour, way: row.way)
                if state.seconds[key]?.seconds == row.seconds { state.seconds[key]?.isChanged = false }
            }
            // What comes later of one that was let go of is another writer's, and added.
            let oldest = now.advanced(byMicroseconds: -Self.kept)
            state.rows = state.rows.filter { $0.value.isChanged || $0.key.quarterHour.start > oldest }
            let oldestSeconds = now.advanced(byMicroseconds: -Self.keptSeconds)
            state.seconds = state.seconds.filter { $0.value.isChanged || $0.key.quarterHour.start > oldestSeconds }
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
