import Foundation
import Metering
import PostgreSQL
import Pricing
import TestSupport
import Testing
import UsageStore

/// A consumption record as a test puts it there.
struct Record: Sendable {
    var tenant: Int64
    var service: Int64
    var at: Timestamp
    var requests: Int64
    var newConnections: Int64 = 0
    var activeParts: Int64 = 0
    var received: Int64 = 0
    var sent: Int64 = 0
    var carriedIn: Int64 = 0
    var since: Timestamp?
    var until: Timestamp?
}

struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A store in a database of its own.
func withStore(_ body: (UsageStore, PostgresConfiguration) async throws -> Void) async throws {
    try await TestServer.withDatabase { configuration in
        let logger = TestServer.logger
        let pool = PostgresPool(configuration, limits: PostgresPool.Limits(size: 2), logger: logger)
        do {
            _ = try await Migrations(directory: Shipped.path("migrations")).run(on: configuration, logger: logger)
            try await body(UsageStore(pool: pool, logger: logger), configuration)
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }
}

extension UsageStore {
    private func withConnection<Result: Sendable>(
        _ configuration: PostgresConfiguration, _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await PostgresConnection.connect(configuration, logger: TestServer.logger)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    func insert(_ records: [Record], _ configuration: PostgresConfiguration) async throws {
        let epoch = { (time: Timestamp?) in time?.microseconds }
        try await withConnection(configuration) { connection in
            _ = try await connection.execute("SELECT make_partitions('2024-10-01', '2024-12-01')")
            _ = try await connection.execute(
                """
                INSERT INTO consumption (gateway_id, tenant_id, service_id, quarter_hour, requests, new_connections,
                    active_connections_sum, active_connections_count, received_bytes, sent_bytes, carried_in,
                    carried_since, carried_until)
                SELECT (SELECT gateway_id FROM gateway WHERE name = 'edge'), tenant, service,
                    'epoch'::timestamptz + moment * interval '1 microsecond', requests, connections, active, 1, received, sent,
                    carried, 'epoch'::timestamptz + since * interval '1 microsecond',
                    'epoch'::timestamptz + until * interval '1 microsecond'
                FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
                    AS new (tenant, service, moment, requests, connections, active, received, sent, carried, since, until)
                """,
                [
                    records.map(\.tenant), records.map(\.service), records.map { $0.at.microseconds },
                    records.map(\.requests), records.map(\.newConnections), records.map(\.activeParts),
                    records.map(\.received), records.map(\.sent), records.map(\.carriedIn),
                    records.map { epoch($0.since) }, records.map { epoch($0.until) },
                ])
        }
    }

    /// The records of the month as the script reads them.
    func dump(_ configuration: PostgresConfiguration, _ month: BillingPeriod) async throws -> Data {
        try await withConnection(configuration) { connection in
            let rows = try await connection.execute(
                """
                SELECT json_build_object('from', $1::bigint, 'to', $2::bigint,
                    'as_of', (extract(epoch FROM now()) * 1000000)::bigint,
                    'metering_since', (SELECT (extract(epoch FROM metering_since) * 1000000)::bigint FROM gateway),
                    'records', (SELECT json_agg(json_build_object(
                        'quarter_hour', (extract(epoch FROM quarter_hour) * 1000000)::bigint,
                        'requests', requests, 'new_connections', new_connections,
                        'received_bytes', received_bytes, 'sent_bytes', sent_bytes,
                        'active_connections_sum', active_connections_sum, 'carried_in', carried_in,
                        'carried_since', (extract(epoch FROM carried_since) * 1000000)::bigint,
                        'carried_until', (extract(epoch FROM carried_until) * 1000000)::bigint)) FROM consumption))::text
                """,
                [month.startMicroseconds, month.endMicroseconds])
            return Data(try #require(rows.first).decode(0, as: String.self).utf8)
        }
    }
}

/// The system's Python, with the scripts beside the tests of the cost model.
enum Python {
    static let path = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static func recompute(records: Data, comparison: Data) async throws -> [String: Any] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "recompute-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = [folder.appending(path: "records.json"), folder.appending(path: "comparison.json")]
        try records.write(to: files[0])
        try comparison.write(to: files[1])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        let scripts = Shipped.path("Tests/LoadBalancerCostsTests/Fixtures")
        process.arguments = ["-B", scripts + "/recompute_metered.py"] + files.map(\.path)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try #require(try JSONSerialization.jsonObject(with: answer) as? [String: Any])
    }
}
