import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Metering
import PostgreSQL
import TestSupport
import Testing
import UsageStore

@testable import WebAPI

/// An answer that is remembered is never another than one that is read now.
@Suite struct MonthMemoryTests {
    private static let path = "/v1/usage/monthly?period=2024-11"

    /// The bytes that a reader without a memory would answer by.
    private static func fresh(
        _ store: UsageStore, tenant: String = "acme", zone: String = "UTC", _ grouping: Set<UsageGrouping> = []
    ) async throws -> String {
        // Midnight of 2024-11-01 and 2024-12-01: UTC's, and an hour earlier in Berlin.
        let shift: Int64 = zone == "UTC" ? 0 : -3_600
        let usage = try await store.steadyMonth(
            tenant: tenant, month: "2024-11", zone: zone, from: Timestamp(seconds: 1_730_419_200 + shift),
            to: Timestamp(seconds: 1_733_011_200 + shift), groupBy: grouping
        ).usage
        return String(decoding: MonthlyUsageText.json(usage), as: UTF8.self)
    }

    @Test(arguments: 0..<6)
    func `Whatever is written in whatever transactions, each answer has the bytes of a fresh reading`(seed: UInt64)
        async throws
    {
        try await withGuardedStores { api, store, stores in
            let (acme, admin) = (try await store.key(tenant: "acme", "usage:read"), try await store.key("usage:read"))
            var writers: [Writer] = []
            for kind in Writer.Kind.allCases { writers.append(try await Writer(kind, store)) }
            var random = SeededGenerator(seed: seed)
            var (changes, answers) = (0, Set<String>())
            for step in 0..<60 {
                let writer = Int.random(in: 0..<writers.count, using: &random)
                if try await writers[writer].act(&random) { changes += 1 }
                // A change under way is not seen; one that is over is.
                for (query, zone, grouping): (String, String, Set<UsageGrouping>) in [
                    ("", "UTC", []), ("&group_by=service,day", "UTC", [.service, .day]),
                    ("&zone=Europe/Berlin", "Europe/Berlin", []),
                ] where step % 3 != 1 || query.isEmpty {
                    let expected = try await Self.fresh(store, zone: zone, grouping)
                    for (key, tenant) in [(acme, ""), (admin, "&tenant=acme")] {
                        let answer = try await api.send(.get, Self.path + query + tenant, key: key)
                        #expect(String(buffer: answer.body) == expected, "step \(step), \(query)")
                    }
                    answers.insert(expected)
                }
            }
            #expect(changes > 20 && answers.count > 20)
            #expect(stores.months.size.entries == 6)
            for writer in writers { await writer.connection.close() }
        }
    }

    @Test func `What is remembered is given while nothing was committed, and in the month's own minute alone`()
        async throws
    {
        try await withGuardedStores { api, store, stores in
            let acme = try await store.key(tenant: "acme", "usage:read")
            let id = try #require(try await store.tenantNumber("acme"))
            let question = MonthMemory.Question(
                principal: id, tenant: "acme", month: "2024-11", zone: "UTC", grouping: [])
            let end = Timestamp(seconds: 1_733_011_200)
            /// Whether the kept bytes come, where they are told from fresh ones.
            func isGiven(asOf: Timestamp = end, _ change: () async throws -> Void = {}) async throws -> Bool {
                let (state, _) = try await stores.tenants.state()
                let kept = Answer(contentType: Answer.json, body: Array(try await Self.fresh(store).utf8) + [0x20])
                stores.months.keep(.init(answer: kept, state: try #require(state), asOf: asOf), for: question)
                try await change()
                let answer = try await api.send(.get, Self.path, key: acme)
                return String(buffer: answer.body).hasSuffix("} ")
            }
            // Other suites commit to the same server, and a pool may make a connection: then it is read afresh.
            var given = false
            for _ in 0..<200 where !given { given = try await isGiven() }
            #expect(given)
            #expect(try await !isGiven(asOf: Timestamp(seconds: 1_733_011_140)))
            #expect(
                try await !isGiven { _ = try await store.pool.execute("UPDATE tenant SET name = name") })
            // Another's question is another.
            let operators = try await store.key("usage:read")
            let other = try await api.send(.get, Self.path + "&tenant=acme", key: operators)
            #expect(!String(buffer: other.body).hasSuffix("} "))
        }
    }

    @Test func `If-None-Match gets 304 until the month changes`() async throws {
        try await withGuardedAPI { api, store in
            let acme = try await store.key(tenant: "acme", "usage:read")
            for path in [Self.path, "/v1/usage/gaps?period=2024-11"] {
                let first = try await api.send(.get, path, key: acme)
                let tag = try #require(first.headers[.eTag])
                try await Task.sleep(for: .milliseconds(20))
                let same = try await api.send(.get, path, key: acme, headers: [.ifNoneMatch: tag])
                #expect(same.status == .notModified && same.headers[.eTag] == tag && same.body.readableBytes == 0)
                #expect(try first.json["period"].map { ($0 as? [String: String])?["as_of"] } == "2024-12-01T00:00:00Z")
            }
            let tag = try #require(try await api.send(.get, Self.path, key: acme).headers[.eTag])
            try await store.pool.execute("UPDATE consumption_rollup SET requests = requests + 1")
            let changed = try await api.send(.get, Self.path, key: acme, headers: [.ifNoneMatch: tag])
            #expect(changed.status == .ok && changed.headers[.eTag] != tag)
            #expect(try changed.json["requests"] as? Int == 111)
        }
    }

    @Test func `A running month is the same within a minute, and says up to when`() {
        let end = Timestamp(seconds: 1_733_011_200)
        let cases: [(now: String, asOf: String)] = [
            ("2024-11-30T23:59:59.999999Z", "2024-11-30T23:59:00Z"), ("2024-11-05T12:00:00Z", "2024-11-05T12:00:00Z"),
            ("2024-11-05T12:00:00.000001Z", "2024-11-05T12:00:00Z"), ("2024-12-01T00:00:00Z", "2024-12-01T00:00:00Z"),
            ("2030-01-01T00:00:30Z", "2024-12-01T00:00:00Z"),
        ]
        for (now, asOf) in cases {
            #expect(Timestamp(now).map { UsageStore.steadyEnd(of: end, now: $0).description } == asOf)
        }
    }

    @Test func `It takes no more than its bytes, and no answer that is too large`() async throws {
        try await withGuardedStores { _, _, stores in
            let state = try #require(try await stores.operators.state().state)
            let memory = MonthMemory()
            func keep(_ number: Int, bytes: Int) {
                let answer = Answer(contentType: nil, body: [UInt8](repeating: 0, count: bytes))
                memory.keep(
                    .init(answer: answer, state: state, asOf: .earliest),
                    for: .init(principal: nil, tenant: "t\(number)", month: "2024-11", zone: "UTC", grouping: []))
            }
            for number in 0..<20_000 {
                keep(number, bytes: 600)
                #expect(memory.size.bytes <= MonthMemory.most)
            }
            #expect(memory.size.entries > 100)
            let before = memory.size
            for _ in 0..<10 { keep(19_999, bytes: 600) }
            #expect(memory.size == before)
            keep(20_000, bytes: MonthMemory.mostOfOne)
            #expect(memory.size == before)
        }
    }
}

/// A connection that changes one kind of row, in transactions that last over several steps, and end either way.
private struct Writer {
    enum Kind: CaseIterable {
        case records, epochs, gaps, evidence, zones
    }

    let kind: Kind
    let connection: PostgresConnection
    private var isWriting = false
    private var count: Int64 = 0

    init(_ kind: Kind, _ store: UsageStore) async throws {
        self.kind = kind
        connection = try await PostgresConnection.connect(store.pool.configuration, logger: TestServer.logger)
        // What evidence lies in.
        guard kind == .evidence else { return }
        try await connection.execute(Self.gap, [Int64(0)])
    }

    /// Whether something was committed.
    mutating func act(_ random: inout SeededGenerator) async throws -> Bool {
        if !isWriting {
            try await connection.executeOnce("BEGIN")
            isWriting = true
            try await change()
            // One in two ends at once.
            guard Bool.random(using: &random) else { return false }
        }
        isWriting = false
        let commits = Int.random(in: 0..<4, using: &random) > 0
        try await connection.executeOnce(commits ? "COMMIT" : "ROLLBACK")
        return commits
    }

    private static let gap: StaticString = """
        INSERT INTO gap (gateway_id, quarter_hour, instance_id, epoch_id, reason, from_at, to_at, lower_bound,
            upper_bound)
        SELECT gateway_id, '2024-11-12 04:00+00', instance_id, epoch_id, 'unobserved',
            '2024-11-12 04:00+00'::timestamptz + $1 * interval '1 second', '2024-11-12 04:14+00', 0, 60 + $1
        FROM epoch ORDER BY epoch_id LIMIT 1
        """

    private mutating func change() async throws {
        count += 1
        switch kind {
        case .records:
            try await connection.execute("UPDATE consumption_rollup SET requests = requests + $1", [count])
        case .epochs:
            try await connection.execute(
                """
                UPDATE epoch SET drained = NOT drained, last_reading_at = last_reading_at + interval '1 hour',
                    last_received_at = last_received_at + interval '1 hour'
                """)
        case .gaps:
            try await connection.execute(Self.gap, [count])
        case .evidence:
            try await connection.execute(
                """
                INSERT INTO gap_evidence SELECT gateway_id, quarter_hour, instance_id, epoch_id, reason, from_at, to_at, 0,
                    service.tenant_id, service_id, $1, 0
                FROM gap, service JOIN tenant USING (tenant_id)
                WHERE gap.from_at = '2024-11-12 04:00+00' AND tenant.name = 'acme'
                ON CONFLICT (gateway_id, quarter_hour, instance_id, epoch_id, reason, from_at, to_at, counter_id,
                    tenant_id, service_id) DO UPDATE SET requests = gap_evidence.requests + excluded.requests
                """, [count])
        case .zones:
            try await connection.execute(
                """
                WITH gone AS (DELETE FROM rollup_zone WHERE zone = 'Europe/Berlin' RETURNING zone)
                INSERT INTO rollup_zone (tenant_id, zone, rules) SELECT tenant_id, 'Europe/Berlin', 'x' FROM tenant
                WHERE name = 'acme' AND NOT EXISTS (SELECT FROM gone)
                """)
        }
    }
}
