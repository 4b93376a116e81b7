import Testing

@testable import Pricing

@Suite("Golden vectors") struct VectorTests {
    struct Tiers: Decodable {
        let vectors: [Vector]
        let ties: [Tie]
    }

    struct Vector: Decodable {
        struct Line: Decodable, Equatable {
            let tierFromExclusive: Int64
            let units: Int64
            let amountMinor: Int64
        }

        let units: Int64
        let graduatedLines: [Line]
        let graduatedMinor: Int64
        let volumeMinor: Int64
        let packageCeilBlocks: Int64
        let packageCeilMinor: Int64
        let packageProratedMinor: Int64
    }

    struct Tie: Decodable {
        let value: String
        let halfUp: Int64
        let halfEven: Int64
    }

    struct Periods: Decodable {
        struct Month: Decodable {
            let zone: String
            let month: String
            let start: String
            let end: String
            let hours: String
        }

        let months: [Month]
    }

    @Test("every quantity of price_tiers.json costs what the file says, by every model") func tiers() throws {
        let vectors = try Fixture.load("price_tiers", as: Tiers.self).vectors
        #expect(vectors.count == 8)
        let graduated = try Book.parse(charges: Book.charge("graduated"))
        let volume = try Book.parse(charges: Book.charge("volume"))
        let full = try Book.parse(charges: Book.charge("full"))
        let prorated = try Book.parse(charges: Book.charge("prorated"))
        for vector in vectors {
            let rating = try graduated.rate(requests: vector.units)
            let bounds: [Int64] = [0, 1_000_000_000, 10_000_000_000]
            let lines = try rating.lines.map { line in
                Vector.Line(
                    tierFromExclusive: bounds[try #require(line.tier) - 1], units: try #require(line.quantity),
                    amountMinor: Int64(line.amount.minorUnits))
            }
            #expect(lines == vector.graduatedLines)
            #expect(rating.totalMinor == Int128(vector.graduatedMinor))
            #expect(try volume.rate(requests: vector.units).totalMinor == Int128(vector.volumeMinor))
            let blocks = try full.rate(requests: vector.units)
            #expect(blocks.totalMinor == Int128(vector.packageCeilMinor))
            #expect(blocks.lines.first?.blocks ?? 0 == vector.packageCeilBlocks)
            #expect(try prorated.rate(requests: vector.units).totalMinor == Int128(vector.packageProratedMinor))
        }
    }

    @Test("ties of price_tiers.json round as the file says") func ties() throws {
        let ties = try Fixture.load("price_tiers", as: Tiers.self).ties
        #expect(ties.count == 3)
        for tie in ties {
            let tenths = try #require(Int128(tie.value.replacing(".", with: "")))
            #expect(try RoundingMode.halfUp.rounded(tenths, over: 10) == Int128(tie.halfUp))
            #expect(try RoundingMode.halfEven.rounded(tenths, over: 10) == Int128(tie.halfEven))
        }
    }

    @Test("every month of billing_periods.json has the instants and hours of the file") func periods() throws {
        let months = try Fixture.load("billing_periods", as: Periods.self).months
        #expect(months.count == 4)
        for month in months {
            let period = try BillingPeriod(month: month.month, zone: month.zone)
            #expect(period.start == month.start)
            #expect(period.end == month.end)
            #expect(period.hours == month.hours)
        }
    }
}
