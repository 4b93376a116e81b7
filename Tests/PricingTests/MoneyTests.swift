import BigInt
import Testing

@testable import Pricing

@Suite("Money") struct MoneyTests {
    @Test(
        "a tie rounds by its mode, away from zero and on both sides of it",
        arguments: [
            (12345, [1235, 1234, 1234, 1235]), (12355, [1236, 1236, 1235, 1236]),
            (-12345, [-1235, -1234, -1234, -1235]),
            (12344, [1234, 1234, 1234, 1235]), (12346, [1235, 1235, 1234, 1235]), (12340, [1234, 1234, 1234, 1234]),
            (5, [1, 0, 0, 1]), (-5, [-1, 0, 0, -1]), (0, [0, 0, 0, 0]),
        ] as [(Int128, [Int128])])
    func ties(tenths: Int128, expected: [Int128]) throws {
        let modes: [RoundingMode] = [.halfUp, .halfEven, .down, .up]
        #expect(try modes.map { try $0.rounded(tenths, over: 10) } == expected)
    }

    @Test("a product beyond 128 bits is rounded exactly, as BigInt rounds it", arguments: 0..<10)
    func wideProducts(seed: Int) throws {
        var generator = SeededGenerator(seed: 0xF011_0000 + UInt64(seed))
        for _ in 0..<200 {
            let factor =
                Int128(generator.spread(upTo: 63)) * Int128(generator.spread(upTo: 63))
                * (Bool.random(using: &generator) ? 1 : -1)
            let multiplier = Int128(generator.spread(upTo: 63))
            let divisor = Int128(generator.spread(upTo: 63)) * Int128(generator.spread(upTo: 20)) + 1
            let mode = RoundingMode.allCases.randomElement(using: &generator) ?? .halfUp
            let expected = Oracle.rounded(BigInt(factor) * BigInt(multiplier), over: BigInt(divisor), mode)
            let fits = expected.magnitude <= BigUInt(Int128.max.magnitude)
            let result = try? mode.rounded(factor, times: multiplier, over: divisor)
            #expect(
                result.map { BigInt($0) } == (fits ? expected : nil),
                "seed \(seed): \(factor) × \(multiplier) ÷ \(divisor)")
        }
    }

    @Test("1e15 requests at the highest price that can be written do not overflow") func highestPrice() throws {
        let price = "\"9223372036854775807.999999\""
        let book = try Book.parse(charges: "{\(Book.requests), model: per_unit, amount_minor: \(price)}")
        #expect(
            try book.rate(requests: 1_000_000_000_000_000).totalMinor == 9_223_372_036_854_775_807_999_999_000_000_000)
        let total = try book.rate(requests: .max).totalMinor
        let exact = BigInt(Int64.max) * (BigInt(Int64.max) * 1_000_000 + 999_999)
        #expect(BigInt(total) == Oracle.rounded(exact, over: 1_000_000, .halfUp))
    }

    @Test("a sum beyond Int128 is an error that says so, not a trap") func sumTooLarge() throws {
        let charge = { (name: String) in
            "{dimension: requests, name: \(name), model: per_unit, amount_minor: \(Int64.max)}"
        }
        let book = try Book.parse(charges: [charge("A"), charge("B"), charge("C")].joined(separator: ", "))
        let error = #expect(throws: PricingError.self) { try book.rate(requests: .max) }
        #expect(error?.code == .amountTooLarge)
        #expect(error?.message.contains("check price and quantity") == true)
    }

    @Test("a quotient beyond Int128 is an error, a divisor that is not positive too") func badQuotients() {
        #expect(throws: PricingError.self) { try RoundingMode.halfUp.rounded(.max, times: 2, over: 1) }
        #expect(throws: PricingError.self) { try RoundingMode.up.rounded(.max, times: .max, over: 1) }
        #expect(throws: PricingError.self) { try RoundingMode.up.rounded(1, over: 0) }
        #expect(throws: PricingError.self) { try RoundingMode.up.rounded(1, over: -1) }
    }

    @Test(
        "an amount reads with its currency's decimals",
        arguments: [
            ("USD", 70037, "USD 700.37"), ("USD", 117_000, "USD 1,170.00"), ("USD", 5, "USD 0.05"),
            ("USD", -5, "USD -0.05"),
            ("JPY", 1_234_567, "JPY 1,234,567"), ("KWD", 1234, "KWD 1.234"), ("CLF", 12345, "CLF 1.2345"),
            ("EUR", 0, "EUR 0.00"),
        ] as [(String, Int128, String)])
    func display(code: String, minor: Int128, text: String) throws {
        #expect(Money(minorUnits: minor, currency: try Currency(code)).description == text)
    }

    @Test("a price is shown exactly, never rounded") func prices() throws {
        let price = { (text: String, per: Int64, code: String) in
            UnitPrice(amount: try #require(ExactAmount(text)), perUnits: per, currency: try Currency(code)).description
        }
        #expect(try price("9000", 1_000_000_000, "USD") == "USD 90.00 per 1,000,000,000")
        #expect(try price("0.000405", 1, "USD") == "USD 0.00000405 per 1")
        #expect(try price("12.5", 1000, "JPY") == "JPY 12.5 per 1,000")
    }

    @Test(
        "currencies have the exponent of ISO 4217",
        arguments: [
            ("JPY", 0), ("KRW", 0), ("CLP", 0), ("USD", 2), ("EUR", 2), ("HUF", 2), ("LYD", 3), ("KWD", 3), ("UYW", 4),
        ])
    func exponents(code: String, exponent: Int) throws {
        #expect(try Currency(code).exponent == exponent)
    }

    @Test("an unknown currency is an error, and so is its lower case", arguments: ["XXX", "usd", "", "XAU", "BTC"])
    func unknownCurrency(code: String) {
        #expect(throws: PricingError.self) { try Currency(code) }
    }

    @Test(
        "an amount is read in the decimals of its currency",
        arguments: [
            ("500", "USD", 50_000), ("499.99", "USD", 49_999), ("0.5", "KWD", 500), ("7", "JPY", 7), ("7.0", "JPY", 7),
            ("1.2345", "CLF", 12_345), ("0.001", "USD", nil), ("7.5", "JPY", nil), ("-1", "USD", nil), ("", "USD", nil),
            ("1e3", "USD", nil), ("1,000", "USD", nil),
        ] as [(String, String, Int128?)])
    func decimals(text: String, code: String, minor: Int128?) throws {
        let currency = try Currency(code)
        #expect((try? Money(decimal: text, currency: currency))?.minorUnits == minor)
    }

    @Test("amounts of two currencies do not add up") func mixedCurrencies() throws {
        let dollars = Money(minorUnits: 1, currency: try Currency("USD"))
        let euros = Money(minorUnits: 1, currency: try Currency("EUR"))
        #expect(try dollars.adding(dollars).minorUnits == 2)
        #expect(throws: PricingError.self) { try dollars.adding(euros) }
    }

    @Test(
        "a price has at most six decimals and no sign",
        arguments: ["", "-1", "+1", ".5", "1.", "1.0000001", "1e9", "9223372036854775808", "1,5", " 1", "٣"])
    func badAmounts(text: String) {
        #expect(ExactAmount(text) == nil)
    }

    @Test(
        "an exact amount is written as it was read",
        arguments: ["0", "9000", "0.000001", "40.5", "9223372036854775807.999999"])
    func amountText(text: String) {
        #expect(ExactAmount(text)?.text == text)
    }
}

@Suite("Allocation") struct AllocationTests {
    @Test("USD 10.00 over three thirds gives the odd cent to the largest remainder") func thirds() throws {
        let whole = Money(minorUnits: 1000, currency: try Currency("USD"))
        let shares = try whole.allocated(by: [("a", 333_333_333), ("b", 333_333_333), ("c", 333_333_334)])
        #expect(shares.map(\.minorUnits) == [333, 333, 334])
    }

    @Test("ties go to the smaller key, wherever it stands") func stableKeys() throws {
        #expect(try Allocation.shares(of: 1, by: [("b", 1), ("a", 1)]) == [0, 1])
        #expect(try Allocation.shares(of: -2, by: [("c", 1), ("b", 1), ("a", 1)]) == [0, -1, -1])
    }

    @Test("the lowest whole there is does not trap") func lowestWhole() throws {
        #expect(try Allocation.shares(of: .min, by: [("a", 1)]) == [.min])
        #expect(try Allocation.shares(of: .min, by: [("a", 1), ("b", 1)]) == [.min / 2, .min / 2])
    }

    @Test("parts without weight share equally, and nothing is lost") func noWeights() throws {
        #expect(try Allocation.shares(of: 5, by: [("a", 0), ("b", 0)]) == [3, 2])
        #expect(try Allocation.shares(of: 0, by: [(key: String, weight: Int128)]()) == [])
        #expect(throws: PricingError.self) { try Allocation.shares(of: 1, by: [(key: String, weight: Int128)]()) }
        #expect(throws: PricingError.self) { try Allocation.shares(of: 1, by: [("a", -1), ("b", 3)]) }
    }

    @Test("Σ shares = whole, each within one unit of its exact part", arguments: 0..<20) func sums(seed: Int) throws {
        var generator = SeededGenerator(seed: 0xA110_0000 + UInt64(seed))
        for _ in 0..<50 {
            let whole =
                Int128(generator.spread(upTo: 63)) * Int128(generator.spread(upTo: 60)) * (seed % 2 == 0 ? 1 : -1)
            let weights = (0..<Int.random(in: 1...20, using: &generator)).map {
                ($0, Int128(generator.spread(upTo: 55)))
            }
            let shares = try Allocation.shares(of: whole, by: weights)
            #expect(try shares.total() == whole, "seed \(seed)")
            let sum = BigInt(weights.map(\.1).reduce(0, +))
            guard sum > 0 else { continue }
            for (share, weight) in zip(shares, weights) {
                let error = BigInt(share) * sum - BigInt(whole) * BigInt(weight.1)
                #expect(BigInt(error.magnitude) < sum, "seed \(seed)")
            }
        }
    }
}
