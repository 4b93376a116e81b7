import Foundation
import Pricing

/// Prices: a quote from process start to exit, ratings, and a forecast with its record.
struct PricingBenchmarks {
    static let all = [
        Benchmark("quote", "waybill quote, from process start to exit", quote),
        Benchmark("rating", "100,000 invoices of three tiers, and one of 10,000 lines", rating),
        Benchmark("forecast", "a month from 400 days of quarter hours, with the record of twelve months", forecast),
    ]

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    private static let priceBook = root.appendingPathComponent("config/price-books/standard.yaml").path

    private static func standard() throws -> PriceBook {
        try PriceBook(yaml: try String(contentsOfFile: priceBook, encoding: .utf8), file: priceBook)
    }

    /// `waybill` is taken from the folder that this program lies in: `make bench` builds both.
    private static func quote(_ stopwatch: Stopwatch) throws {
        let waybill = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("waybill")
        let starts: Int64 = 50
        try stopwatch.measure(starts, "quotes") {
            for _ in 0..<starts {
                let process = Process()
                process.executableURL = waybill
                process.arguments = [
                    "quote", "--price-book", priceBook, "--requests", "12345678901", "--at", "2026-11-01", "--format",
                    "json",
                ]
                process.standardOutput = FileHandle.nullDevice
                try process.run()
                process.waitUntilExit()
            }
        }
    }

    private static func rating(_ stopwatch: Stopwatch) throws {
        let book = try standard()
        let period = RatedPeriod.whole(from: try LocalDate("2026-11-01"))
        try stopwatch.measure(100_000, "invoices", "three tiers") {
            for number in Int64(0)..<100_000 {
                _ = try book.rate(["requests": number * 123_456_789], over: period)
            }
        }
        let tiers = (1..<10_000).map { "{up_to: \($0), amount_minor: 1}" } + ["{amount_minor: 1}"]
        let wide = try PriceBook(
            yaml: """
                id: wide
                currency: USD
                versions:
                - effective: 2026-01-01
                  discounts: [{name: D, percent: 10}]
                  taxes: [{name: T, percent: 19}]
                  charges:
                  - {dimension: requests, name: R, model: graduated, per_units: 1, tiers: [\(tiers.joined(separator: ","))]}
                """, file: "wide")
        try stopwatch.measure(10_000, "lines", "10,000 lines") { _ = try wide.rate(["requests": 20_000], over: period) }
    }

    private static func forecast(_ stopwatch: Stopwatch) throws {
        let start = try RFC3339.microseconds("2025-10-01T00:00:00Z")
        let end = try RFC3339.microseconds("2026-11-06T00:00:00Z")
        var generator = SystemRandomNumberGenerator()
        let records = stride(from: start, to: end, by: Int64.Stride(UsageHistory.step)).map { instant in
            (quarterHour: instant, quantities: ["requests": Int64.random(in: 0...1_000_000, using: &generator)])
        }
        let period = try BillingPeriod(month: "2026-11", zone: "Europe/Berlin")
        let version = try standard().version(inForceOn: period.startDate)
        try stopwatch.measure(1, "forecasts") {
            let history = UsageHistory(start: start, end: end, records: records)
            _ = try Forecast(history, period: period, version: version, rated: period.rated())
        }
    }
}
