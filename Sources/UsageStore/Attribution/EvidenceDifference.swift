package import Metering
import PostgreSQL

/// What the counter of a connection manager, a route or a cluster counted beside what access logs show of it, in the
/// quarter hours of which there is a log.
package struct EvidenceDifference: Encodable, Hashable, Sendable {
    package var gateway: String
    /// Of the connection manager; nil for a cluster, which several may use.
    package var prefix: String?
    /// Nil for the whole connection manager.
    package var route: String?
    package var cluster: String?
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
        case gateway, prefix, route, cluster, counter, quarterHours, counted, logged, difference, largestAt, largest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gateway, forKey: .gateway)
        try container.encode(prefix, forKey: .prefix)
        try container.encode(route, forKey: .route)
        try container.encode(cluster, forKey: .cluster)
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
    /// Holds access logs against the counters, per connection manager, route and cluster, in `[start, end)`.
    ///
    /// A request at the edge of a quarter hour is counted by the flush after it, and logged when it was answered: two quarter
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
                SELECT gateway_id, quarter_hour, prefix, route, cluster, max(answered)::bigint FROM (
                    SELECT gateway_id, quarter_hour, prefix, route, cluster, way, sum(answered) AS answered
                    FROM access_log_evidence
                    WHERE quarter_hour >= $1 AND quarter_hour < $2 AND ($3::bigint IS NULL OR gateway_id = $3)
                    GROUP BY gateway_id, quarter_hour, prefix, route, cluster, way
                ) AS ways
                GROUP BY gateway_id, quarter_hour, prefix, route, cluster ORDER BY quarter_hour, gateway_id
                """,
                [start.postgres, end.postgres, number])
            var logs: [AggregationUnit: [AccessLogEvidence.Key: Int64]] = [:]
            for row in rows {
                let unit = AggregationUnit(gateway: try row.decode(0), quarterHour: try row.quarterHour(1))
                let key = AccessLogEvidence.Key(
                    prefix: try row.decode(2), route: try row.decode(3), cluster: try row.decode(4))
                logs[unit, default: [:]][key] = try row.decode(5)
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
        let prefix: String?
        let route: String?
        let cluster: String?
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
        var logged: [Key: Int64] = [:]
        func show(_ answered: Int64, of key: Key) { logged[key, default: 0].addClamped(answered) }
        for (key, answered) in logs {
            show(
                answered,
                of: Key(
                    gateway: counters.gateway, prefix: key.prefix, route: nil, cluster: nil,
                    counter: EvidenceCounter.manager(key.prefix)))
            // Routes and clusters count what was forwarded. A route is counted where its configuration gives it a
            // stat_prefix; a cluster always is.
            guard !key.cluster.isEmpty else { continue }
            let cluster = EvidenceCounter.cluster(key.cluster)
            if byName[cluster] != nil {
                show(
                    answered,
                    of: Key(
                        gateway: counters.gateway, prefix: nil, route: nil, cluster: key.cluster, counter: cluster))
            }
            guard let counter = Self.counter(ofRoute: key.route, among: byName) else { continue }
            show(
                answered,
                of: Key(
                    gateway: counters.gateway, prefix: key.prefix, route: key.route, cluster: nil, counter: counter))
        }
        for (key, answered) in logged { note(key, byName[key.counter] ?? 0, answered, quarterHour) }
    }

    private static func counter(ofRoute route: String, among names: [String: Int64]) -> String? {
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
                gateway: key.gateway, prefix: key.prefix, route: key.route, cluster: key.cluster,
                counter: key.counter,
                quarterHours: sum.quarterHours, counted: sum.counted, logged: sum.logged,
                largestAt: sum.largestAt.start.description, largest: sum.largest)
        }
        .sorted {
            ($0.gateway, $0.cluster ?? "", $0.prefix ?? "", $0.route ?? "")
                < ($1.gateway, $1.cluster ?? "", $1.prefix ?? "", $1.route ?? "")
        }
    }
}
