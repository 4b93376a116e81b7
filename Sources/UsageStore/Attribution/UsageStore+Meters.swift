package import Metering
import PostgreSQL
import StrictYAML

extension UsageStore {
    /// What meters would change if they were in force from a quarter hour on. Reads the tapes since then of each gateway
    /// in which a counter would move.
    ///
    /// - Throws: `MeterConflict` where two bill rules claim a counter that is known.
    package func preview(
        _ meters: Meters, from: QuarterHour, progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws -> MeterPreview {
        try await pool.withConnection { connection in
            try await Self.refuseContested(meters, on: connection)
            let versions = try await meterVersions(on: connection)
            let units = try await Self.units(since: from, on: connection)
            var preview = MeterPreview(
                validFrom: from.description, quarterHours: Int64(units.count),
                firstQuarterHour: units.first?.quarterHour.description,
                lastQuarterHour: units.last?.quarterHour.description,
                supersedes: try await Self.supersededVersions(after: from, on: connection), moves: [], tenants: [])
            var movements = MeterMovements(meters: meters, versions: versions)
            let moving = try await Self.counterNames(on: connection).filter { gateway, names in
                movements.concerns(gateway.name, names, units.map(\.quarterHour))
            }
            let affected = units.filter { unit in moving.keys.contains { $0.number == unit.gateway } }
            let reader = TapeReader(connection: connection, dictionary: counterDictionary)
            for (index, unit) in affected.enumerated() {
                movements.add(
                    try await UnitCounters.read(unit, identities: meters.identities, with: reader), unit.quarterHour)
                progress(index + 1, affected.count)
            }
            preview.moves = movements.moves
            preview.tenants = movements.tenants
            return preview
        }
    }

    /// Loads a version of the meters. What it is valid for is derived anew.
    ///
    /// - Parameters:
    ///   - files: the text of each meters file; `names` what they are called in messages.
    ///   - from: nil for the current quarter hour on, and for always where there is no version yet.
    ///   - operatorName, reason: kept with the version.
    /// - Returns: its number.
    /// - Throws: `MeterConflict` where two bill rules claim a counter that is known; then nothing is changed.
    package func apply(
        meters files: [String], names: [String], from: QuarterHour?, by operatorName: String, reason: String?,
        now: Timestamp
    ) async throws -> Int64 {
        let meters = Meters(
            joining: try files.indices.map { index in
                try Meters(yaml: files[index], file: index < names.count ? names[index] : "meters")
            })
        return try await pool.transaction(.readCommitted) { connection in
            _ = try await connection.execute("LOCK TABLE meter_version IN SHARE ROW EXCLUSIVE MODE")
            try await Self.refuseContested(meters, on: connection)
            let known = try await connection.execute("SELECT EXISTS (SELECT FROM meter_version)")
            let isFirst = try known.first?.decode(0, as: Bool.self) == false
            let standard = isFirst ? Timestamp(microseconds: 0) : QuarterHour(containing: now).start
            return try await Self.insert(
                files, from: from?.start ?? standard, by: operatorName, reason: reason, on: connection)
        }
    }

    /// All versions, the newest first.
    package func meterVersionRecords() async throws -> [MeterVersionRecord] {
        try await pool.withConnection { connection in
            try await connection.execute(
                """
                SELECT meter_version_id, valid_from, created_at, applied_by, reason, meters,
                    meter_version_id = (SELECT max(meter_version_id) FROM meter_version WHERE valid_from <= now())
                FROM meter_version ORDER BY meter_version_id DESC
                """
            ).map { row in
                MeterVersionRecord(
                    version: try row.decode(0), validFrom: try row.timestamp(1).description,
                    appliedAt: try row.timestamp(2).description, appliedBy: try row.decode(3),
                    reason: try row.decode(4), inForce: try row.decode(6, as: Bool?.self) ?? false,
                    meters: try row.decode(5))
            }
        }
    }

    static func insert(
        _ files: [String], from: Timestamp, by operatorName: String, reason: String?, on connection: PostgresConnection
    ) async throws -> Int64 {
        let rows = try await connection.execute(
            """
            INSERT INTO meter_version (valid_from, meters, applied_by, reason) VALUES ($1, $2, $3, $4)
            RETURNING meter_version_id
            """,
            [from.postgres, files, operatorName, reason]
        )
        _ = try await connection.execute(
            """
            INSERT INTO tape_change (gateway_id, quarter_hour)
            SELECT DISTINCT gateway_id, quarter_hour FROM tapes AS tape WHERE quarter_hour >= $1
            """,
            [from.postgres]
        )
        guard let row = rows.first else { throw UsageStoreError(.corrupt, "a version was inserted without an answer") }
        return try row.decode(0)
    }

    // MARK: Inside

    struct NamedGateway: Hashable {
        let number: Int64
        let name: String
    }

    private static func refuseContested(_ meters: Meters, on connection: PostgresConnection) async throws {
        var contested: [MeterConflict] = []
        for (gateway, names) in try await counterNames(on: connection) {
            contested += meters.contested(names, gateway: gateway.name)
        }
        guard !contested.isEmpty else { return }
        let said = contested.map(\.description).sorted()
        let more = said.count > 20 ? "\nand \(said.count - 20) more counters" : ""
        throw MeterConflict(said.prefix(20).joined(separator: "\n") + more + "\nnothing was applied")
    }

    /// The names of each gateway's counters.
    static func counterNames(on connection: PostgresConnection) async throws -> [NamedGateway: [String]] {
        let rows = try await connection.execute(
            """
            SELECT gateway_id, gateway.name, array_agg(counter.name) FROM counter JOIN gateway USING (gateway_id)
            GROUP BY 1, 2
            """)
        var names: [NamedGateway: [String]] = [:]
        for row in rows {
            names[NamedGateway(number: try row.decode(0), name: try row.decode(1))] = try row.decode(2)
        }
        return names
    }

    private static func units(since from: QuarterHour, on connection: PostgresConnection) async throws
        -> [AggregationUnit]
    {
        try await connection.execute(
            "SELECT DISTINCT gateway_id, quarter_hour FROM tapes AS tape WHERE quarter_hour >= $1 ORDER BY 2, 1",
            [from.start.postgres]
        ).map { AggregationUnit(gateway: try $0.decode(0), quarterHour: try $0.quarterHour(1)) }
    }

    private static func supersededVersions(after from: QuarterHour, on connection: PostgresConnection) async throws
        -> [Int64]
    {
        try await connection.execute(
            """
            SELECT meter_version_id FROM meter_version WHERE valid_from >= $1 AND valid_from > now() ORDER BY 1
            """,
            [from.start.postgres]
        ).map { try $0.decode(0) }
    }
}
