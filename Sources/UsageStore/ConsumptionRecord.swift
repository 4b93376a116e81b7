import Metering
import PostgreSQL

/// What a consumption record holds beside its key: the quantities of a tenant's service at a gateway in a quarter hour.
struct ConsumptionRecord: Hashable {
    /// A part of `carriedIn` that began before the quarter hour before the record's.
    struct Span: Hashable {
        var since: Timestamp
        var until: Timestamp
        var requests: Int64
    }

    /// In the order of `Dimension.counted`.
    var counts = [Int64](repeating: 0, count: Dimension.counted.count)
    /// Σ over gauges of the mean of their samples. Unit: 1 / `GaugeUsage.meanParts` of a connection.
    var activeSum: Int64 = 0
    /// 1 where there was a sample.
    var activeCount: Int64 = 0
    var activeMaximum: Int64 = 0
    var carriedIn: Int64 = 0
    var carriedSince: Timestamp?
    var carriedUntil: Timestamp?
    /// By `since`, each once.
    var spans: [Span] = []

    /// The requests of a record at `quarterHour` whose interval began before `start`, which is not after it.
    func carriedIn(into start: Timestamp, at quarterHour: QuarterHour) -> Int64 {
        guard start < quarterHour.start else { return carriedIn }
        return spans.reduce(0) { $1.since < start ? $0 + $1.requests : $0 }
    }
}

extension Dimension {
    /// The dimensions that are counts, in the order of the columns.
    static let counted: [Dimension] = [
        .requests, .newConnections, .receivedBytes, .sentBytes, .responses1xx, .responses2xx, .responses3xx,
        .responses4xx, .responses5xx,
    ]
}

extension GaugeUsage {
    /// Means of 1 to 15 samples are whole numbers of these: the least common multiple of 1 to 15.
    static let meanParts: Int64 = 360_360
}

/// Whose a record is, within a gateway's quarter hour.
struct RecordKey: Hashable, Comparable {
    var tenant: Int64
    var service: Int64

    static func < (left: RecordKey, right: RecordKey) -> Bool {
        (left.tenant, left.service) < (right.tenant, right.service)
    }
}

extension ConsumptionRecord {
    /// The columns of `SELECT` lists that this reads, from a place on: requests … responses_5xx, active sum, count,
    /// maximum, carried_in.
    init(_ row: PostgresRow, from column: Int) throws {
        for index in Dimension.counted.indices { counts[index] = try row.decode(column + index) }
        let after = column + Dimension.counted.count
        activeSum = try row.decode(after)
        activeCount = try row.decode(after + 1)
        activeMaximum = try row.decode(after + 2)
        carriedIn = try row.decode(after + 3)
    }
}
