import Foundation
import Metering
import PostgreSQL
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import UsageStore

@testable import Ingest

/// Pulls from real sockets into a real database.
@Suite struct PrometheusPullerTests {
    private struct LookUpFailed: Error {}

    /// A page of an Envoy that has just started.
    private static func page(requests: Int) -> String {
        """
        # TYPE envoy_server_uptime gauge
        envoy_server_uptime{} 0
        # TYPE envoy_http_downstream_rq_completed counter
        envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix="tenant_acme"} \(requests)

        """
    }

    @Test("Each address of a name is an instance; when look-ups fail, those that were known are pulled on")
    func names() async throws {
        let first = try ScrapeServer(address: "127.0.0.1", text: Self.page(requests: 5))
        let second = try ScrapeServer(address: "127.0.0.2", port: first.port, text: Self.page(requests: 7))
        defer {
            first.close()
            second.close()
        }
        let answer = Mutex<Result<[String], LookUpFailed>>(.success(["127.0.0.1", "127.0.0.2"]))
        try await TestServer.withDatabase { database in
            let pool = PostgresPool(database, limits: .init(size: 4), logger: TestServer.logger)
            _ = try await Migrations(directory: Shipped.path("migrations")).run(on: database, logger: TestServer.logger)
            let store = UsageStore(pool: pool, logger: TestServer.logger)
            try await store.putInForce(meters: [Shipped.meters()], now: Timestamp(seconds: 1_600_000_000))
            let now: @Sendable () -> Timestamp = {
                Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
            }
            let worker = IngestWorker(
                store: store, collect: .everything, configuration: .init(), logger: TestServer.logger, now: now)
            var configuration = PrometheusPuller.Configuration(gateway: "pulled")
            configuration.names = [try #require(PrometheusTarget("envoys.test:\(first.port)"))]
            configuration.interval = 20_000
            let puller = PrometheusPuller(
                configuration: configuration, worker: worker, collect: .everything, logger: TestServer.logger, now: now,
                resolve: { name in
                    try answer.withLock { try $0.get() }.map { address in
                        var target = name
                        target.host = address
                        return target
                    }
                })
            let group = ServiceGroup(services: [puller], logger: TestServer.logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                try await Self.wait { first.scrapes >= 2 && second.scrapes >= 2 }
                answer.withLock { $0 = .failure(LookUpFailed()) }
                second.show(Self.page(requests: 12))
                let known = (first.scrapes, second.scrapes)
                try await Self.wait { first.scrapes >= known.0 + 2 && second.scrapes >= known.1 + 2 }
                // A pod that has gone is pulled no longer.
                answer.withLock { $0 = .success(["127.0.0.1"]) }
                first.show(Self.page(requests: 6))
                let gone = first.scrapes
                try await Self.wait { first.scrapes >= gone + 3 }
                let last = second.scrapes
                try await Self.wait { first.scrapes >= gone + 6 }
                #expect(second.scrapes == last)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            try await worker.commit()
            #expect(try await store.aggregate().failures.isEmpty)
            let sums = try await pool.execute(
                """
                SELECT (SELECT COALESCE(sum(requests), 0)::bigint FROM consumption),
                    (SELECT array_agg(name || ' ' || peer ORDER BY name)
                    FROM instance JOIN stream_peer USING (instance_id))
                """)
            let row = try #require(sums.first)
            #expect(try row.decode(0, as: Int64.self) == 18)
            #expect(
                try row.decode(1, as: [String].self)
                    == ["127.0.0.1", "127.0.0.2"].map {
                        "\($0):\(first.port) http://\($0):\(first.port)/stats/prometheus"
                    })
            await pool.shutdown()
        }
    }

    private static func wait(_ condition: () -> Bool) async throws {
        for _ in 0..<1_000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(condition())
    }
}
