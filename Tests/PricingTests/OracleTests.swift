import BigInt
import Testing

@testable import Pricing

/// 100,000 random quantities over 20,000 random price books: ours against BigInt.
@Suite("Rating against a BigInt oracle") struct OracleTests {
    @Test("every line, subtotal and total of a random book is what exact arithmetic gives", arguments: 0..<20)
    func randomBooks(seed: Int) throws {
        var generator = SeededGenerator(seed: 0x5EED_0000 + UInt64(seed))
        let currency = try Currency("USD")
        for number in 0..<1000 {
            let charge = Self.charge(&generator)
            let mode = RoundingMode.allCases.randomElement(using: &generator) ?? .halfUp
            let bounds = Self.interesting(charge)
            for _ in 0..<5 {
                let consumed = Self.quantity(near: bounds, &generator)
                let lines = try charge.lines(consumed: consumed, currency: currency, rounding: mode)
                let expected = Oracle.lines(charge, consumed, mode)
                guard lines.map({ BigInt($0.amount.minorUnits) }) == expected,
                    lines.compactMap(\.quantity).reduce(0, +) == max(0, consumed - charge.includedUnits)
                else {
                    Issue.record(
                        "seed \(seed), book \(number): \(consumed) of \(charge), \(mode): \(lines), not \(expected)")
                    return
                }
            }
        }
    }

    @Test("Σ lines = subtotal, Σ shares = line, taxes stand on the net lines, for random books", arguments: 0..<20)
    func invariants(seed: Int) throws {
        var generator = SeededGenerator(seed: 0xB111_0000 + UInt64(seed))
        for _ in 0..<100 {
            let version = try Self.version(&generator)
            let days = Int64.random(in: 28...31, using: &generator)
            let period = try RatedPeriod(
                start: LocalDate("2026-03-01"), days: days, billedDays: Int64.random(in: 0...days, using: &generator))
            let quantities = ["requests": generator.spread(upTo: 50), "new_connections": generator.spread(upTo: 40)]
            let rating = try version.rate(quantities, over: period)
            #expect(try rating.amounts.total() == rating.subtotal.minorUnits, "seed \(seed)")
            #expect(
                try rating.taxes.map(\.amount.minorUnits).total() + rating.subtotal.minorUnits == rating.totalMinor,
                "seed \(seed)")
            var net = rating.amounts
            for line in rating.lines where line.lineClass == nil {
                #expect(try line.shares.map(\.amount.minorUnits).total() == line.amount.minorUnits, "seed \(seed)")
                for share in line.shares { net[share.line] += share.amount.minorUnits }
            }
            let charged = zip(rating.lines, net).filter { $0.0.lineClass != nil }.map(\.1)
            #expect(charged.allSatisfy { $0 >= 0 }, "seed \(seed): a discount goes below zero: \(rating)")
            #expect(try charged.total() == rating.subtotal.minorUnits, "seed \(seed)")
            for tax in rating.taxes {
                #expect(tax.taxable == rating.subtotal, "seed \(seed)")
                #expect(
                    BigInt(tax.amount.minorUnits)
                        == Oracle.rounded(
                            BigInt(tax.taxable.minorUnits) * BigInt(tax.percent.millionths), over: 100_000_000,
                            version.rounding), "seed \(seed)")
            }
        }
    }

    @Test("a graduated total never falls when a request is added", arguments: 0..<20) func monotone(seed: Int) throws {
        var generator = SeededGenerator(seed: 0x3070_0000 + UInt64(seed))
        let currency = try Currency("USD")
        for _ in 0..<50 {
            let charge = Self.charge(&generator, model: 0)
            let mode = RoundingMode.allCases.randomElement(using: &generator) ?? .halfUp
            var last: Int128 = 0
            let bounds = Self.interesting(charge)
            for consumed in (0..<30).map({ _ in Self.quantity(near: bounds, &generator) }).sorted() {
                let total = try charge.lines(consumed: consumed, currency: currency, rounding: mode)
                    .map(\.amount.minorUnits).total()
                #expect(total >= last, "seed \(seed): \(consumed) of \(charge), \(mode)")
                last = total
            }
        }
    }

    static func amount(_ generator: inout SeededGenerator) -> ExactAmount {
        ExactAmount(millionths: Int128(generator.spread(upTo: 63)) * Int128(generator.spread(upTo: 18) + 1))
    }

    static func charge(
        _ generator: inout SeededGenerator, model: Int? = nil, dimension: String = "requests",
        lineClass: String = Charge.defaultClass
    ) -> Charge {
        var bounds: Set<Int64> = []
        for _ in 0..<Int.random(in: 0...4, using: &generator) { bounds.insert(generator.spread(upTo: 62) + 1) }
        let tiers = (bounds.sorted() + [nil]).map { bound in
            Charge.Tier(
                upTo: bound, amount: amount(&generator),
                flat: Bool.random(using: &generator) ? 0 : generator.spread(upTo: 40))
        }
        let choice = model ?? Int.random(in: 0...4, using: &generator)
        return Charge(
            dimension: dimension, name: dimension, lineClass: lineClass, perUnits: generator.spread(upTo: 62) + 1,
            includedUnits: Bool.random(using: &generator) ? 0 : generator.spread(upTo: 50),
            model: choice == 0
                ? .graduated(tiers)
                : choice == 1
                    ? .volume(tiers)
                    : choice == 2
                        ? .package(amount(&generator), partial: .full)
                        : choice == 3 ? .package(amount(&generator), partial: .prorated) : .perUnit(amount(&generator)))
    }

    /// Quantities at which something changes.
    static func interesting(_ charge: Charge) -> [Int64] {
        let bounds: [Int64] =
            switch charge.model {
            case .graduated(let tiers), .volume(let tiers): tiers.compactMap(\.upTo)
            default: [charge.perUnits]
            }
        return ([0] + bounds).map { $0.addingReportingOverflow(charge.includedUnits) }.filter { !$0.overflow }
            .map(\.partialValue)
    }

    static func quantity(near bounds: [Int64], _ generator: inout SeededGenerator) -> Int64 {
        guard Bool.random(using: &generator), let bound = bounds.randomElement(using: &generator) else {
            return generator.spread(upTo: 63)
        }
        let (near, overflow) = bound.addingReportingOverflow(Int64.random(in: -1...1, using: &generator))
        return overflow ? bound : max(0, near)
    }

    static func version(_ generator: inout SeededGenerator) throws -> PriceBook.Version {
        func periodAmount() -> PriceBook.PeriodAmount? {
            guard Bool.random(using: &generator) else { return nil }
            return PriceBook.PeriodAmount(
                amount: ExactAmount(generator.spread(upTo: 40)), isProratedByDays: Bool.random(using: &generator))
        }
        func discount(_ number: Int) -> Discount {
            Discount(
                name: "Discount \(number)",
                reduction: Bool.random(using: &generator)
                    ? .percent(ExactAmount(millionths: Int128.random(in: 0...100_000_000, using: &generator)))
                    : .amount(ExactAmount(generator.spread(upTo: 40))),
                chargeName: Bool.random(using: &generator) ? "requests" : nil, from: nil, until: nil)
        }
        return PriceBook.Version(
            bookID: "random", currency: try Currency("EUR"),
            rounding: RoundingMode.allCases.randomElement(using: &generator) ?? .halfUp,
            effective: try LocalDate("2026-01-01"), baseFee: periodAmount(), minimum: periodAmount(),
            maximum: periodAmount(),
            charges: [charge(&generator), charge(&generator, dimension: "new_connections")],
            discounts: (0..<Int.random(in: 0...3, using: &generator)).map(discount),
            taxes: [TaxRate(name: "VAT", percent: ExactAmount(19), classes: nil)])
    }
}
