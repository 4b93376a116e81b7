package import Metering
import PostgreSQL

/// What a connection manager's counter, or a route's, counted beside what access logs show of it, in the quarter hours
/// of which there is a log.
package struct EvidenceDifference: Encodable, Hashable, Sendable {
    package var gateway: String
    package var prefix: String
    /// Nil for the whole connection manager.
    package var route: String?
    package var counter: String
    package var quarterHours: Int64
    package var counted: Int64
    package var logged: Int64
    /// `logged` − `counted`.
    package var difference: Int64 { logged - counted }
    /// The quarter hour that differs most, and by how much.
    package var largestAt: String
    package var largest: Int64

    private enum CodingKeys: String, CodingKey {
        case gateway, prefix, route, counter, quarterHours, counted, logged, difference, largestAt, largest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gateway, forKey: .gateway)
        try container.encode(prefix, forKey: .prefix)
        try container.encode(route, forKey: .route)
        try container.encode(counter, forKey: .counter)
        try container.encode(quarterHours, forKey: .quarterHours)
        try container.encode(counted, forKey: .counted)
        try container.encode(logged, forKey: .logged)
        try container.encode(difference, forKey: .difference)
        try container.encode(largestAt, forKey: .largestAt)
        try container.encode(largest, forKey: .largest)
    }
}

extension UsageStore {
    /// Holds access logs against the counters, per connection manager and route, in `[start, end)`.
    ///
    /// A request at the edge of a quarter hour is counted by the flush after it, and logged when it ended: two quarter
    /// hours side by side may differ by a flush's requests, and their sum does not.
    ///
    /// - Parameter gateway: nil for all.
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func evidenceDifferences(
        gateway: String?, from start: Timestamp, to end: Timestamp,
        progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws -> [EvidenceDifference] {
        try await pool.withConnection { connection in
            var number: Int64?
            if let gateway { number = try await Self.gatewayNumber(gateway, on: connection) }
            // Of the ways that a log came by, the one that shows most.
            let rows = try await connection.execute(
                """
                SELECT gateway_id, quarter_hour, prefix, route, max(answered)::bigint FROM (
                    SELECT gateway_id, quarter_hour, prefix, route, way, sum(answered) AS answered
                    FROM access_log_evidence
                    WHERE quarter_hour >= $1 AND quarter_hour < $2 AND ($3::bigint IS NULL OR gateway_id = $3)
                    GROUP BY gateway_id, quarter_hour, prefix, route, way
                ) AS ways
                GROUP BY gateway_id, quarter_hour, prefix, route ORDER BY quarter_hour, gateway_id
                """,
                [start.postgres, end.postgres, number])
            var logs: [AggregationUnit: [AccessLogEvidence.Key: Int64]] = [:]
            for row in rows {
                let unit = AggregationUnit(gateway: try row.decode(0), quarterHour: try row.quarterHour(1))
                let key = AccessLogEvidence.Key(prefix: try row.decode(2), route: try row.decode(3))
                logs[unit, default: [:]][key] = try row.decode(4)
            }
            let versions = try await meterVersions(on: connection)
            let reader = TapeReader(connection: connection, dictionary: counterDictionary)
            var sums = EvidenceSums()
            let units = logs.keys.sorted {
                ($0.quarterHour, $0.gateway) < ($1.quarterHour, $1.gateway)
            }
            for (index, unit) in units.enumerated() {
                let identities = versions.inForce(at: unit.quarterHour)?.meters.identities ?? []
                sums.add(
                    try await UnitCounters.read(unit, identities: identities, with: reader), logs[unit] ?? [:],
                    unit.quarterHour)
                progress(index + 1, units.count)
            }
            return sums.differences
        }
    }
}

private struct EvidenceSums {
    private struct Key: Hashable {
        let gateway: String
        let prefix: String
        let route: String?
        let counter: String
    }

    private struct Sum {
        var quarterHours: Int64 = 0
        var counted: Int64 = 0
        var logged: Int64 = 0
        var largest: Int64 = 0
        var largestAt: QuarterHour
    }

    private var sums: [Key: Sum] = [:]

    mutating func add(_ counters: UnitCounters, _ logs: [AccessLogEvidence.Key: Int64], _ quarterHour: QuarterHour) {
        var byName: [String: Int64] = [:]
        for (counter, name) in counters.names { byName[name] = counters.counted[counter] ?? 0 }
        var managers: [String: Int64] = [:]
        for (key, answered) in logs { managers[key.prefix, default: 0].addClamped(answered) }
        for (prefix, answered) in managers {
            let counter = GapEvidenceReader.counter(of: prefix)
            note(
                Key(gateway: counters.gateway, prefix: prefix, route: nil, counter: counter), byName[counter] ?? 0,
                answered, quarterHour)
        }
        for (key, answered) in logs where !key.route.isEmpty {
            // A route is counted where its configuration gives it a stat_prefix; a cluster always is.
            guard let counter = Self.counter(ofRoute: key.route, among: byName) else { continue }
            note(
                Key(gateway: counters.gateway, prefix: key.prefix, route: key.route, counter: counter),
                byName[counter] ?? 0, answered, quarterHour)
        }
    }

    private static func counter(ofRoute route: String, among names: [String: Int64]) -> String? {
        let cluster = "cluster.\(route).upstream_rq_completed"
        if names[cluster] != nil { return cluster }
        let suffix = ".route.\(route).upstream_rq_completed"
        let routes = names.keys.filter { $0.hasPrefix("vhost.") && $0.hasSuffix(suffix) }
        return routes.count == 1 ? routes.first : nil
    }

    private mutating func note(_ key: Key, _ counted: Int64, _ logged: Int64, _ quarterHour: QuarterHour) {
        var sum = sums[key] ?? Sum(largestAt: quarterHour)
        sum.quarterHours += 1
        sum.counted.addClamped(counted)
        sum.logged.addClamped(logged)
        if (logged - counted).magnitude > sum.largest.magnitude {
            sum.largest = logged - counted
            sum.largestAt = quarterHour
        }
        sums[key] = sum
    }

    var differences: [EvidenceDifference] {
        sums.map { key, sum in
            EvidenceDifference(
                gateway: key.gateway, prefix: key.prefix, route: key.route, counter: key.counter,
                quarterHours: sum.quarterHours, counted: sum.counted, logged: sum.logged,
                largestAt: sum.largestAt.start.description, largest: sum.largest)
        }
        .sorted { ($0.gateway, $0.prefix, $0.route ?? "") < ($1.gateway, $1.prefix, $1.route ?? "") }
    }
}
