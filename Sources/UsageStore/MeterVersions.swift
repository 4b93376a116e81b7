package import Metering
import PostgreSQL
import StrictYAML
import Synchronization

/// The meters in force by quarter hour.
package struct MeterVersions: Sendable {
    /// Versions in the order of their validity; the last one at or before a quarter hour is in force in it.
    fileprivate let versions: [(validFrom: Timestamp, version: MeterVersion)]

    /// The meters in force; nil before the first version.
    package func inForce(at quarterHour: QuarterHour) -> MeterVersion? {
        versions.last { $0.validFrom <= quarterHour.start }?.version
    }
}

/// A version of the meters, which never changes, with what it says of the counters that were asked for: a gateway's
/// counters are the same in every quarter hour.
package final class MeterVersion: Sendable {
    /// Counters remembered; above it they are forgotten and asked for again.
    private static let remembered = 1_000_000

    package let meters: Meters
    private let known = Mutex<[CounterID: Attribution]>([:])

    init(_ meters: Meters) {
        self.meters = meters
    }

    func attributions(of names: [CounterID: String], gateway: String) -> [CounterID: Attribution] {
        var attributions = known.withLock { known in
            names.reduce(into: [CounterID: Attribution](minimumCapacity: names.count)) { found, entry in
                found[entry.key] = known[entry.key]
            }
        }
        guard attributions.count < names.count else { return attributions }
        var new: [CounterID: Attribution] = [:]
        for (counter, name) in names where attributions[counter] == nil {
            new[counter] = meters.attribution(of: name, gateway: gateway)
        }
        attributions.merge(new) { known, _ in known }
        known.withLock { known in
            if known.count + new.count > Self.remembered { known = [:] }
            known.merge(new) { known, _ in known }
        }
        return attributions
    }
}

/// The versions that were read, by number.
final class MeterVersionCache: Sendable {
    private let versions = Mutex<[Int64: MeterVersion]>([:])

    func version(_ number: Int64) -> MeterVersion? { versions.withLock { $0[number] } }

    func remember(_ version: MeterVersion, as number: Int64) {
        versions.withLock { $0[number] = version }
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
        try await pool.withConnection { try await meterVersions(on: $0) }
    }

    /// A version's text is read and understood once.
    func meterVersions(on connection: PostgresConnection) async throws -> MeterVersions {
        let rows = try await connection.execute(
            "SELECT meter_version_id, valid_from FROM meter_version ORDER BY valid_from, meter_version_id")
        var versions: [(validFrom: Timestamp, version: MeterVersion)] = []
        for row in rows {
            let number: Int64 = try row.decode(0)
            versions.append((try row.timestamp(1), try await meterVersion(number, on: connection)))
        }
        return MeterVersions(versions: versions)
    }

    private func meterVersion(_ number: Int64, on connection: PostgresConnection) async throws -> MeterVersion {
        if let known = meterVersionCache.version(number) { return known }
        let rows = try await connection.execute(
            "SELECT meters FROM meter_version WHERE meter_version_id = $1", [number])
        let files: [String] = try rows.first?.decode(0) ?? []
        let meters = try files.map { try Meters(yaml: $0, file: "meters version \(number)") }
        let version = MeterVersion(Meters(joining: meters))
        meterVersionCache.remember(version, as: number)
        return version
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
