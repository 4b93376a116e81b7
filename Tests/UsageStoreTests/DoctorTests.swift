import Metering
import PostgreSQL
import TestSupport
import Testing

@testable import UsageStore

/// What is wrong in the running system, each with its remedy.
@Suite struct DoctorTests {
    /// The database's clock, which the doctor goes by.
    private func now(_ store: UsageStore) async throws -> Timestamp {
        try await store.pool.execute("SELECT now()")[0].timestamp(0)
    }

    private func checks(_ store: UsageStore) async throws -> [String] {
        try await store.diagnose(machineTime: now(store)).map(\.check)
    }

    private func commit(
        _ store: UsageStore, _ stream: inout Stream, peer: String? = nil, derive: Bool = true
    ) async throws {
        var commit = stream.snapshot
        commit.peer = peer
        let stored = try await store.commit([commit])
        if let stored = stored[stream.tape.stream] { stream.hasStored(stored) }
        if derive { _ = try await store.aggregate() }
    }

    @Test func `A system in which all is well has nothing to say`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now = try await now(store)
            var stream = Stream(1)
            stream.flush(at: now.plus(seconds: -10), requests: 10, started: now.plus(seconds: -60))
            stream.flush(at: now.plus(seconds: -5), requests: 20, started: now.plus(seconds: -60))
            stream.end()
            try await commit(store, &stream)
            #expect(try await checks(store) == [])
        }
    }

    @Test func `An instance that stopped reporting is named, one that was drained is not`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now = try await now(store)
            for (number, state) in [(Int64(1), Int64(0)), (2, 1)] {
                var stream = Stream(number, instance: "envoy-\(number)", bootID: "boot-\(number)")
                stream.flush(
                    at: now.plus(seconds: -600), requests: 10, started: now.plus(seconds: -660), state: state)
                stream.end()
                try await commit(store, &stream)
            }
            let found = try await store.diagnose(machineTime: now)
            #expect(found.map(\.check) == ["instance_silent"])
            #expect(found.first?.subject == "edge, envoy-1")
        }
    }

    @Test func `A billed kind of counter that nothing binds, and one claimed twice, are named`() async throws {
        try await withStore { store in
            let twice =
                try Shipped.meters() + """
                    - match: "http.tenant_{who}_v2.downstream_rq_completed"
                      dimension: requests
                      tenant: "{who}"

                    """
            try await store.putInForce(meters: [twice], now: .at(0, 0))
            let now = try await now(store)
            var stream = Stream(1)
            stream.flush(
                at: now.plus(seconds: -5),
                [
                    "http.ingress.downstream_rq_completed": 7, "http.tenant_acme_v2.downstream_rq_completed": 8,
                    "cluster.web.upstream_rq_total": 9,
                ], started: now.plus(seconds: -60))
            stream.end()
            try await commit(store, &stream)
            let found = try await store.diagnose(machineTime: now)
            #expect(found.map(\.check) == ["claimed_twice", "unbound_counter"])
            #expect(found.first?.found.contains("meters version 1:") == true)
            #expect(found.last?.found.contains("http.ingress.downstream_rq_completed (7)") == true)
        }
    }

    @Test func `Two Envoys under one name are named with both peers`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now = try await now(store)
            var streams = [Stream(1), Stream(2)]
            for index in streams.indices {
                for step in Int64(0)..<10 {
                    // Their flushes interleave, with values that have nothing to do with each other.
                    streams[index].flush(
                        at: now.plus(seconds: -60 + step * 5 + Int64(index) * 2),
                        requests: 100 + step * 10 + Int64(index) * 1000, started: now.plus(seconds: -3600))
                }
                streams[index].end()
                try await commit(store, &streams[index], peer: "ipv4:10.0.0.\(index + 1):4711")
            }
            let found = try await store.diagnose(machineTime: now)
            let conflict = try #require(found.first { $0.check == "identity_conflict" })
            #expect(conflict.found.contains("ipv4:10.0.0.1:4711 and ipv4:10.0.0.2:4711"), "\(conflict.found)")
        }
    }

    @Test func `What comes twice, or from two senders or to two workers under one name, is named`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now = try await now(store)
            for (number, worker) in [(Int64(1), UInt64(1)), (2, 2)] {
                var stream = Stream(
                    number, instance: "envoy-1", bootID: OdometerEpoch(rawValue: worker).bootID, source: .statsd)
                for step in Int64(0)..<20 {
                    stream.flush(at: now.plus(seconds: -760 + step * 40), requests: step * number)
                }
                stream.end()
                var commit = stream.snapshot
                if number == 1 {
                    commit.remarks = ["sent_twice", "two_senders"].map {
                        StreamRemark(
                            reason: $0, from: now.plus(seconds: -60), to: now.plus(seconds: -60), upper: nil,
                            occurrences: 1)
                    }
                }
                let stored = try await store.commit([commit])
                stream.hasStored(try #require(stored[stream.tape.stream]))
            }
            _ = try await store.aggregate()
            let found = try await store.diagnose(machineTime: now).filter { $0.check != "instance_silent" }
            #expect(found.map(\.check) == ["sent_twice", "two_senders", "two_senders"])
            #expect(found.map(\.subject) == Array(repeating: "edge, envoy-1", count: 3))
            #expect(found[0].found.contains("come by statsd from two senders"), "\(found[0].found)")
            #expect(found[2].found.contains("2 workers hear statsd"), "\(found[2].found)")
            // Nothing of it is a gap: all is counted.
            #expect(try await store.names("SELECT reason FROM gap") == [])
        }
    }

    @Test func `A clock that is off is named: an Envoy's, a worker's, and this machine's`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now = try await now(store)
            var envoy = Stream(1, instance: "envoy-1", bootID: "one")
            envoy.flush(
                at: now.plus(seconds: -5), [Stream.requests: 1], started: now.plus(seconds: -60),
                sentAt: now.plus(seconds: -605))
            envoy.end()
            try await commit(store, &envoy)
            var ahead = Stream(2, instance: "envoy-2", bootID: "two")
            ahead.flush(at: now.plus(seconds: 50), requests: 1, started: now.plus(seconds: -60))
            ahead.end()
            try await commit(store, &ahead)
            let found = try await store.diagnose(machineTime: now.plus(seconds: 30)).filter { $0.check == "clock_off" }
            #expect(found.map(\.subject) == ["this machine", "edge, envoy-1", "the worker of edge, envoy-2"])
        }
    }

    @Test func `A queue that nobody works off and a job that failed are named`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now = try await now(store)
            var stream = Stream(1)
            stream.flush(at: now.plus(seconds: -5), requests: 10, started: now.plus(seconds: -60))
            stream.end()
            try await commit(store, &stream, derive: false)
            _ = try await store.pool.execute("UPDATE tape_change SET changed_at = now() - interval '1 hour'")
            _ = try await store.pool.execute("INSERT INTO job_run (failure) VALUES ('gateway edge: the tape is torn')")
            let found = try await store.diagnose(machineTime: now)
            #expect(found.map(\.check) == ["job_failed", "queue_lag"])
            #expect(found.first?.found.contains("the tape is torn") == true)
        }
    }

    @Test func `Without meters nothing is attributed`() async throws {
        try await withStore { store in
            let found = try await checks(store)
            #expect(found == ["no_meters"])
        }
    }
}

/// Epochs that fall silent are given up after a day (rule 10).
@Suite struct SilentEndTests {
    @Test func `An instance that was silent for a day has lost its tail, and has not when it is back`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let now: Timestamp = try await store.pool.execute("SELECT now()")[0].timestamp(0)
            let start = now.plus(seconds: -90_000)
            var stream = Stream(1)
            stream.flush(at: start, requests: 10, started: start.plus(seconds: -60))
            stream.flush(at: start.plus(seconds: 5), requests: 20, started: start.plus(seconds: -60))
            try await store.commit(&stream)
            _ = try await store.aggregate()
            _ = try await store.aggregate()
            #expect(try await store.names("SELECT reason FROM gap") == ["tail_lost"])
            #expect(try await store.number("SELECT count(*) FROM gap WHERE upper_bound IS NULL") == 1)
            stream.flush(at: now.plus(seconds: -5), requests: 30, started: start.plus(seconds: -60))
            stream.end()
            try await store.commit(&stream)
            _ = try await store.aggregate()
            #expect(try await store.names("SELECT reason FROM gap") == [])
        }
    }

    @Test func `The tail of a process that another followed is bounded by the busiest flush`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var first = Stream(1, bootID: "one")
            for (second, requests) in [(Int64(0), Int64(10)), (1, 50), (2, 60)] {
                first.flush(at: .at(12, 1, second), requests: requests, started: .at(12, 0))
            }
            first.end()
            try await store.commit(&first)
            var second = Stream(2, bootID: "two")
            second.flush(at: .at(12, 1, 8), requests: 5, started: .at(12, 1, 7))
            second.end()
            try await store.commit(&second)
            _ = try await store.aggregate()
            let gap = try #require(try await store.usage(of: "acme").coverage.gaps.first)
            #expect(gap.reason == "tail_lost")
            // Five seconds, twice the forty of the busiest.
            #expect(gap.upper == 400)
            #expect(gap.basis == "rate")
        }
    }
}
