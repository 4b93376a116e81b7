import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Several sources of one gateway never add up (rule 8).
@Suite struct SourceElectionTests {
    private func withSources(_ body: (UsageStore) async throws -> Void) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            try await body(store)
        }
    }

    private func flush(_ stream: inout Stream, _ readings: [(Int64, Int64, Int64)]) {
        for (hour, minute, value) in readings {
            stream.flush(at: .at(hour, minute), requests: value, started: .at(12, 0))
        }
    }

    private func feed(
        _ store: UsageStore, _ number: Int64, _ source: SourceKind, instance: String = "envoy-1",
        _ readings: [(Int64, Int64, Int64)]
    ) async throws {
        var stream = Stream(number, instance: instance, source: source)
        flush(&stream, readings)
        stream.end()
        try await store.commit(&stream)
    }

    @Test func `The highest source counts, and another that says the same adds nothing`() async throws {
        try await withSources { store in
            try await feed(store, 1, .metricsService, [(12, 1, 10), (12, 16, 25), (12, 31, 40)])
            try await feed(store, 2, .prometheus, instance: "10.0.0.7:8002", [(12, 2, 12), (12, 17, 26), (12, 30, 39)])
            try await feed(store, 3, .otlp, [(12, 1, 10), (12, 16, 25), (12, 31, 40)])
            #expect(try await store.requests() == 40)
            #expect(try await store.usage(of: "acme").coverage.gaps.isEmpty)
        }
    }

    @Test func `While no higher source reports the lower one counts, and is displaced when the higher one is back`()
        async throws
    {
        try await withSources { store in
            var first = Stream(1)
            flush(&first, [(12, 1, 10), (12, 14, 20)])
            try await store.commit(&first)
            try await feed(
                store, 2, .prometheus,
                [(12, 2, 12), (12, 14, 20), (12, 15, 21), (12, 29, 40), (12, 31, 44), (12, 44, 60)])
            #expect(try await store.requests() == 60)
            // The higher one is back: its reading covers all since 12:14.
            flush(&first, [(13, 1, 90)])
            first.end()
            try await store.commit(&first)
            #expect(try await store.requests() == 90)
        }
    }

    @Test func `An instance that the identity map names is stood in for though others report`() async throws {
        try await withSources { store in
            let mapped =
                try await store.meterVersionRecords()[0].meters[0] + """
                    identities:
                    - {gateway: edge, source: prometheus, instance: "10.0.0.7:8002", stands_for: envoy-1}

                    """
            var away = Stream(1)
            flush(&away, [(12, 1, 10), (12, 14, 20)])
            try await store.commit(&away)
            try await feed(store, 2, .metricsService, instance: "envoy-2", [(12, 1, 1), (12, 16, 2), (12, 31, 3)])
            try await feed(
                store, 3, .prometheus, instance: "10.0.0.7:8002",
                [(12, 2, 12), (12, 14, 20), (12, 16, 25), (12, 29, 40)])
            // Nobody knows yet which instance it reads.
            #expect(try await store.requests() == 23)
            _ = try await store.apply(
                meters: [mapped], names: ["mapped.yaml"], from: QuarterHour(containing: .at(12, 0)), by: "ada",
                reason: "the map", now: .at(14, 0))
            #expect(try await store.requests() == 43)
        }
    }

    @Test func `What the first reading of a new source shows was counted by the one before`() async throws {
        try await withSources { store in
            try await feed(store, 1, .metricsService, [(12, 1, 10), (12, 44, 500)])
            try await feed(store, 2, .prometheus, [(13, 1, 520), (13, 10, 530)])
            #expect(try await store.requests() == 510)
            #expect(try await store.usage(of: "acme").coverage.gaps.contains { $0.reason == "late_start" })
        }
    }

    @Test func `Sources of one process are joined at the readings that both know, to a request`() async throws {
        try await withSources { store in
            // The higher one is away from 12:14 on, and reads again as another epoch's first reading at 13:01.
            try await feed(store, 1, .metricsService, [(12, 1, 10), (12, 14, 21)])
            try await feed(store, 2, .prometheus, [(12, 2, 12), (12, 13, 19), (12, 16, 26), (12, 44, 50), (13, 5, 80)])
            #expect(try await store.requests() == 80)
            #expect(try await store.usage(of: "acme").coverage.gaps.filter { $0.reason == "stream_down" }.isEmpty)
            let carried = try await store.pool.execute(
                "SELECT carried_in FROM consumption WHERE quarter_hour = $1", [Timestamp.at(12, 15).postgres])
            // 21 at 12:14:00, by the higher source, to 26 at 12:16:00.
            #expect(try carried.first?.decode(0, as: Int64.self) == 5)
        }
    }

    @Test func `Of another process nothing is joined: a gap with its bound`() async throws {
        try await withSources { store in
            try await feed(store, 1, .metricsService, [(12, 1, 10), (12, 14, 21)])
            var other = Stream(2, source: .prometheus)
            for (minute, value) in [(Int64(13), Int64(19)), (16, 26)] {
                other.flush(at: .at(12, minute), requests: value, started: .at(12, 0, 9))
            }
            other.end()
            try await store.commit(&other)
            #expect(try await store.requests() == 21)
            let gap = try await store.usage(of: "acme").coverage.gaps.first { $0.reason == "stream_down" }
            #expect(gap?.upper == 7)
        }
    }

    @Test func `What a source that reports just now may still cover is derived once more when it is known`()
        async throws
    {
        try await withSources { store in
            try await feed(store, 1, .metricsService, [(12, 1, 10), (12, 14, 21)])
            try await feed(store, 2, .prometheus, [(12, 2, 12), (12, 13, 19), (12, 16, 26)])
            // It was heard a moment ago.
            try await store.pool.execute("UPDATE epoch SET last_received_at = now() WHERE source_kind = 1")
            #expect(try await store.requests() == 21)
            #expect(try await store.number("SELECT count(*) FROM tape_change") > 0)
            // It was not heard again.
            try await store.pool.execute(
                "UPDATE epoch SET last_received_at = now() - interval '1 hour' WHERE source_kind = 1")
            #expect(try await store.requests() == 26)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
        }
    }
}
