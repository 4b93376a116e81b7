package import Metering
import PostgreSQL
import StrictYAML

/// The meters in force by quarter hour.
package struct MeterVersions: Sendable {
    /// Versions in the order of their validity; the last one at or before a quarter hour is in force in it.
    let versions: [(validFrom: Timestamp, meters: Meters)]

    /// The meters in force; nil before the first version.
    package func inForce(at quarterHour: QuarterHour) -> Meters? {
        versions.last { $0.validFrom <= quarterHour.start }?.meters
    }
}

extension UsageStore {
    /// Puts meters files in force, if they differ from those that are: from the current quarter hour on, the very first
    /// ones since always. The quarter hours that they are valid for are derived anew.
    ///
    /// - Parameter files: the text of each meters file.
    /// - Returns: whether a new version was made.
    @discardableResult
    package func putInForce(meters files: [String], now: Timestamp) async throws -> Bool {
        try await pool.transaction(.readCommitted) { connection in
            _ = try await connection.execute("LOCK TABLE meter_version IN SHARE ROW EXCLUSIVE MODE")
            let latest = try await connection.execute(
                """
                SELECT meters = $1::text[], valid_from FROM meter_version ORDER BY valid_from DESC, meter_version_id DESC LIMIT 1
                """,
                [files]
            )
            if let row = latest.first, try row.decode(0, as: Bool.self) { return false }
            var validFrom = Timestamp(microseconds: 0)
            // Never before the version that it replaces, whatever this clock says.
            if let row = latest.first { validFrom = max(QuarterHour(containing: now).start, try row.timestamp(1)) }
            _ = try await connection.execute(
                "INSERT INTO meter_version (valid_from, meters) VALUES ($1, $2)", [validFrom.postgres, files])
            _ = try await connection.execute(
                """
                INSERT INTO tape_change (gateway_id, quarter_hour)
                SELECT DISTINCT gateway_id, quarter_hour FROM tape WHERE quarter_hour >= $1
                """,
                [validFrom.postgres]
            )
            return true
        }
    }

    /// All versions of the meters.
    package func meterVersions() async throws -> MeterVersions {
        try await pool.withConnection { try await Self.meterVersions(on: $0) }
    }

    static func meterVersions(on connection: PostgresConnection) async throws -> MeterVersions {
        let rows = try await connection.execute(
            "SELECT meter_version_id, valid_from, meters FROM meter_version ORDER BY valid_from, meter_version_id")
        return MeterVersions(
            versions: try rows.map { row in
                let number: Int64 = try row.decode(0)
                let files: [String] = try row.decode(2)
                let meters = try files.map { try Meters(yaml: $0, file: "meters version \(number)") }
                return (try row.timestamp(1), Meters(joining: meters))
            }
        )
    }
}

extension UsageStore {
    /// Declares a gateway: epochs of its instances that began after `meteringSince` are billed from 0 (rule 6). A
    /// gateway that is there already keeps the earlier time.
    package func declare(gateway: String, meteringSince: Timestamp) async throws {
        try await pool.withConnection { connection in
            _ = try await connection.execute(
                """
                INSERT INTO gateway (name, metering_since) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE
                SET metering_since = LEAST(gateway.metering_since, excluded.metering_since)
                """,
                [gateway, meteringSince.postgres]
            )
        }
    }
}
