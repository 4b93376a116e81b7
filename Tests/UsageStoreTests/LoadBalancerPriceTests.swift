import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// Imported prices of load balancers.
@Suite struct LoadBalancerPriceTests {
    private func price(
        _ amount: String, from day: String, item: String = "alb_hour", currency: String = "USD"
    ) -> LoadBalancerPrice {
        LoadBalancerPrice(
            region: "us-east-1", item: item, effectiveOn: day, amount: amount, currency: currency, source: "an offer",
            inferred: false)
    }

    @Test func `Importing the same prices again stores nothing`() async throws {
        try await withStore { store in
            let prices = [price("0.0225", from: "2026-09-01"), price("0.008", from: "2026-09-01", item: "alb_lcu")]
            #expect(try await store.add(prices: prices, definitions: []) == 2)
            #expect(try await store.add(prices: prices, definitions: []) == 0)
            let stored = try await store.loadBalancerPrices(inForceAt: nil)
            #expect(Set(stored) == Set(prices))
        }
    }

    @Test(arguments: [("0.03", "USD"), ("0.0225", "CNY")])
    func `A price that says otherwise for its day is a conflict, and nothing of its import is stored`(
        _ amount: String, _ currency: String
    ) async throws {
        try await withStore { store in
            #expect(try await store.add(prices: [price("0.0225", from: "2026-09-01")], definitions: []) == 1)
            let error = await #expect(throws: LoadBalancerPriceConflict.self) {
                _ = try await store.add(
                    prices: [
                        price("0.006", from: "2026-09-01", item: "nlb_lcu"),
                        price(amount, from: "2026-09-01", currency: currency),
                    ], definitions: [])
            }
            #expect(error?.message.contains("alb_hour in us-east-1 from 2026-09-01") == true)
            let stored = try await store.loadBalancerPrices(inForceAt: nil)
            #expect(stored == [price("0.0225", from: "2026-09-01")])
        }
    }

    @Test func `The price of a day is the latest that was in force then`() async throws {
        try await withStore { store in
            _ = try await store.add(
                prices: [price("0.0225", from: "2024-09-01"), price("0.03", from: "2024-11-20")], definitions: [])
            func inForce(_ instant: String) async throws -> [String] {
                try await store.loadBalancerPrices(inForceAt: Timestamp(instant)).map(\.amount)
            }
            let amounts = try await [
                inForce("2024-08-31T23:59:59Z"), inForce("2024-11-05T12:00:00Z"), inForce("2024-11-20T00:00:00Z"),
            ]
            #expect(amounts == [[], ["0.0225"], ["0.03"]])
        }
    }

    private func definition(
        _ text: String, from day: String, name: String = "alb", kind: String = "capacity_unit"
    ) -> LoadBalancerDefinition {
        LoadBalancerDefinition(
            kind: kind, name: name, effectiveOn: day, definition: text, source: "a page", inferred: false)
    }

    @Test func `A definition is stored once, and another one for its day is a conflict that stores nothing`()
        async throws
    {
        try await withStore { store in
            let known = [
                definition(#"{"a":"1"}"#, from: "2026-09-01"),
                definition(#"{"a":"1"}"#, from: "2026-09-01", name: "kong", kind: "gateway"),
            ]
            let added = try await store.add(prices: [], definitions: known)
            let again = try await store.add(prices: [], definitions: known)
            #expect((added, again) == (2, 0))
            let error = await #expect(throws: LoadBalancerPriceConflict.self) {
                _ = try await store.add(
                    prices: [price("0.006", from: "2026-09-01", item: "nlb_lcu")],
                    definitions: [definition(#"{"a":"2"}"#, from: "2026-09-01")])
            }
            #expect(error?.message.contains("capacity_unit alb from 2026-09-01") == true)
            #expect(try await store.loadBalancerPrices(inForceAt: nil).isEmpty)
            #expect(try await store.loadBalancerDefinitions(inForceAt: nil) == known)
        }
    }

    @Test func `The definition of a day is the latest that was in force then, and none is ever changed`() async throws {
        try await withStore { store in
            _ = try await store.add(
                prices: [],
                definitions: [definition("{}", from: "2024-09-01"), definition(#"{"a":"2"}"#, from: "2024-11-20")])
            func inForce(_ instant: String) async throws -> [String] {
                try await store.loadBalancerDefinitions(inForceAt: Timestamp(instant)).map(\.definition)
            }
            let found = try await [
                inForce("2024-08-31T23:59:59Z"), inForce("2024-11-05T12:00:00Z"), inForce("2024-11-20T00:00:00Z"),
            ]
            #expect(found == [[], ["{}"], [#"{"a":"2"}"#]])
            await #expect(throws: PostgresError.self) {
                _ = try await store.names("UPDATE lb_definition SET definition = '{}' RETURNING name")
            }
        }
    }
}
