import Foundation
import Testing

@testable import Pricing

/// The golden vectors, as files beside the tests.
enum Fixture {
    static func load<Content: Decodable>(_ name: String, as type: Content.Type) throws -> Content {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(contentsOf: url))
    }
}

/// Price books as a file would hold them.
enum Book {
    /// 1e9 at USD 90.00, 10e9 at 60.00, the rest at 30.00 per 1e9.
    static let tiers =
        "[{up_to: 1000000000, amount_minor: 9000}, {up_to: 10000000000, amount_minor: 6000}, {amount_minor: 3000}]"

    /// The charge of the golden vectors by another model.
    static func charge(_ model: String) -> String {
        switch model {
        case "graduated", "volume": "{\(requests), model: \(model), per_units: 1000000000, tiers: \(tiers)}"
        default: "{\(requests), model: package, per_units: 1000000000, amount_minor: 9000, partial: \(model)}"
        }
    }

    static let requests = "dimension: requests, name: Gateway requests"

    /// A book of one version; `rest` are further keys of it.
    static func parse(
        currency: String = "USD", rounding: String = "half_up", charges: String, _ rest: String...
    ) throws -> PriceBook {
        try PriceBook(
            yaml: """
                id: test
                currency: \(currency)
                rounding: \(rounding)
                versions:
                - effective: 2026-01-01
                  charges: [\(charges)]
                \(rest.map { "  " + $0 }.joined(separator: "\n"))
                """,
            file: "test.yaml")
    }
}

extension PriceBook {
    /// Rates a whole period of 2026-03.
    func rate(requests: Int64) throws -> Rating { try rate(["requests": requests]) }

    /// Rates a whole period of 2026-03.
    func rate(_ quantities: [String: Int64]) throws -> Rating {
        try rate(quantities, over: .whole(from: try LocalDate("2026-03-01")))
    }
}

extension Rating {
    /// Minor units of each line.
    var amounts: [Int128] { lines.map(\.amount.minorUnits) }
    /// Minor units of the total.
    var totalMinor: Int128 { total.minorUnits }
}
