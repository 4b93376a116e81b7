import Foundation
import LoadBalancerCosts
import Metering
import PostgreSQL
import Pricing
import Savings
import TestSupport
import Testing
import UsageStore

/// A comparison from the consumption records of a live database, against a script that reads those records itself.
@Suite(.enabled(if: Python.path != nil)) struct MeteredComparisonTests {
    /// Random records of November 2024: some hours without, several services, some that began hours before.
    private func records(_ seed: UInt64) -> [Record] {
        var generator = SeededGenerator(state: seed)
        let start = Timestamp(seconds: 1_730_419_200)
        var records: [Record] = []
        for quarter in Int64(0)..<600 where Int.random(in: 0..<3, using: &generator) > 0 {
            let at = start.advanced(byMicroseconds: (quarter + 3) * 900_000_000)
            for service in Int64(1)...3 where Int.random(in: 0..<3, using: &generator) > 0 {
                let requests = Int64.random(in: 0...3_000_000, using: &generator)
                var record = Record(tenant: service % 2 + 1, service: service, at: at, requests: requests)
                record.newConnections = .random(in: 0...90_000, using: &generator)
                record.activeParts = .random(in: 0...3_000_000_000, using: &generator)
                record.received = .random(in: 0...2_000_000_000, using: &generator)
                record.sent = .random(in: 0...20_000_000_000, using: &generator)
                if requests > 0, Int.random(in: 0..<3, using: &generator) == 0 {
                    record.carriedIn = .random(in: 1...requests, using: &generator)
                    record.since = at.advanced(byMicroseconds: -.random(in: 1...20_000_000_000, using: &generator))
                    record.until = at.advanced(byMicroseconds: .random(in: 0..<900_000_000, using: &generator))
                }
                records.append(record)
            }
        }
        return records
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `A metered month is what an independent script makes of the same records`(_ seed: UInt64) async throws {
        try await withStore { store, configuration in
            // Half of the gateways were metered before the month, the others began in it.
            let since = Timestamp(seconds: seed % 2 == 0 ? 1_700_000_000 : 1_730_419_300)
            try await store.declare(gateway: "edge", meteringSince: since)
            try await store.insert(records(seed), configuration)
            let month = try BillingPeriod(month: "2024-11", zone: "UTC")
            var request = ComparisonRequest()
            try request.assumptions.set(.rules, to: "14", source: "test")
            try request.assumptions.set(.crossZone, to: "true", source: "test")
            request.adjustments.hours = nil
            let comparison = try await store.comparison(of: "edge", month, request, shipped: Self.catalogue())
            let ours = try JSONSerialization.jsonObject(with: JSONEncoder().encode(comparison)) as? [String: Any]
            let printed = try #require(ours)
            let theirs = try await Python.recompute(
                records: store.dump(configuration, month), comparison: JSONEncoder().encode(comparison))

            let hours = try #require(printed["hours"] as? [[String: Any]])
            let wanted = try #require(theirs["hours"] as? [[String: Any]])
            #expect(hours.count == wanted.count)
            #expect(hours.contains { $0["spread"] as? Bool == true })
            for (hour, other) in zip(hours, wanted) {
                for field in ["start", "requests", "new_connections", "bytes"] {
                    #expect(hour[field] as? String == other[field] as? String)
                }
                #expect(hour["spread"] as? Bool == other["spread"] as? Bool)
            }
            let rows = [printed["own"] as? [String: Any]] + (printed["alternatives"] as? [[String: Any]] ?? [])
            #expect(rows.count == 10)
            for row in rows {
                let key = try #require(row?["key"] as? String)
                for (name, value) in try #require(theirs[key] as? [String: Any]) {
                    if let text = value as? String {
                        #expect(row?[name] as? String == text, "\(key).\(name)")
                    } else {
                        #expect(row?[name] as? [String: Int] == value as? [String: Int], "\(key).\(name)")
                    }
                }
            }
        }
    }

    @Test func `Imported divisors, tiers and prices hold for months that begin on their day or later`() async throws {
        try await withStore { store, configuration in
            try await store.declare(gateway: "edge", meteringSince: Timestamp(seconds: 1_700_000_000))
            try await store.insert(records(9), configuration)
            let contents = try PriceFileContents(
                PriceFile(
                    name: "own.yaml",
                    text: """
                        capacity_units:
                          nlb:
                            source: a page
                            date: "2024-11"
                            inferred: false
                            tcp: { new_flows_per_second: 1, active_flows: 1, gigabytes_per_hour: 1 }
                            udp: { new_flows_per_second: 1, active_flows: 1, gigabytes_per_hour: 1 }
                            tls: { new_flows_per_second: 1, active_flows: 1, gigabytes_per_hour: 1 }
                        gateways:
                          apigw-http:
                            name: Dearer
                            currency: USD
                            tiers: [{ price: "1" }]
                            source: a page
                            date: "2024-11-02"
                            inferred: false
                        """))
            let definitions = try contents.definitions.map { try LoadBalancerDefinition($0, file: "own.yaml") }
            #expect(definitions.map(\.effectiveOn) == ["2024-11-01", "2024-11-02"])
            _ = try await store.add(prices: [], definitions: definitions)
            let month = try BillingPeriod(month: "2024-11", zone: "UTC")
            let comparison = try await store.comparison(
                of: "edge", month, ComparisonRequest(), shipped: Self.catalogue())
            // The NLCU is another from the month's first day on; the gateway's tiers begin a day too late.
            #expect(comparison.own.bindingHours[.active] ?? 0 > 0)
            #expect(comparison.gateways["apigw-http"]?.name == "AWS API Gateway HTTP API")
        }
    }

    @Test func `A month without traffic and an unknown gateway are errors that say so`() async throws {
        try await withStore { store, _ in
            try await store.declare(gateway: "edge", meteringSince: Timestamp(seconds: 1_700_000_000))
            let month = try BillingPeriod(month: "2024-11", zone: "UTC")
            let idle = await #expect(throws: LoadBalancerCostError.self) {
                _ = try await store.meteredMonth(of: "edge", month)
            }
            #expect(idle?.code == .noTraffic)
            await #expect(throws: UsageStoreError.self) { _ = try await store.meteredMonth(of: "nowhere", month) }
        }
    }

    private static func catalogue() throws -> PriceCatalogue {
        let directory = Shipped.path("config/prices")
        return try PriceCatalogue(
            files: FileManager.default.contentsOfDirectory(atPath: directory).sorted().map { name in
                PriceFile(name: name, text: try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8))
            })
    }
}
