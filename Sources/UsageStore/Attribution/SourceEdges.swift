import Metering
import PostgreSQL

/// Reads what the counters of higher sources stood at where their reigns begin and end, of those whose edge a step of
/// the unit may cross. Read only where several sources report.
struct SourceEdges {
    /// A life of an instance, by a source of totals.
    struct Life {
        /// Its place among the reigns.
        var reign: Int
        var key: TapeReader.EpochKey
        var started: Timestamp?
        /// Nil where its counters open at 0.
        var baselineAt: Timestamp?
        var from: Timestamp
        var to: Timestamp
    }

    /// How long before the quarter hour an edge may lie: a step that is longer is a gap. Unit: microseconds.
    private static let reach: Int64 = 86_400_000_000

    let connection: PostgresConnection
    let dictionary: CounterDictionary
    let unit: AggregationUnit
    private var lives: [Life] = []

    init(connection: PostgresConnection, dictionary: CounterDictionary, unit: AggregationUnit) {
        self.connection = connection
        self.dictionary = dictionary
        self.unit = unit
    }

    mutating func add(_ life: Life) { lives.append(life) }

    func read(into reigns: inout [SourceReign]) async throws {
        // Only a source that stands below another needs the other's edges.
        guard let lowest = reigns.map(\.source).max() else { return }
        let first = unit.quarterHour.start.advanced(byMicroseconds: -Self.reach)
        func isNear(_ time: Timestamp) -> Bool { first <= time && time < unit.quarterHour.end }
        let higher = lives.filter { reigns[$0.reign].source < lowest }
        try await readOpenings(higher.filter { isNear($0.from) }, into: &reigns)
        try await readClosings(higher.filter { isNear($0.to) }, into: &reigns)
    }

    private func readOpenings(_ lives: [Life], into reigns: inout [SourceReign]) async throws {
        for life in lives where life.baselineAt == nil && life.started == life.from {
            reigns[life.reign].opening = SourceEdge(time: life.from, started: life.started, values: [:], others: 0)
        }
        let opened = lives.filter { $0.baselineAt != nil }
        guard !opened.isEmpty else { return }
        let rows = try await connection.execute(
            """
            SELECT epoch_id, counter_id, value FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[])
                AS wanted (instance_id, epoch_id, read_at)
            JOIN epoch_baseline USING (instance_id, epoch_id, read_at)
            """,
            [opened.map(\.key.instance), opened.map(\.key.epoch), opened.map { $0.baselineAt?.postgres }])
        var values: [Int64: [CounterID: Int64]] = [:]
        for row in rows {
            values[try row.decode(0), default: [:]][CounterID(rawValue: try row.decode(1))] =
                try row.decode(2, as: Int64.self)
        }
        for life in opened {
            // A counter that the first flush did not hold had not been used.
            reigns[life.reign].opening = SourceEdge(
                time: life.from, started: life.started, values: values[life.key.epoch] ?? [:],
                others: values[life.key.epoch] == nil ? nil : 0)
        }
    }

    private func readClosings(_ lives: [Life], into reigns: inout [SourceReign]) async throws {
        let reader = TapeReader(connection: connection, dictionary: dictionary)
        for (quarterHour, ended) in Dictionary(grouping: lives, by: { QuarterHour(containing: $0.to) }) {
            let tapes = try await reader.read(
                AggregationUnit(gateway: unit.gateway, quarterHour: quarterHour), ended.map(\.key))
            for life in ended {
                let tape = tapes.instances[life.key.instance]?.first { $0.epoch == life.key.epoch }
                guard let tape else { continue }
                var values: [CounterID: Int64] = [:]
                for segment in tape.current {
                    try segment.forEachRun { counter, run in
                        guard run.peak.time == life.to else { return }
                        values[counter] = max(values[counter] ?? 0, run.peak.value)
                    }
                }
                reigns[life.reign].closing = SourceEdge(time: life.to, started: life.started, values: values)
            }
        }
    }
}
