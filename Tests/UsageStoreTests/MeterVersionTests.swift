import Metering
import TestSupport
import Testing

@testable import UsageStore

/// Meters files come into force by versions, from a quarter hour on.
@Suite struct MeterVersionTests {
    private func renamed() throws -> String {
        try Shipped.meters().replacing(
            "tenant_{tenant}.downstream_rq_completed\"\n  dim", with: "{tenant}.downstream_rq_completed\"\n  dim")
    }

    @Test func `Other meters are in force from the current quarter hour on, and it is derived anew`() async throws {
        try await withStore { store in
            let shipped = try Shipped.meters()
            let renamed = try renamed()
            #expect(renamed != shipped)
            #expect(try await store.putInForce(meters: [shipped], now: .at(12, 0)))
            #expect(try await store.putInForce(meters: [shipped], now: .at(12, 1)) == false)
            var stream = Stream(1)
            stream.flush(at: .at(12, 14), requests: 10, started: .at(12, 0))
            stream.flush(at: .at(12, 16), requests: 15, started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 15)
            #expect(try await store.putInForce(meters: [renamed], now: .at(12, 20)))
            #expect(try await store.requests() == 10)
            #expect(try await store.usage(of: "tenant_acme").requests == 5)
            let versions = try await store.meterVersions()
            #expect(
                versions.inForce(at: QuarterHour(containing: .at(12, 14)))?.meters.bind.first?.match.description
                    .contains(
                        "tenant_") == true)
            #expect(try await store.number("SELECT count(*) FROM meter_version") == 2)
        }
    }

    @Test func `Usage that came before the first meters is attributed by them`() async throws {
        try await withStore { store in
            var stream = Stream(1)
            stream.flush(at: .at(12, 14), requests: 10, started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            try await store.aggregate()
            #expect(try await store.number("SELECT sum(quantity)::bigint FROM unattributed") == 10)
            try await store.putShippedMetersInForce()
            #expect(try await store.requests() == 10)
            #expect(try await store.number("SELECT count(*) FROM unattributed") == 0)
        }
    }

    @Test func `Workers that start at one time with the same meters make one version`() async throws {
        try await withStore(connections: 8) { store in
            let files = [try Shipped.meters()]
            let made = try await withThrowingTaskGroup { group in
                for _ in 0..<8 { group.addTask { try await store.putInForce(meters: files, now: .at(12, 0)) } }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(made == 1)
            #expect(try await store.number("SELECT count(*) FROM meter_version") == 1)
        }
    }

    @Test func `A clock that is behind does not make a version a second time`() async throws {
        try await withStore { store in
            let first = [try Shipped.meters()]
            let second = [try renamed()]
            #expect(try await store.putInForce(meters: first, now: .at(12, 0)))
            #expect(try await store.putInForce(meters: second, now: .at(13, 0)))
            #expect(try await store.putInForce(meters: first, now: .at(12, 30)))
            #expect(try await store.putInForce(meters: first, now: .at(12, 31)) == false)
        }
    }
}
