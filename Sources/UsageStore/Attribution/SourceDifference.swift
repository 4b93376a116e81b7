package import Metering
import PostgreSQL

/// What one quantity is by the rule that bills it, and by another one: a check rule, or another source.
package struct SourceDifference: Encodable, Hashable, Sendable {
    package var gateway: String
    package var tenant: String
    package var dimension: String
    /// The pattern of the rule that bills.
    package var rule: String
    package var billed: Int64
    /// The check rule's pattern, or the other source's name.
    package var against: String
    package var isSource: Bool
    package var checked: Int64
    /// `checked` − `billed`.
    package var difference: Int64
}

extension UsageStore {
    /// The differences between what is billed and what check rules and other sources say, in `[start, end)`, from tapes.
    ///
    /// - Parameter gateway: nil for all.
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func sourceDifferences(
        gateway: String?, from start: Timestamp, to end: Timestamp,
        progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws -> [SourceDifference] {
        try await pool.withConnection { connection in
            var number: Int64?
            if let gateway { number = try await Self.gatewayNumber(gateway, on: connection) }
            let rows = try await connection.execute(
                """
                SELECT DISTINCT gateway_id, quarter_hour FROM tapes AS tape
                WHERE quarter_hour >= $1 AND quarter_hour < $2 AND ($3::bigint IS NULL OR gateway_id = $3)
                ORDER BY 2, 1
                """,
                [start.postgres, end.postgres, number]
            )
            let units = try rows.map {
                AggregationUnit(gateway: try $0.decode(0), quarterHour: try $0.quarterHour(1))
            }
            let versions = try await meterVersions(on: connection)
            let reader = TapeReader(connection: connection, dictionary: counterDictionary)
            var sums = RuleSums()
            for (index, unit) in units.enumerated() {
                guard let meters = versions.inForce(at: unit.quarterHour)?.meters else { continue }
                sums.add(try await UnitCounters.read(unit, identities: meters.identities, with: reader), meters)
                progress(index + 1, units.count)
            }
            return sums.differences
        }
    }
}

/// What each rule and source says of a tenant's dimension.
private struct RuleSums {
    private struct Key: Hashable {
        let gateway: String
        let tenant: String
        let dimension: Dimension
    }

    private struct Sums {
        /// By pattern of the bill rule.
        var billed: [String: Int64] = [:]
        var checks: [String: Int64] = [:]
        var sources: [SourceKind: Int64] = [:]

        var total: Int64 { billed.values.reduce(0, +) }
    }

    private var sums: [Key: Sums] = [:]

    mutating func add(_ counters: UnitCounters, _ meters: Meters) {
        for (counter, name) in counters.names {
            let claims = meters.claims(on: name, gateway: counters.gateway)
            let bills = claims.filter { meters.bind[$0.rule].role == .bill }
            for claim in claims {
                let rule = meters.bind[claim.rule]
                guard rule.dimension != .activeConnections else { continue }
                let key = Key(
                    gateway: counters.gateway, tenant: claim.binding.tenant, dimension: claim.binding.dimension)
                let counted = counters.counted[counter] ?? 0
                if rule.role == .check {
                    sums[key, default: Sums()].checks[rule.match.description, default: 0] += counted
                } else if bills.count == 1 {
                    sums[key, default: Sums()].billed[rule.match.description, default: 0] += counted
                    for (source, quantities) in counters.bySource {
                        sums[key, default: Sums()].sources[source, default: 0] += quantities[counter] ?? 0
                    }
                }
            }
        }
    }

    /// What a check rule names as its tenant that counts a gateway's requests without telling whose they are.
    private static let allTenants = "*"

    private func gatewaySum(_ key: Key) -> Int64 {
        sums.filter { $0.key.gateway == key.gateway && $0.key.dimension == key.dimension }
            .reduce(0) { $0 + $1.value.total }
    }

    /// By gateway, dimension and tenant; those without a check or a second source are left out.
    var differences: [SourceDifference] {
        var found: [SourceDifference] = []
        for (key, sums) in sums {
            let billed = key.tenant == Self.allTenants ? gatewaySum(key) : sums.total
            func add(_ against: String, _ checked: Int64, isSource: Bool) {
                found.append(
                    SourceDifference(
                        gateway: key.gateway, tenant: key.tenant, dimension: key.dimension.rawValue,
                        rule: sums.billed.keys.sorted().joined(separator: ", "), billed: billed, against: against,
                        isSource: isSource, checked: checked, difference: checked - billed))
            }
            for (pattern, quantity) in sums.checks { add(pattern, quantity, isSource: false) }
            // One source alone is what is billed.
            guard sums.sources.count > 1 else { continue }
            for (source, quantity) in sums.sources { add(source.name, quantity, isSource: true) }
        }
        return found.sorted {
            ($0.gateway, $0.dimension, $0.tenant, $0.against) < ($1.gateway, $1.dimension, $1.tenant, $1.against)
        }
    }
}
