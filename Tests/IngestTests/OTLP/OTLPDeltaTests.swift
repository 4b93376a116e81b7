import EnvoyAPI
import Foundation
import Logging
import Metering
import PostgreSQL
import SwiftProtobuf
import TestSupport
import Testing
import UsageStore

@testable import Ingest

/// Exports of deltas are counted once, to whichever worker and however often they are sent.
@Suite struct OTLPDeltaTests {
    private func withStore(_ body: (UsageStore) async throws -> Void) async throws {
        try await TestServer.withDatabase { configuration in
            let logger = TestServer.logger
            let pool = PostgresPool(configuration, limits: .init(size: 4), logger: logger)
            do {
                _ = try await Migrations(directory: Shipped.path("migrations")).run(on: configuration, logger: logger)
                let store = UsageStore(pool: pool, logger: logger)
                try await store.putInForce(meters: [Shipped.meters()], now: Timestamp(seconds: 1_600_000_000))
                try await body(store)
            } catch {
                await pool.shutdown()
                throw error
            }
            await pool.shutdown()
        }
    }

    private func receiver(_ store: UsageStore) -> OTLPReceiver {
        let worker = IngestWorker(
            store: store, collect: .everything, configuration: .init(), logger: TestServer.logger,
            now: { Timestamp(seconds: Int64(Date().timeIntervalSince1970)) })
        return OTLPReceiver(identity: OTLPIdentity(), worker: worker, store: store, collect: .everything)
    }

    /// An export of one instance: so many requests of acme in the second that ends at `time`.
    private func export(_ instance: String, requests: Int64, time: UInt64) throws -> [UInt8] {
        var point = Opentelemetry_Proto_Metrics_V1_NumberDataPoint()
        point.startTimeUnixNano = (time - 1) * 1_000_000_000
        point.timeUnixNano = time * 1_000_000_000
        point.asInt = requests
        var sum = Opentelemetry_Proto_Metrics_V1_Sum()
        sum.aggregationTemporality = .delta
        sum.isMonotonic = true
        sum.dataPoints = [point]
        var metric = Opentelemetry_Proto_Metrics_V1_Metric()
        metric.name = "http.tenant_acme.downstream_rq_completed"
        metric.sum = sum
        var scope = Opentelemetry_Proto_Metrics_V1_ScopeMetrics()
        scope.metrics = [metric]
        var attributes: [Opentelemetry_Proto_Common_V1_KeyValue] = []
        for (key, value) in [("service.instance.id", instance), ("service.name", "gw")] {
            var attribute = Opentelemetry_Proto_Common_V1_KeyValue()
            attribute.key = key
            attribute.value.stringValue = value
            attributes.append(attribute)
        }
        var metrics = Opentelemetry_Proto_Metrics_V1_ResourceMetrics()
        metrics.resource.attributes = attributes
        metrics.scopeMetrics = [scope]
        var request = Opentelemetry_Proto_Collector_Metrics_V1_ExportMetricsServiceRequest()
        request.resourceMetrics = [metrics]
        return try request.serializedBytes()
    }

    private func metered(_ store: UsageStore) async throws -> Int64 {
        let run = try await store.aggregate()
        #expect(run.failures.isEmpty)
        let rows = try await store.pool.execute("SELECT COALESCE(sum(requests), 0)::bigint FROM consumption")
        return try #require(rows.first).decode(0)
    }

    @Test("An export that is sent again, to any of two workers at once, counts once")
    func once() async throws {
        try await withStore { store in
            let workers = [receiver(store), receiver(store)]
            let start = UInt64(Date().timeIntervalSince1970) - 60
            var expected: Int64 = 0
            for second in 0..<8 as Range<UInt64> {
                for instance in ["a", "b"] {
                    let requests = Int64(second) + (instance == "a" ? 10 : 1)
                    let export = try export(instance, requests: requests, time: start + second)
                    expected += requests
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for copy in 0..<4 {
                            group.addTask {
                                try await workers[copy % 2].receive(
                                    export, peer: "10.0.0.1", at: Timestamp(seconds: Int64(start + second)))
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
            #expect(try await metered(store) == expected)
            // A worker that starts anew counts none of them again.
            let late = try export("a", requests: 10, time: start)
            try await receiver(store).receive(late, peer: "10.0.0.1", at: Timestamp(seconds: Int64(start) + 30))
            #expect(try await metered(store) == expected)
        }
    }

    @Test("An export is answered only when it is committed: without a database it is not")
    func notAnsweredWithoutADatabase() async throws {
        try await withStore { store in
            let receiver = receiver(store)
            let time = UInt64(Date().timeIntervalSince1970) - 60
            let export = try export("a", requests: 5, time: time)
            try await store.pool.execute("ALTER TABLE otlp_export RENAME TO elsewhere")
            await #expect(throws: (any Error).self) {
                try await receiver.receive(export, peer: "10.0.0.1", at: Timestamp(seconds: Int64(time)))
            }
            #expect(try await metered(store) == 0)
            try await store.pool.execute("ALTER TABLE elsewhere RENAME TO otlp_export")
            try await receiver.receive(export, peer: "10.0.0.1", at: Timestamp(seconds: Int64(time)))
            #expect(try await metered(store) == 5)
        }
    }
}
