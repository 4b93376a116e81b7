import Metering
import TestSupport
import Testing

@testable import UsageStore

/// Meters are loaded by versions that are valid from a quarter hour on, late or not.
@Suite struct MeterApplyTests {
    private func withUsage(_ body: (UsageStore) async throws -> Void) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            stream.flush(at: .at(12, 16), requests: 25, started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 25)
            try await body(store)
        }
    }

    private func meters(_ text: String) throws -> Meters { try Meters(yaml: text, file: "meters.yaml") }

    @Test func `What a version would change is shown, and nothing is changed`() async throws {
        try await withUsage { store in
            let before = try await store.contents()
            let preview = try await store.preview(
                meters(Renamed.meters(of: store)), from: QuarterHour(containing: .at(12, 15)))
            #expect(preview.quarterHours == 1)
            #expect(preview.moves.count == 1)
            let move = try #require(preview.moves.first)
            #expect(move.counter == Stream.requests)
            #expect(move.from?.tenant == "acme")
            #expect(move.to?.tenant == "tenant_acme")
            #expect(move.quantity == 15)
            #expect(
                preview.tenants == [
                    MeterPreview.TenantChange(tenant: "acme", dimension: "requests", gained: 0, lost: 15),
                    MeterPreview.TenantChange(tenant: "tenant_acme", dimension: "requests", gained: 15, lost: 0),
                ])
            #expect(try await store.contents() == before)
            #expect(try await store.number("SELECT count(*) FROM tape_change") == 0)
        }
    }

    @Test func `A counter that moves to another tenant leaves no stale record with the one before`() async throws {
        try await withUsage { store in
            _ = try await store.apply(
                meters: [Renamed.meters(of: store)], names: ["meters.yaml"], from: QuarterHour(containing: .at(12, 0)),
                by: "ada", reason: "the tenant's name", now: .at(14, 0))
            #expect(try await store.requests(of: "tenant_acme") == 25)
            #expect(try await store.usage(of: "acme").requests == 0)
            #expect(
                try await store.number(
                    "SELECT count(*) FROM consumption JOIN tenant USING (tenant_id) WHERE name = 'acme'") == 0)
            let newest = try #require(try await store.meterVersionRecords().first)
            #expect(newest.appliedBy == "ada")
            #expect(newest.reason == "the tenant's name")
            #expect(newest.validFrom == "2024-11-05T12:00:00Z")
        }
    }

    @Test func `A counter that two bill rules claim is refused with both places`() async throws {
        try await withUsage { store in
            let twice =
                try Shipped.meters() + """
                    - match: "http.{who}.downstream_rq_completed"
                      dimension: requests
                      tenant: "{who}"

                    """
            let conflict = await #expect(throws: MeterConflict.self) {
                _ = try await store.apply(
                    meters: [twice], names: ["twice.yaml"], from: nil, by: "ada", reason: nil, now: .at(14, 0))
            }
            let lines = twice.split(separator: "\n", omittingEmptySubsequences: false)
            let first = try #require(lines.firstIndex { $0.contains("tenant_{tenant}.downstream_rq_completed") }) + 1
            let second = try #require(lines.firstIndex { $0.contains("{who}.downstream") }) + 1
            #expect(conflict?.description.contains("twice.yaml:\(first)") == true, "\(conflict?.description ?? "")")
            #expect(conflict?.description.contains("twice.yaml:\(second)") == true)
            #expect(try await store.number("SELECT count(*) FROM meter_version") == 1)
        }
    }

    @Test func `A counter that appears later and is claimed twice is unattributed`() async throws {
        try await withUsage { store in
            let twice =
                try Shipped.meters() + """
                    - match: "http.tenant_{who}_v2.downstream_rq_completed"
                      dimension: requests
                      tenant: "{who}"

                    """
            _ = try await store.apply(
                meters: [twice], names: ["twice.yaml"], from: QuarterHour(containing: .at(12, 0)), by: "ada",
                reason: "a second version", now: .at(14, 0))
            var stream = Stream(2, instance: "envoy-2", bootID: "boot-2")
            stream.flush(
                at: .at(12, 31), ["http.tenant_acme_v2.downstream_rq_completed": 7, Stream.requests: 1],
                started: .at(12, 30))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 26)
            #expect(
                try await store.names("SELECT name FROM unattributed JOIN counter USING (gateway_id, counter_id)")
                    == ["http.tenant_acme_v2.downstream_rq_completed"])
            #expect(try await store.number("SELECT sum(quantity)::bigint FROM unattributed") == 7)
        }
    }

    @Test func `A server that starts again with the files it had does not undo what was applied meanwhile`()
        async throws
    {
        try await withUsage { store in
            _ = try await store.apply(
                meters: [Renamed.meters(of: store)], names: ["meters.yaml"], from: QuarterHour(containing: .at(12, 15)),
                by: "ada", reason: "the tenant's name", now: .at(14, 0))
            let shipped = try Shipped.meters()
            let changed = shipped + "# changed\n"
            #expect(try await store.putInForce(meters: [shipped], now: .at(15, 0)) == false)
            #expect(try await store.putInForce(meters: ["other"], onlyIfNone: true, now: .at(15, 0)) == false)
            #expect(try await store.requests(of: "tenant_acme") == 15)
            #expect(try await store.usage(of: "acme").requests == 10)
            #expect(
                try await store.putInForce(meters: [changed], now: .at(15, 0)))
        }
    }

    @Test func `Of the versions that are valid in a quarter hour the one applied last is in force`() async throws {
        try await withUsage { store in
            let shipped = try Shipped.meters()
            _ = try await store.apply(
                meters: [Renamed.meters(of: store)], names: ["a"], from: QuarterHour(containing: .at(12, 15)),
                by: "ada",
                reason: "first", now: .at(14, 0))
            _ = try await store.apply(
                meters: [shipped], names: ["b"], from: QuarterHour(containing: .at(12, 0)), by: "ada", reason: "back",
                now: .at(14, 0))
            #expect(try await store.requests() == 25)
        }
    }

    @Test func `One dimension is not billed from two kinds of counters`() throws {
        let both = """
            meters: both
            collect: {include: ["*"]}
            bind:
            - {match: "http.tenant_{tenant}.downstream_rq_completed", dimension: requests}
            - {match: "cluster.{tenant}.upstream_rq_completed", dimension: requests}
            """
        let conflict = try #require(try Meters(yaml: both, file: "both.yaml").conflicts().first)
        #expect(conflict.description.hasPrefix("both.yaml:4 and both.yaml:5 both bill requests"))
        let apart =
            both.replacing("requests}", with: "requests, gateways: [a]}", maxReplacements: 1)
            + "  \n- {match: \"cluster.{tenant}.upstream_rq_total\", dimension: requests, role: check}\n"
        let parted = apart.replacing(
            "completed\", dimension: requests}", with: "completed\", dimension: requests, gateways: [b]}")
        #expect(try Meters(yaml: parted, file: "parted.yaml").conflicts() == [])
    }
}
