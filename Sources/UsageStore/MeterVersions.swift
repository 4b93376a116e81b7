package import Metering
import PostgreSQL
import StrictYAML
import Synchronization

/// The meters in force by quarter hour.
package struct MeterVersions: Sendable {
    /// Versions in the order in which they were applied. Of those that are valid in a quarter hour the last one that was
    /// applied is in force: a version is valid from a quarter hour on, whatever was applied before it.
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
    /// Puts a server's meters files in force, if they are others than those that a server put in force last: from the
    /// current quarter hour on, the very first ones since always. So a version that an operator applied meanwhile stays
    /// in force when a server starts again with the files that it had. What they are valid for is derived anew.
    ///
    /// - Parameters:
    ///   - files: the text of each meters file.
    ///   - onlyIfNone: put in force only where no version is known, as the shipped files are.
    /// - Returns: whether a new version was made.
    @discardableResult
    package func putInForce(meters files: [String], onlyIfNone: Bool = false, now: Timestamp) async throws -> Bool {
        try await pool.transaction(.readCommitted) { connection in
            _ = try await connection.execute("LOCK TABLE meter_version IN SHARE ROW EXCLUSIVE MODE")
            let latest = try await connection.execute(
                """
                SELECT meters = $1::text[], valid_from FROM meter_version
                ORDER BY applied_by = $2 DESC, meter_version_id DESC LIMIT 1
                """,
                [files, Self.server]
            )
            if let row = latest.first, try onlyIfNone || row.decode(0, as: Bool.self) { return false }
            var validFrom = Timestamp(microseconds: 0)
            // Never before the version that it replaces, whatever this clock says.
            if let row = latest.first { validFrom = max(QuarterHour(containing: now).start, try row.timestamp(1)) }
            _ = try await Self.insert(files, from: validFrom, by: Self.server, reason: nil, on: connection)
            return true
        }
    }

    /// What stands as the one who applied a version that came from a server's files.
    private static let server = "serve"

    /// The meters in force at an instant; nil before the first version.
    package func metersInForce(at instant: Timestamp) async throws -> Meters? {
        try await meterVersions().inForce(at: QuarterHour(containing: instant))?.meters
    }

    /// All versions of the meters.
    package func meterVersions() async throws -> MeterVersions {
        try await pool.withConnection { try await meterVersions(on: $0) }
    }

    /// A version's text is read and understood once.
    func meterVersions(on connection: PostgresConnection) async throws -> MeterVersions {
        let rows = try await connection.execute(
            "SELECT meter_version_id, valid_from FROM meter_version ORDER BY meter_version_id")
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
