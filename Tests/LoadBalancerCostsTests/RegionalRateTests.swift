import Foundation
import LoadBalancerCosts
import Testing

@Suite struct RegionalRateTests {
    struct Rate: Decodable, Sendable, CustomTestStringConvertible {
        let region: String
        let item: String
        let usd: String
        let inferred: Bool
        var testDescription: String { "\(region) \(item)" }

        struct File: Decodable { let rows: [Rate] }

        static let all: [Rate] = {
            do {
                return try JSONDecoder().decode(File.self, from: Data(Fixture.bytes("regional_rates.json"))).rows
            } catch {
                preconditionFailure("the rates do not load: \(error)")
            }
        }()
    }

    static let items: [String: PriceItem] = [
        "alb_h": .albHour, "alb_lcu": .albUnit, "reserved_lcu": .albReservedUnit, "ts_h": .trustStoreHour,
        "nlb_h": .nlbHour, "nlb_lcu": .nlbUnit, "clb_h": .clbHour, "clb_gb": .clbGigabyte, "gwlb_h": .gwlbHour,
        "gwlb_lcu": .gwlbUnit, "gwlbe_h": .gwlbEndpointHour, "gwlbe_gb": .gwlbEndpointGigabyte,
        "alb_h_CNY": .albHour, "alb_lcu_CNY": .albUnit,
    ]

    @Test("a shipped price is the rate that was read, with its flag", arguments: Rate.all)
    func rate(rate: Rate) throws {
        let item = try #require(Self.items[rate.item])
        let price = try Fixture.catalogue.require(item, in: rate.region)
        #expect(price.amount == Fraction(decimal: rate.usd))
        #expect(price.inferred == rate.inferred)
        #expect(price.currency == (rate.item.hasSuffix("CNY") ? "CNY" : "USD"))
        #expect(!price.source.isEmpty && price.date.hasPrefix("20"))
    }
}
