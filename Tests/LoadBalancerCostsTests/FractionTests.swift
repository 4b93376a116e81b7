import LoadBalancerCosts
import Testing

@Suite struct FractionTests {
    @Test(
        "a fraction prints nine places, rounded half away from zero, without trailing zeros",
        arguments: [
            (Int128(1), Int128(3), "0.333333333"), (2, 3, "0.666666667"), (-2, 3, "-0.666666667"), (7776, 10, "777.6"),
            (0, 5, "0"),
            (9_999_999_999, 10_000_000_000, "1"), (-1, 10_000_000_000, "0"), (1, 2_000_000_000, "0.000000001"),
            (22_4208, 10_000, "22.4208"),
        ])
    func decimals(numerator: Int128, denominator: Int128, expected: String) throws {
        #expect(try Fraction(numerator, over: denominator).decimal() == expected)
    }

    @Test(
        "cents are rounded half away from zero",
        arguments: [
            ("28.105", "28.11"), ("25.185", "25.19"), ("-0.585", "-0.59"), ("0.005", "0.01"), ("-0.004", "0.00"),
            ("9.999", "10.00"),
        ])
    func cents(text: String, expected: String) throws {
        #expect(try #require(Fraction(decimal: text)).cents == expected)
    }

    @Test(
        "what is no finite decimal is refused",
        arguments: ["", "-", ".", "NaN", "Infinity", "1e", "1e99", "0x10", "1,5", " 1", "1 ", "1.2.3"])
    func refused(text: String) { #expect(Fraction(decimal: text) == nil) }

    @Test(
        "a decimal is read exactly",
        arguments: [("1.08", 27, 25), ("1e9", 1_000_000_000, 1), ("-0.5E1", -5, 1), ("+3", 3, 1), ("25e-2", 1, 4)])
    func read(text: String, numerator: Int, denominator: Int) throws {
        #expect(try Fraction(decimal: text) == Fraction(Int128(numerator), over: Int128(denominator)))
    }

    @Test("arithmetic beyond 38 digits is an error and never wraps")
    func overflow() throws {
        let large = Fraction(whole: Int128.max)
        #expect(throws: LoadBalancerCostError.self) { try large + large }
        #expect(throws: LoadBalancerCostError.self) { try large * 2 }
        #expect(try large * Fraction(1, over: Int128.max) == .one)
    }

    @Test("fractions compare exactly where their cross products leave 128 bits")
    func comparison() throws {
        let a = try Fraction(Int128.max - 1, over: Int128.max)
        let b = try Fraction(Int128.max - 3, over: Int128.max - 2)
        #expect(b < a)
        #expect(-a < -b)
        #expect(-a < b)
        #expect(!(a < a))
    }
}
