import Testing

@testable import Pricing

@Suite("Credits") struct CreditTests {
    private static func credit(_ id: String, _ minor: Int128, expires: String? = nil, _ code: String = "USD") throws
        -> Credit
    {
        Credit(
            id: id, remaining: Money(minorUnits: minor, currency: try Currency(code)),
            expires: try expires.map { try LocalDate($0) })
    }

    private static func apply(_ credits: [Credit], to minor: Int128) throws -> CreditApplication {
        try CreditApplication(
            of: credits, to: Money(minorUnits: minor, currency: try Currency("USD")), on: try LocalDate("2026-11-01"))
    }

    @Test("the credit that expires first is drawn first, those without expiry last, ties by id") func order() throws {
        let applied = try Self.apply(
            [
                Self.credit("never", 100), Self.credit("b", 100, expires: "2027-01-01"),
                Self.credit("a", 100, expires: "2027-01-01"), Self.credit("soon", 100, expires: "2026-12-01"),
            ], to: 350)
        #expect(applied.draws.map(\.creditID) == ["soon", "a", "b", "never"])
        #expect(applied.draws.map(\.amount.minorUnits) == [100, 100, 100, 50])
        #expect(applied.payable.minorUnits == 0)
    }

    @Test("an expired credit pays nothing; it expires at the start of its date") func expired() throws {
        let applied = try Self.apply(
            [Self.credit("old", 100, expires: "2026-11-01"), Self.credit("new", 100, expires: "2026-11-02")], to: 150)
        #expect(applied.draws.map(\.creditID) == ["new"])
        #expect(applied.payable.minorUnits == 50)
    }

    @Test("nothing is drawn for a total of zero or below, or from an empty credit", arguments: [0, -5] as [Int128])
    func nothingToPay(total: Int128) throws {
        let applied = try Self.apply([Self.credit("a", 100)], to: total)
        #expect(applied.draws == [] && applied.payable.minorUnits == 0 && applied.surplus.minorUnits == -total)
        #expect(try Self.apply([Self.credit("a", 0)], to: 5).draws == [])
    }

    @Test("a credit of another currency is refused") func currency() throws {
        #expect(throws: PricingError.self) { try Self.apply([Self.credit("a", 100, "EUR")], to: 5) }
    }

    @Test("Σ draws + payable = total, never more than a credit holds", arguments: 0..<5) func sums(seed: Int) throws {
        var generator = SeededGenerator(seed: 0xC4ED_0000 + UInt64(seed))
        for _ in 0..<100 {
            let credits = try (0..<4).map { try Self.credit("\($0)", Int128(generator.spread(upTo: 30))) }
            let total = Int128(generator.spread(upTo: 31)) - (generator.next() % 4 == 0 ? 1 << 31 : 0)
            let applied = try Self.apply(credits, to: total)
            let drawn = try applied.draws.map(\.amount.minorUnits).total()
            #expect(drawn + applied.payable.minorUnits - applied.surplus.minorUnits == total)
            let left = Dictionary(uniqueKeysWithValues: credits.map { ($0.id, $0.remaining.minorUnits) })
            #expect(applied.draws.allSatisfy { $0.amount.minorUnits <= left[$0.creditID] ?? 0 })
            #expect(applied.payable.minorUnits >= 0)
        }
    }
}
