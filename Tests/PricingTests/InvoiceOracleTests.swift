import BigInt
import Testing

@testable import Pricing

/// Whole invoices of random price books: fees, charges, minimum, maximum, discounts and taxes against BigInt, and what
/// of each line falls on services.
@Suite("Whole invoices against a BigInt oracle") struct InvoiceOracleTests {
    @Test("every line, tax and total of 20,000 random invoices is what exact arithmetic gives", arguments: 0..<20)
    func invoices(seed: Int) throws {
        var generator = SeededGenerator(seed: 0x1470_0000 + UInt64(seed))
        let start = try LocalDate("2026-03-01")
        for number in 0..<200 {
            let version = try Self.version(&generator)
            for _ in 0..<5 {
                let days = Int64.random(in: 28...31, using: &generator)
                let billed = Int64.random(in: 0...days, using: &generator)
                let quantities = [
                    "requests": generator.spread(upTo: 50), "new_connections": generator.spread(upTo: 40),
                    "sent_bytes": generator.spread(upTo: 60),
                ]
                let rating = try version.rate(
                    quantities, over: RatedPeriod(start: start, days: days, billedDays: billed))
                let ours = Oracle.Invoice(
                    lines: rating.amounts.map { BigInt($0) }, taxes: rating.taxes.map { BigInt($0.amount.minorUnits) },
                    total: BigInt(rating.totalMinor))
                let expected = Oracle.invoice(version, quantities, days: days, billedDays: billed, start: start)
                guard ours == expected else {
                    Issue.record("seed \(seed), book \(number): \(quantities), \(version): \(ours), not \(expected)")
                    return
                }
            }
        }
    }

    @Test("Σ breakdown = line for every line, in units and in money, over any services", arguments: 0..<20)
    func breakdowns(seed: Int) throws {
        var generator = SeededGenerator(seed: 0xB4EA_0000 + UInt64(seed))
        for _ in 0..<100 {
            let version = try Self.version(&generator)
            let services = (0..<Int.random(in: 1...7, using: &generator)).map { number in
                (key: "service-\(number)", quantity: generator.spread(upTo: 45))
            }
            let requests = services.map(\.quantity).reduce(0, +)
            let rating = try version.rate(["requests": requests], over: .whole(from: LocalDate("2026-03-01")))
            let breakdowns = try rating.breakdown(by: ["requests": services])
            for breakdown in breakdowns {
                let line = rating.lines[breakdown.line]
                #expect(try breakdown.parts.map(\.amount.minorUnits).total() == line.amount.minorUnits, "seed \(seed)")
                #expect(Set(breakdown.parts.map(\.key)).count == breakdown.parts.count)
                guard let quantity = line.quantity else { continue }
                #expect(breakdown.parts.compactMap(\.quantity).reduce(0, +) == quantity, "seed \(seed)")
                #expect(breakdown.parts.allSatisfy { ($0.quantity ?? 0) >= 0 && $0.amount.minorUnits >= 0 })
            }
            let usage = rating.lines.indices.filter { rating.lines[$0].dimension == "requests" }
            #expect(breakdowns.map(\.line).filter { rating.lines[$0].dimension != nil } == usage)
        }
    }

    @Test("three services of a third each share ten dollars as 333, 333 and 334 cents") func thirds() throws {
        let book = try Book.parse(
            charges: "{\(Book.requests), model: per_unit, per_units: 1000000000, amount_minor: 1000}")
        let rating = try book.rate(requests: 1_000_000_000)
        let parts = try rating.breakdown(by: [
            "requests": [("a", 333_333_333), ("b", 333_333_333), ("c", 333_333_334)]
        ])[0].parts
        #expect(parts.map(\.amount.minorUnits) == [333, 333, 334])
        #expect(parts.map(\.quantity) == [333_333_333, 333_333_333, 333_333_334])
    }

    @Test("a ceiling falls on the services as the lines it lowers do; a fee falls on none") func ceiling() throws {
        let book = try Book.parse(
            charges: "{\(Book.requests), model: per_unit, amount_minor: 1}", "base_fee: {amount_minor: 70}",
            "maximum: {amount_minor: 100}")
        let rating = try book.rate(requests: 400)
        let breakdowns = try rating.breakdown(by: ["requests": [("web", 300), ("api", 100)]])
        #expect(breakdowns.map(\.line) == [1, 2])
        #expect(breakdowns.map { $0.parts.map(\.amount.minorUnits) } == [[300, 100], [-225, -75]])
    }

    private static func version(_ generator: inout SeededGenerator) throws -> PriceBook.Version {
        let plain = try OracleTests.version(&generator)
        let classes: [[String]?] = [nil, ["usage"], ["base_fee", "service"], ["minimum", "usage"]]
        return PriceBook.Version(
            bookID: plain.bookID, currency: plain.currency, rounding: plain.rounding, effective: plain.effective,
            baseFee: plain.baseFee, minimum: plain.minimum, maximum: plain.maximum,
            charges: plain.charges + [
                OracleTests.charge(&generator, dimension: "sent_bytes", lineClass: "service")
            ],
            discounts: plain.discounts,
            taxes: (0..<Int.random(in: 0...2, using: &generator)).map { number in
                TaxRate(
                    name: "Tax \(number)",
                    percent: ExactAmount(millionths: Int128.random(in: 0...30_000_000, using: &generator)),
                    classes: classes[Int.random(in: 0..<4, using: &generator)],
                    rounded: Bool.random(using: &generator) ? .invoice : .perLine)
            })
    }
}
