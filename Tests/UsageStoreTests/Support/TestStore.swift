import Foundation
import Logging
import Metering
import PostgreSQL
import TestSupport

@testable import UsageStore

/// A store in a database of its own, which is dropped when `body` ends. It meters since 2024-11-05T00:00:00Z: all
/// times of these tests lie before any clock that they may run under.
func withStore(
    meteringSince: Timestamp = .at(0, 0), connections: Int = 4, _ body: (UsageStore) async throws -> Void
) async throws {
    try await TestServer.withDatabase { configuration in
        let logger = TestServer.logger
        let limits = PostgresPool.Limits(size: connections)
        let pool = PostgresPool(configuration, limits: limits, logger: logger)
        do {
            _ = try await Migrations(directory: Shipped.path("migrations")).run(on: configuration, logger: logger)
            try await pool.execute("UPDATE metering_start SET made_at = $1", [meteringSince.postgres])
            try await body(UsageStore(pool: pool, logger: logger))
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }
}

/// What one process does: with connections of its own, which it never makes anew once it has lost them.
func withProcess<Result>(
    _ configuration: PostgresConfiguration, _ body: (UsageStore) async throws -> Result
) async throws -> Result {
    let pool = PostgresPool(
        configuration, limits: PostgresPool.Limits(size: 4, reconnect: .zero), logger: TestServer.logger)
    do {
        let result = try await body(UsageStore(pool: pool, logger: TestServer.logger))
        await pool.shutdown()
        return result
    } catch {
        await pool.shutdown()
        throw error
    }
}

extension UsageStore {
    /// Puts the shipped meters in force since always.
    func putShippedMetersInForce() async throws {
        try await putInForce(meters: [Shipped.meters()], now: .at(0, 0))
    }

    /// Commits a stream and keeps what is stored of it.
    func commit(_ stream: inout Stream) async throws {
        var streams = [stream]
        try await commit(&streams)
        stream = streams[0]
    }

    func commit(_ streams: inout [Stream]) async throws {
        let stored = try await commit(streams.map(\.snapshot))
        for index in streams.indices {
            if let stored = stored[streams[index].tape.stream] { streams[index].hasStored(stored) }
        }
    }

    /// The usage of a tenant on the tests' day.
    func usage(of tenant: String, by grouping: Set<UsageGrouping> = []) async throws -> MonthlyUsage {
        try await monthlyUsage(
            tenant: tenant, month: "2024-11", zone: "UTC", from: .at(0, 0), to: .at(24, 0), asOf: .at(23, 0),
            groupBy: grouping)
    }

    /// The requests of a tenant on the tests' day, after the queue has been worked off.
    func requests(of tenant: String = "acme") async throws -> Int64 {
        let run = try await aggregate()
        guard run.failures.isEmpty else { throw UsageStoreError(.corrupt, run.failures.joined(separator: "; ")) }
        return try await usage(of: tenant).requests
    }

    /// One number.
    func number(_ sql: StaticString, _ parameters: [any PostgresEncodable] = []) async throws -> Int64 {
        try await pool.execute(sql, parameters)[0].decode(0)
    }

    func names(_ sql: StaticString, _ parameters: [any PostgresEncodable] = []) async throws -> [String] {
        try await pool.execute(sql, parameters).map { try $0.decode(0) }
    }

    /// What one row has in each column, as text: to compare all that is stored before and after.
    func contents() async throws -> [String] {
        try await names(
            """
            SELECT 'epoch ' || epoch::text FROM epoch
            UNION ALL SELECT 'baseline ' || epoch_baseline::text FROM epoch_baseline
            UNION ALL SELECT 'tape ' || tapes::text FROM tapes
            UNION ALL SELECT 'remark ' || stream_remark::text FROM stream_remark
            UNION ALL SELECT 'counter ' || counter::text FROM counter
            UNION ALL SELECT 'consumption ' || consumption::text FROM consumption
            UNION ALL SELECT 'roll-up ' || consumption_rollup::text FROM consumption_rollup
            UNION ALL SELECT 'carried over ' || carried_over::text FROM carried_over
            UNION ALL SELECT 'unattributed ' || unattributed::text FROM unattributed
            UNION ALL SELECT concat_ws(' ', 'gap', gateway_id, quarter_hour, epoch_id, tenant_id, counter_id, reason,
                from_at, to_at, lower_bound, upper_bound) FROM gap
            ORDER BY 1
            """)
    }
}
