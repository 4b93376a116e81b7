import Metering
import Testing

@testable import WebAPI

/// The quick writer of a month against the encoder that writes everything else.
@Suite struct MonthlyUsageTextTests {
    private static let names = [
        "acme", "", "a\"b\\c/d", "tab\tline\nfeed\u{c}\u{8}\r", "\u{1}\u{1f}\u{7f}", "Zürich ✓ 𝄞", "é",
    ]
    private static let numbers: [Int64] = [
        0, 1, -1, 9_007_199_254_740_991, 9_007_199_254_740_992, -9_007_199_254_740_992, .max, .min + 1,
    ]

    private static func quantities(_ seed: Int) -> Quantities {
        var quantities = Quantities()
        for (index, dimension) in Dimension.allCases.enumerated() where dimension != .activeConnections {
            quantities.counts[dimension] = abs(numbers[(seed + index) % numbers.count])
        }
        quantities.activeConnectionsMicros = Int64(seed) * 1_234_567
        quantities.activeConnectionsMaximum = Int64(seed)
        return quantities
    }

    private static func name(_ index: Int) -> String { names[index % names.count] }

    private static func usage(_ seed: Int) -> MonthlyUsage {
        let gaps = (0..<seed % 4).map { index in
            MonthlyUsage.GapReport(
                gateway: name(seed + index), instance: name(index), from: "2024-11-05T00:00:00Z", to: name(seed),
                reason: "tail_lost", lower: abs(numbers[(seed + index) % 3]),
                upper: index % 2 == 0 ? nil : Int64(index),
                basis: index % 3 == 0 ? nil : "rate", evidence: numbers[(seed + index) % 5],
                billed: index % 2 == 0 ? 0 : numbers[(seed + index + 1) % 5])
        }
        let groups = (0..<seed % 5).map { index in
            MonthlyUsage.Group(
                service: index % 2 == 0 ? name(index) : nil, gateway: index % 3 == 0 ? name(seed) : nil,
                day: index % 4 == 0 ? "2024-11-05" : nil, hour: index == 1 ? "2024-11-05T01:00:00Z" : nil,
                dimensions: quantities(index))
        }
        var usage = MonthlyUsage(
            tenant: name(seed),
            period: .init(month: "2024-11", zone: "Europe/Berlin", start: "s", end: "e", asOf: name(seed + 1)),
            dimensions: Quantities(),
            coverage: .init(
                Coverage(lives: [], from: .init(seconds: 0), to: .init(seconds: 1), asOf: .init(seconds: 1)), gaps: gaps
            ),
            groups: groups)
        usage.dimensions = quantities(seed)
        usage.requests = numbers[seed % numbers.count]
        usage.lower = numbers[(seed + 1) % numbers.count]
        usage.upper = seed % 3 == 0 ? nil : numbers[(seed + 2) % numbers.count]
        return usage
    }

    @Test(arguments: 0..<60)
    func `A month is written as the encoder writes it, byte for byte`(seed: Int) throws {
        let usage = Self.usage(seed)
        #expect(
            String(decoding: MonthlyUsageText.json(usage), as: UTF8.self)
                == String(decoding: try JSONText.encode(usage), as: UTF8.self))
    }
}
