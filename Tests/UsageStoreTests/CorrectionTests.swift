import Metering
import Testing

@testable import UsageStore

/// Backfills are named batches: shown first, applied as a whole, reverted as a whole.
@Suite struct CorrectionTests {
    private func row(
        _ quantity: Int64, at time: Timestamp = .at(12, 0), tenant: String = "acme", service: String = "gateway",
        dimension: Dimension = .requests, line: Int = 2
    ) -> BackfillRow {
        BackfillRow(
            tenant: tenant, gateway: "edge", service: service, quarterHour: QuarterHour(containing: time),
            dimension: dimension, quantity: quantity, line: line)
    }

    /// A store with 10 requests of acme at 12:01.
    private func withUsage(_ body: (UsageStore) async throws -> Void) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 10, started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 10)
            try await body(store)
        }
    }

    private func propose(_ store: UsageStore, _ name: String, _ rows: [BackfillRow], allowsNew: Bool = false)
        async throws
    {
        _ = try await store.propose(
            name, rows: rows, source: "usage.csv", reason: "the sink was down", by: "ada", file: "usage.csv",
            allowsNew: allowsNew)
    }

    @Test func `A batch changes nothing until it is applied, and after it is reverted leaves no record`() async throws {
        try await withUsage { store in
            let before = try await store.contents()
            try await propose(store, "lost", [row(5), row(7, at: .at(13, 0)), row(3, at: .at(13, 0), service: "new")])
            let shown = try await store.correction("lost")
            #expect(shown.batch.state == .proposed)
            #expect(shown.differences.map(\.before) == [10, 0])
            #expect(shown.differences.map(\.change) == [12, 3])
            #expect(try await store.requests() == 10)
            try await store.apply(correction: "lost", by: "bob")
            #expect(try await store.requests() == 25)
            #expect(try await store.correction("lost").differences.map(\.after) == [22, 3])
            let reverted = try await store.revert(correction: "lost", by: "eve")
            #expect(reverted.appliedBy == "bob")
            #expect(reverted.revertedBy == "eve")
            #expect(try await store.requests() == 10)
            #expect(try await store.contents() == before)
        }
    }

    @Test func `A quarter hour that no tape tells of is derived from its corrections alone`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            try await propose(store, "archive", [row(99, at: .at(3, 0))], allowsNew: true)
            try await store.apply(correction: "archive", by: "bob")
            #expect(try await store.requests() == 99)
            try await store.revert(correction: "archive", by: "bob")
            _ = try await store.aggregate()
            #expect(try await store.number("SELECT count(*) FROM consumption") == 0)
        }
    }

    @Test func `Usage is taken away only as far as the record stays at 0 or above`() async throws {
        try await withUsage { store in
            try await propose(store, "too much", [row(4, at: .at(13, 0)), row(-11)])
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                try await store.apply(correction: "too much", by: "bob")
            }
            #expect(refusal?.message.contains("the record holds 10") == true, "\(refusal?.message ?? "")")
            #expect(try await store.requests() == 10)
            try await propose(store, "all", [row(-10)])
            try await store.apply(correction: "all", by: "bob")
            #expect(try await store.requests() == 0)
        }
    }

    @Test func `A record that a correction can no longer be taken from is a failure, and stays as it was`() async throws
    {
        try await withUsage { store in
            try await propose(store, "less", [row(-10)])
            try await store.apply(correction: "less", by: "bob")
            _ = try await store.aggregate()
            // The meters change: the ten requests are another tenant's.
            let renamed = try await Renamed.meters(of: store)
            _ = try await store.apply(
                meters: [renamed], names: ["renamed.yaml"], from: QuarterHour(containing: .at(12, 0)), by: "ada",
                reason: "another name", now: .at(14, 0))
            let run = try await store.aggregate()
            #expect(run.failures.count == 1)
            #expect(run.failures.first?.contains("waybill backfill revert less") == true, "\(run.failures)")
            try await store.revert(correction: "less", by: "bob")
            #expect(try await store.aggregate().failures == [])
            #expect(try await store.usage(of: "tenant_acme").requests == 10)
        }
    }

    @Test func `Names are unique, and each step is made once`() async throws {
        try await withUsage { store in
            try await propose(store, "one", [row(1)])
            await #expect(throws: CorrectionRefusal.self) { try await propose(store, "one", [row(2)]) }
            await #expect(throws: CorrectionRefusal.self) { try await store.revert(correction: "one", by: "bob") }
            try await store.apply(correction: "one", by: "bob")
            await #expect(throws: CorrectionRefusal.self) { try await store.apply(correction: "one", by: "bob") }
            try await store.revert(correction: "one", by: "bob")
            await #expect(throws: CorrectionRefusal.self) { try await store.apply(correction: "one", by: "bob") }
            await #expect(throws: CorrectionRefusal.self) { try await store.apply(correction: "two", by: "bob") }
            #expect(try await store.corrections().map(\.name) == ["one"])
        }
    }

    @Test func `A name that is not known is refused with its line, and nothing is stored`() async throws {
        try await withUsage { store in
            let refusal = await #expect(throws: CorrectionRefusal.self) {
                try await propose(store, "typo", [row(1), row(2, tenant: "acne", line: 3)])
            }
            #expect(refusal?.message.hasPrefix("usage.csv:3: tenant: there is no tenant acne") == true)
            let batches = try await store.corrections()
            #expect(batches == [])
            #expect(try await store.number("SELECT count(*) FROM tenant") == 1)
        }
    }
}

/// The shipped meters with a rule that binds the same counters to another tenant.
enum Renamed {
    static func meters(of store: UsageStore) async throws -> String {
        try await store.meterVersionRecords()[0].meters[0].replacing(
            "http.tenant_{tenant}.downstream_rq_completed\"\n  dim",
            with: "http.{tenant}.downstream_rq_completed\"\n  dim")
    }
}
