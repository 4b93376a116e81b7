import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// A worker that starts meets its fleet in one commit: it decides as if the streams had come one after another.
@Suite struct FleetCommitTests {
    private static let sources: [SourceKind] = [.metricsService, .metricsService, .prometheus, .metricsServiceDelta]

    /// Streams of a few instances, several of some, of several sources, with processes old and new.
    private static func fleet(_ seed: UInt64) -> [Stream] {
        var random = SeededGenerator(seed: seed)
        var streams: [Stream] = []
        for number in 0..<24 as Range<Int64> {
            let instance = random.pick(0...9)
            let life = random.pick(0...1)
            var stream = Stream(
                number + 1, gateway: "gateway-\(instance % 3)", instance: "envoy-\(instance)",
                bootID: random.chance(70) ? "boot-\(instance)-\(life)" : nil,
                source: sources[Int(random.pick(0...3))])
            let started = Timestamp.at(random.pick(9...11), random.pick(0...59))
            var time = Timestamp.at(12, 0).plus(seconds: number * 40 + random.pick(0...30))
            var counters = [
                Stream.requests: random.pick(0...900), "cluster.web.upstream_rq_total": random.pick(0...900),
            ]
            for _ in 0..<random.pick(2...4) {
                stream.flush(at: time, counters, started: random.chance(85) ? started : nil)
                for name in counters.keys.sorted() { counters[name, default: 0] += random.pick(0...50) }
                time = time.plus(seconds: random.pick(5...900))
            }
            stream.end()
            streams.append(stream)
        }
        return streams
    }

    private static func decided(_ store: UsageStore) async throws -> [String] {
        try await store.names(
            """
            SELECT concat_ws(' ', gateway.name, instance.name, boot_id, source_kind, started_at, 'baseline', baseline_at,
                'first', first_uptime, first_sent_at, first_received_at, 'last', last_uptime, last_sent_at,
                last_received_at, last_reading_at, (
                    SELECT string_agg(concat_ws('=', name, value, read_at), ',' ORDER BY name)
                    FROM epoch_baseline AS b JOIN counter USING (counter_id)
                    WHERE b.instance_id = epoch.instance_id AND b.epoch_id = epoch.epoch_id
                ), (
                    SELECT string_agg(concat_ws('@', stream_id, quarter_hour), ',' ORDER BY stream_id, quarter_hour)
                    FROM tapes AS t WHERE t.instance_id = epoch.instance_id AND t.epoch_id = epoch.epoch_id
                ))
            FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            UNION ALL SELECT concat_ws(' ', 'record', gateway.name, quarter_hour, requests, carried_in)
            FROM consumption JOIN gateway USING (gateway_id) ORDER BY 1
            """)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `A fleet committed at once is decided as its streams one after another`(seed: UInt64) async throws {
        try await withStore(meteringSince: .at(10, 30)) { single in
            try await single.putShippedMetersInForce()
            var streams = Self.fleet(seed)
            for index in streams.indices { try await single.commit(&streams[index]) }
            try await single.aggregate()
            let expected = try await Self.decided(single)
            #expect(expected.count > 15)
            try await withStore(meteringSince: .at(10, 30)) { store in
                try await store.putShippedMetersInForce()
                var streams = Self.fleet(seed)
                try await store.commit(&streams)
                try await store.aggregate()
                #expect(try await Self.decided(store) == expected, "seed \(seed)")
            }
        }
    }

    @Test func `Names that only look alike have numbers of their own`() async throws {
        try await withStore { store in
            // é as one scalar, and as two: text that is equal, and two names.
            let names = ["http.caf\u{e9}.downstream_rq_completed", "http.cafe\u{301}.downstream_rq_completed"]
            #expect(names[0] == names[1])
            var streams = names.enumerated().map { index, name in
                var stream = Stream(Int64(index) + 1, instance: "envoy-\(index)", bootID: "boot-\(index)")
                stream.flush(at: .at(12, 0), [name: 1], started: .at(11, 59))
                stream.flush(at: .at(12, 1), [name: 5], started: .at(11, 59))
                return stream
            }
            try await store.commit(&streams)
            #expect(try await store.number("SELECT count(*) FROM counter WHERE name LIKE 'http.caf%'") == 2)
            #expect(try await store.number("SELECT count(DISTINCT counter_set_id) FROM tapes") == 2)
        }
    }

    @Test func `A fleet shares its sets, and a set that grows is another`() async throws {
        try await withStore { store in
            var streams = (0..<5).map { Stream(Int64($0) + 1, instance: "envoy-\($0)", bootID: "boot-\($0)") }
            for index in streams.indices {
                streams[index].flush(at: .at(12, 0), [Stream.requests: 1], started: .at(11, 59))
                streams[index].flush(at: .at(12, 1), [Stream.requests: 2], started: .at(11, 59))
            }
            try await store.commit(&streams)
            #expect(try await store.number("SELECT count(DISTINCT counter_set_id) FROM tapes") == 1)
            streams[0].flush(
                at: .at(12, 2), [Stream.requests: 3, "cluster.web.upstream_rq_total": 1], started: .at(11, 59))
            streams[0].end()
            try await store.commit(&streams)
            #expect(try await store.number("SELECT count(DISTINCT counter_set_id) FROM tapes") == 2)
            #expect(
                try await store.names(
                    """
                    SELECT counters::text FROM counter_set
                    WHERE digest <> sha256(convert_to(counters::text, 'UTF8'))
                    """) == [])
        }
    }
}
