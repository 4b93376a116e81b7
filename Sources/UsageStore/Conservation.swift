package import Metering
import PostgreSQL

/// What `check conservation` found: sums that have to be equal, and are not.
package struct ConservationReport: Hashable, Sendable {
    /// One sum that differs from another.
    package struct Difference: Hashable, Sendable, Encodable {
        /// What was compared: `quarter hour`, `hour`, `day`, `month`.
        package var level: String
        package var tenant: String
        package var gateway: String
        package var service: String
        package var zone: String
        package var start: String
        package var dimension: String
        /// What it has to be: the tapes' and corrections' sum, or the quarter hours'.
        package var expected: Int64
        package var stored: Int64
    }

    /// The sum of a tenant's dimension on each side.
    package struct Total: Hashable, Sendable, Encodable {
        package var tenant: String
        package var dimension: String
        /// Bound tapes and corrections.
        package var derived: Int64
        package var stored: Int64
    }

    package var totals: [Total] = []
    package var differences: [Difference] = []
    /// Quarter hours of gateways that were compared with their tapes.
    package var quarterHours: Int64 = 0
    /// Left out: they wait in the queue, or their tapes were dropped.
    package var waiting: Int64 = 0
    package var withoutTapes: Int64 = 0
    /// Roll-ups that were compared with their quarter hours.
    package var rollUps: Int64 = 0

    package init() {}
}

extension UsageStore {
    /// Compares, in one snapshot, over `[start, end)`: what the tapes and the corrections give with the records of the
    /// quarter hours that do not wait in the queue, and each roll-up that overlaps with the sum over its own
    /// [start, end). Writes nothing.
    package func checkConservation(
        from start: Timestamp, to end: Timestamp,
        progress: @Sendable (_ done: Int64, _ all: Int64) -> Void = { _, _ in }
    ) async throws -> ConservationReport {
        try await pool.transaction(.repeatableRead) { connection in
            var report = ConservationReport()
            let names = try await ConservationNames(connection)
            let units = try await unitsToCheck(from: start, to: end, &report, on: connection)
            var totals: [String: [Int: (derived: Int64, stored: Int64)]] = [:]
            for (index, unit) in units.enumerated() {
                try await compare(unit, names, &totals, &report, on: connection)
                progress(Int64(index + 1), Int64(units.count))
            }
            report.quarterHours = Int64(units.count)
            for (tenant, dimensions) in totals.sorted(by: { $0.key < $1.key }) {
                for (index, sums) in dimensions.sorted(by: { $0.key < $1.key }) where sums != (0, 0) {
                    report.totals.append(
                        .init(
                            tenant: tenant, dimension: RollUpCheck.columns[index], derived: sums.derived,
                            stored: sums.stored))
                }
            }
            let check = RollUpCheck(connection: connection)
            let zones = try await connection.execute("SELECT DISTINCT zone FROM rollup_zone ORDER BY zone")
                .map { try $0.decode(0, as: String.self) }
            for zone in [RollUpCalendar.utc] + zones {
                for grain in RollUpCalendar.Grain.allCases where grain != .hour || zone == RollUpCalendar.utc {
                    let found = try await check.compare(grain, zone: zone, from: start, to: end, gateways: nil)
                    report.rollUps += found.compared
                    report.differences += found.differences.map { $0.told(names) }
                }
            }
            return report
        }
    }

    /// Holds the roll-ups of what a job touched against their quarter hours.
    func checkRollUps(of units: [AggregationUnit]) async throws {
        guard let first = units.map(\.quarterHour).min(), let last = units.map(\.quarterHour).max() else { return }
        try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            let check = RollUpCheck(connection: connection)
            let gateways = Set(units.map(\.gateway)).sorted()
            var found = try await check.compare(
                .hour, zone: RollUpCalendar.utc, from: first.start, to: last.end, gateways: gateways
            ).differences
            // Days and months of the last quarter hour, which almost all runs are about.
            let zones = try await connection.execute("SELECT DISTINCT zone FROM rollup_zone ORDER BY zone")
                .map { try $0.decode(0, as: String.self) }
            for zone in [RollUpCalendar.utc] + zones {
                found += try await check.compare(
                    .day, zone: zone, from: last.start, to: last.end, gateways: gateways
                ).differences
                found += try await check.compareMonths(zone: zone, from: last.start, to: last.end, gateways: gateways)
            }
            guard let difference = found.first else { return }
            let told = difference.told(try await ConservationNames(connection))
            throw UsageStoreError(
                .conservation,
                "\(found.count) roll-ups are not the sum of their quarter hours; the first: \(told.level) \(told.start) "
                    + "of \(told.tenant), \(told.gateway), \(told.service): \(told.dimension) is \(told.stored), the "
                    + "quarter hours' sum is \(told.expected). Find what else writes into the tables; "
                    + "waybill aggregate --from … --to … makes them anew")
        }
    }

    private func unitsToCheck(
        from start: Timestamp, to end: Timestamp, _ report: inout ConservationReport, on connection: PostgresConnection
    ) async throws -> [AggregationUnit] {
        let rows = try await connection.execute(
            """
            SELECT gateway_id, quarter_hour,
                (gateway_id, quarter_hour) IN (SELECT gateway_id, quarter_hour FROM tape_change),
                quarter_hour < COALESCE(
                    (SELECT dropped_before FROM retention_floor WHERE subject = 'tape'), '-infinity')
            FROM (
                SELECT gateway_id, quarter_hour FROM tapes AS tape WHERE quarter_hour >= $1 AND quarter_hour < $2
                UNION SELECT gateway_id, quarter_hour FROM consumption WHERE quarter_hour >= $1 AND quarter_hour < $2
            ) AS unit
            ORDER BY quarter_hour, gateway_id
            """,
            [start.postgres, end.postgres])
        var units: [AggregationUnit] = []
        for row in rows {
            if try row.decode(2, as: Bool.self) {
                report.waiting += 1
            } else if try row.decode(3, as: Bool.self) {
                report.withoutTapes += 1
            } else {
                units.append(AggregationUnit(gateway: try row.decode(0), quarterHour: try row.quarterHour(1)))
            }
        }
        return units
    }

    private func compare(
        _ unit: AggregationUnit, _ names: ConservationNames,
        _ totals: inout [String: [Int: (derived: Int64, stored: Int64)]], _ report: inout ConservationReport,
        on connection: PostgresConnection
    ) async throws {
        let derived = try await derivation(of: unit, on: connection)
        let stored = try await ConsumptionWriter(connection: connection, names: tenantNames).stored(unit)
        var expected: [RecordKey: ConsumptionRecord] = [:]
        var unknown: [(DerivedConsumption.Key, ConsumptionRecord)] = []
        for (key, quantities) in derived.quantities {
            if let known = names.keys[key] {
                expected[known] = quantities.record
            } else {
                unknown.append((key, quantities.record))
            }
        }
        func compare(_ key: DerivedConsumption.Key, _ expected: ConsumptionRecord?, _ stored: ConsumptionRecord?) {
            let left = RollUpCheck.values(expected)
            let right = RollUpCheck.values(stored)
            for index in left.indices {
                totals[key.tenant, default: [:]][index, default: (0, 0)].derived.addClamped(left[index])
                totals[key.tenant, default: [:]][index, default: (0, 0)].stored.addClamped(right[index])
                guard left[index] != right[index] else { continue }
                report.differences.append(
                    .init(
                        level: "quarter hour", tenant: key.tenant, gateway: names.gateway(unit.gateway),
                        service: key.service, zone: RollUpCalendar.utc, start: unit.quarterHour.description,
                        dimension: RollUpCheck.columns[index], expected: left[index], stored: right[index]))
            }
        }
        for key in Set(expected.keys).union(stored.keys).sorted() {
            compare(names.name(key), expected[key], stored[key])
        }
        for (key, record) in unknown { compare(key, record, nil) }
    }
}

/// Names for the numbers in a report.
struct ConservationNames {
    private(set) var keys: [DerivedConsumption.Key: RecordKey] = [:]
    private var services: [RecordKey: DerivedConsumption.Key] = [:]
    private var gateways: [Int64: String] = [:]

    init(_ connection: PostgresConnection) async throws {
        let rows = try await connection.execute(
            "SELECT tenant.name, service.name, tenant_id, service_id FROM service JOIN tenant USING (tenant_id)")
        for row in rows {
            let name = DerivedConsumption.Key(tenant: try row.decode(0), service: try row.decode(1))
            let key = RecordKey(tenant: try row.decode(2), service: try row.decode(3))
            keys[name] = key
            services[key] = name
        }
        for row in try await connection.execute("SELECT gateway_id, name FROM gateway") {
            gateways[try row.decode(0)] = try row.decode(1, as: String.self)
        }
    }

    func name(_ key: RecordKey) -> DerivedConsumption.Key {
        services[key] ?? DerivedConsumption.Key(tenant: "number \(key.tenant)", service: "number \(key.service)")
    }

    func gateway(_ number: Int64) -> String { gateways[number] ?? "number \(number)" }
}
