import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Metering
import PostgreSQL
import TestSupport
import UsageStore
import WebAPI

/// The routes over a database of their own with one tenant's 110 requests of 2024-11-05, one of them at 23:30 UTC.
func withAPI(_ body: @Sendable (any TestClientProtocol, UsageStore) async throws -> Void) async throws {
    try await TestServer.withDatabase { configuration in
        let logger = TestServer.logger
        let limits = PostgresPool.Limits(reconnect: .milliseconds(1))
        let pool = PostgresPool(configuration, limits: limits, logger: logger)
        do {
            _ = try await Migrations(directory: Shipped.path("migrations")).run(on: configuration, logger: logger)
            try await pool.execute("UPDATE metering_start SET made_at = '2024-01-01 00:00:00+00'")
            let store = UsageStore(pool: pool, logger: logger)
            try await store.commitTraffic()
            let application = Application(router: WebAPI.router(store), logger: logger)
            try await application.test(.router) { client in try await body(client, store) }
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }
}

extension UsageStore {
    fileprivate func commitTraffic() async throws {
        let meters = try Shipped.meters()
        // 2024-11-05T00:00:00Z
        let day = Timestamp(seconds: 1_730_764_800)
        try await putInForce(meters: [meters], now: day)
        var tape = StreamTape(stream: StreamID(rawValue: 1), collect: .everything)
        for (seconds, value) in [(43_260, 100), (43_320, 109), (84_600, 110)] as [(Int64, Double)] {
            let time = day.advanced(byMicroseconds: seconds * 1_000_000)
            tape.receiveTime(sentMilliseconds: time.microseconds / 1000, receivedAt: time)
            if tape.wants(Array("http.tenant_acme.downstream_rq_completed".utf8).span) { tape.receiveCounter(value) }
            if tape.wants(Array("server.uptime".utf8).span) { tape.receiveGauge(Double(seconds - 43_200)) }
        }
        tape.end()
        let identity = StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: "boot-1")
        _ = try await commit([StreamCommit(identity: identity, tape: tape, stored: StoredStream())])
        try await aggregate()
    }
}

extension TestResponse {
    var json: [String: Any] {
        get throws {
            try JSONSerialization.jsonObject(with: Data(body.readableBytesView)) as? [String: Any] ?? [:]
        }
    }
}
