import Foundation
import Testing

@testable import Pricing

/// What happens to a bill, in the words of those who pay it. Amounts are worked out by hand.
@Suite("Billing stories") struct StoryTests {
    private let usage = "{dimension: requests, name: Requests, model: per_unit, amount_minor: 1}"

    @Test("a month of 12,345,678,901 requests costs 90.00 + 540.00 + 70.37") func graduatedMonth() throws {
        let rating = try Book.parse(charges: Book.charge("graduated")).rate(requests: 12_345_678_901)
        #expect(rating.lines.map(\.tier) == [1, 2, 3])
        #expect(rating.lines.map(\.amount.description) == ["USD 90.00", "USD 540.00", "USD 70.37"])
        #expect(rating.total.description == "USD 700.37")
    }

    @Test("a month without traffic has no usage line and costs nothing") func quietMonth() throws {
        for model in ["graduated", "volume", "full", "prorated"] {
            let rating = try Book.parse(charges: Book.charge(model)).rate(requests: 0)
            #expect(rating.lines == [] && rating.totalMinor == 0)
        }
    }

    @Test("included requests are taken off before tiers and blocks count") func included() throws {
        let free = "included_units: 1000000000, "
        let package = Book.charge("full").replacing("model:", with: free + "model:")
        let rating = try Book.parse(charges: package).rate(requests: 3_000_000_001)
        #expect(
            rating.amounts == [27000] && rating.lines.first?.blocks == 3
                && rating.lines.first?.quantity == 2_000_000_001)
        let tiers = Book.charge("graduated").replacing("model:", with: free + "model:")
        let tiered = try Book.parse(charges: tiers).rate(requests: 2_500_000_000)
        #expect(tiered.lines.map(\.quantity) == [1_000_000_000, 500_000_000] && tiered.amounts == [9000, 3000])
        #expect(tiered.usage.map(\.included) == [1_000_000_000] && tiered.usage.map(\.rated) == [1_500_000_000])
        let within = try Book.parse(charges: tiers).rate(requests: 999_999_999)
        #expect(within.lines == [] && within.usage.map(\.included) == [999_999_999])
    }

    @Test("a flat amount is due once when its tier is entered") func flatAmount() throws {
        let tiers = "[{up_to: 10, amount_minor: 2, flat_minor: 100}, {amount_minor: 1, flat_minor: 50}]"
        let graduated = try Book.parse(charges: "{\(Book.requests), model: graduated, per_units: 1, tiers: \(tiers)}")
        #expect(try graduated.rate(requests: 10).amounts == [120])
        #expect(try graduated.rate(requests: 12).amounts == [120, 52])
        let volume = try Book.parse(charges: "{\(Book.requests), model: volume, per_units: 1, tiers: \(tiers)}")
        #expect(try volume.rate(requests: 12).amounts == [62])
    }

    @Test(
        "a minimum of 500.00 is filled up by a line of its own, and only when usage stays below",
        arguments: [(31234, 18766), (50000, nil), (71234, nil), (0, 50000)] as [(Int64, Int128?)])
    func minimum(charged: Int64, trueUp: Int128?) throws {
        let rating = try Book.parse(charges: usage, "minimum: {amount_minor: 50000}").rate(requests: charged)
        #expect(rating.lines.first { $0.kind == .minimum }?.amount.minorUnits == trueUp)
        #expect(rating.totalMinor == max(50000, Int128(charged)))
    }

    @Test("a contract that begins on the 13th pays 19 of 31 days of its fee and commit, and all of its usage")
    func partialMonth() throws {
        let period = try BillingPeriod(month: "2026-03", zone: "Europe/Berlin").rated(
            contractFrom: LocalDate("2026-03-13"))
        #expect(period.billedDays == 19 && period.days == 31)
        let commit = try Book.parse(charges: usage, "minimum: {amount_minor: 50000}").rate(
            ["requests": 0], over: period)
        #expect(commit.amounts == [30645])
        let fee = try Book.parse(charges: usage, "base_fee: {amount_minor: 50000, prorate: days}")
        #expect(try fee.rate(["requests": 7], over: period).amounts == [30645, 7])
    }

    @Test("a fee that is not prorated is due in full for a single day") func fullFee() throws {
        let book = try Book.parse(charges: usage, "base_fee: {amount_minor: 50000, prorate: none}")
        let period = try RatedPeriod(start: LocalDate("2026-02-01"), days: 28, billedDays: 1)
        #expect(try book.rate([:], over: period).amounts == [50000])
    }

    @Test("a ceiling shows what usage would have cost, then a negative line") func ceiling() throws {
        let book = try Book.parse(charges: usage, "base_fee: {amount_minor: 300}", "maximum: {amount_minor: 1000}")
        let rating = try book.rate(requests: 4000)
        #expect(rating.lines.map(\.kind) == [.baseFee, .usage, .maximum] && rating.amounts == [300, 4000, -3000])
        #expect(rating.totalMinor == 1300)
        #expect(try book.rate(requests: 1000).amounts == [300, 1000])
    }

    @Test("all adjustments stand in their order: fee, charges, minimum, discount, tax") func order() throws {
        let book = try Book.parse(
            charges: usage, "base_fee: {amount_minor: 1000}", "minimum: {amount_minor: 500}",
            "discounts: [{name: Friend, percent: 10}]", "taxes: [{name: VAT, percent: 19}]")
        let rating = try book.rate(requests: 100)
        #expect(rating.lines.map(\.kind) == [.baseFee, .usage, .minimum, .discount])
        #expect(rating.amounts == [1000, 100, 400, -150])
        #expect(rating.subtotal.minorUnits == 1350 && rating.taxes.map(\.amount.minorUnits) == [257])
        #expect(rating.totalMinor == 1607)
    }

    @Test("a discount holds from its first day to the day before its end, by the start of the period")
    func discountWindow() throws {
        let book = try Book.parse(
            charges: usage, "discounts: [{name: Spring, percent: 50, from: 2026-03-01, until: 2026-05-01}]")
        for (start, total) in [("2026-02-28", 100), ("2026-03-01", 50), ("2026-04-30", 50), ("2026-05-01", 100)] {
            #expect(try book.rate(["requests": 100], over: .whole(from: LocalDate(start))).totalMinor == Int128(total))
        }
    }

    @Test("a discount of one charge leaves the others alone") func chargeDiscount() throws {
        let book = try Book.parse(
            charges: "\(usage), {dimension: sent_bytes, name: Traffic, model: per_unit, amount_minor: 1}",
            "discounts: [{name: Half traffic, percent: 50, charge: Traffic}]")
        let rating = try book.rate(["requests": 100, "sent_bytes": 31])
        #expect(rating.amounts == [100, 31, -16])
        #expect(rating.lines.last?.shares.map(\.line) == [1])
    }

    @Test("a percentage is rounded once for each line that it lowers") func percentPerLine() throws {
        let charges = ["A", "B", "C"].map { "{dimension: requests, name: \($0), model: per_unit, amount_minor: 1}" }
        let book = try Book.parse(charges: charges.joined(separator: ", "), "discounts: [{name: Ten, percent: 10}]")
        // Three lines of 5: each gives 0.5, rounded to 1.
        #expect(try book.rate(requests: 5).amounts == [5, 5, 5, -3])
    }

    @Test("a fixed discount is spread by largest remainder, and never pays money out") func fixedDiscount() throws {
        let book = try Book.parse(
            charges: "\(usage), {dimension: sent_bytes, name: Traffic, model: per_unit, amount_minor: 1}",
            "discounts: [{name: Goodwill, amount_minor: 100}]")
        let rating = try book.rate(["requests": 200, "sent_bytes": 100])
        #expect(rating.lines.last?.shares.map(\.amount.minorUnits) == [-67, -33])
        let small = try book.rate(["requests": 30])
        #expect(small.amounts == [30, -30] && small.totalMinor == 0)
        #expect(try book.rate([:]).lines == [])
    }

    @Test("discounts follow each other: the second is taken from what the first left") func twoDiscounts() throws {
        let book = try Book.parse(
            charges: usage, "discounts: [{name: A, percent: 50}, {name: B, percent: 50}, {name: C, amount_minor: 999}]")
        #expect(try book.rate(requests: 100).amounts == [100, -50, -25, -25])
    }

    @Test("tax is rounded once for a rate over all lines, not line by line") func taxOnce() throws {
        let charges = ["A", "B", "C"].map { "{dimension: requests, name: \($0), model: per_unit, amount_minor: 1}" }
        let book = try Book.parse(charges: charges.joined(separator: ", "), "taxes: [{name: VAT, percent: \"10\"}]")
        // Line by line it would be 3 × round(0.5) = 3; on the invoice it is round(1.5) = 2.
        #expect(try book.rate(requests: 5).taxes.map(\.amount.minorUnits) == [2])
    }

    @Test("two rates tax their own classes, on the net after ceiling and discount") func taxClasses() throws {
        let support = "{dimension: support_hours, name: Support, class: service, model: per_unit, amount_minor: 100}"
        let book = try Book.parse(
            charges: "\(usage), \(support)", "base_fee: {amount_minor: 200}", "discounts: [{name: Ten, percent: 10}]",
            "taxes: [{name: VAT, percent: 20, classes: [usage, base_fee]}, {name: Reduced, percent: 5, classes: [service]}]"
        )
        let rating = try book.rate(["requests": 1000, "support_hours": 3])
        #expect(rating.taxes.map(\.taxable.minorUnits) == [1080, 270])
        #expect(rating.taxes.map(\.amount.minorUnits) == [216, 14])
        #expect(rating.totalMinor == 1350 + 230)
    }

    @Test("a price changes in the middle of an anchored month: the version at the period's start rates all of it")
    func priceChange() throws {
        let yaml = """
            id: p
            currency: USD
            versions:
            - effective: 2026-01-01
              charges: [\(usage)]
            - effective: 2026-03-01
              charges: [{dimension: requests, name: Requests, model: per_unit, amount_minor: 2}]
            """
        let book = try PriceBook(yaml: yaml, file: "p.yaml")
        let february = try BillingPeriod(month: "2026-02", zone: "UTC", anchorDay: 15)
        #expect(try book.rate(["requests": 10], over: february.rated()).totalMinor == 10)
        #expect(try book.rate(["requests": 10], over: february.next().rated()).totalMinor == 20)
        #expect(try book.rate(["requests": 10], over: .whole(from: LocalDate("2026-03-01"))).totalMinor == 20)
    }

    @Test("a period before the first version has no price, and the error says from when there is one") func tooEarly()
        throws
    {
        let book = try Book.parse(charges: usage)
        let error = #expect(throws: PricingError.self) {
            try book.rate([:], over: .whole(from: try LocalDate("2025-12-31")))
        }
        #expect(error?.code == .noVersionInForce && error?.message.contains("2026-01-01") == true)
    }

    @Test("an anchored month ends on the 31st again after a short February") func anchoredMonth() throws {
        let january = try BillingPeriod(month: "2026-01", zone: "Europe/Berlin", anchorDay: 31)
        #expect(january.startDate.description == "2026-01-31" && january.endDate.description == "2026-02-28")
        let february = try january.next()
        #expect(february.endDate.description == "2026-03-31" && february.days == 31)
        #expect(try february.next().endDate.description == "2026-04-30")
    }

    @Test("a leap day belongs to the February of its year") func leapDay() throws {
        #expect(try BillingPeriod(month: "2028-02", zone: "UTC").days == 29)
        #expect(try BillingPeriod(month: "2028-01", zone: "UTC", anchorDay: 30).endDate.description == "2028-02-29")
    }

    @Test("a month that loses an hour has the same fee: days count, not hours") func daylightSaving() throws {
        let march = try BillingPeriod(month: "2026-03", zone: "America/New_York")
        #expect(march.hours == "743" && march.days == 31)
        let book = try Book.parse(charges: usage, "base_fee: {amount_minor: 3100}")
        #expect(try book.rate([:], over: march.rated(until: LocalDate("2026-03-16"))).amounts == [1500])
    }

    @Test("a contract that does not touch the period owes no fee for it") func outside() throws {
        let march = try BillingPeriod(month: "2026-03", zone: "UTC")
        #expect(try march.rated(contractFrom: LocalDate("2026-05-01")).billedDays == 0)
        let book = try Book.parse(charges: usage, "base_fee: {amount_minor: 3100}")
        #expect(try book.rate([:], over: march.rated(until: LocalDate("2026-02-01"))).lines == [])
    }

    @Test(
        "no more days are billed than a period has",
        arguments: [(30, 31), (30, -1), (0, 0), (-1, -1)] as [(Int64, Int64)])
    func impossibleDays(days: Int64, billed: Int64) {
        #expect(throws: PricingError.self) {
            try RatedPeriod(start: try LocalDate("2026-04-01"), days: days, billedDays: billed)
        }
    }

    @Test("yen have no decimals and round to whole yen") func yen() throws {
        let charge = "{\(Book.requests), model: per_unit, per_units: 1000, amount_minor: \"12.5\"}"
        let rating = try Book.parse(currency: "JPY", charges: charge).rate(requests: 1_000_040)
        // 1,000,040 × 12.5 ÷ 1,000 = 12,500.5
        #expect(rating.total.description == "JPY 12,501")
    }

    @Test("dinars have three decimals") func dinars() throws {
        #expect(
            try Book.parse(currency: "KWD", charges: usage).rate(requests: 1_234_567).total.description
                == "KWD 1,234.567")
    }

    @Test(
        "half a cent goes where the book's rounding says",
        arguments: [("half_up", 1235), ("half_even", 1234), ("down", 1234), ("up", 1235)] as [(String, Int128)])
    func bookRounding(mode: String, minor: Int128) throws {
        let charge = "{\(Book.requests), model: per_unit, per_units: 10, amount_minor: 1}"
        #expect(try Book.parse(rounding: mode, charges: charge).rate(requests: 12345).totalMinor == minor)
    }

    @Test("several dimensions are charged by their own models, unpriced ones cost nothing") func dimensions() throws {
        let book = try Book.parse(
            charges: "\(Book.charge("volume")), {dimension: new_connections, name: Connections, model: package, "
                + "per_units: 1000, amount_minor: 10}")
        let rating = try book.rate(["requests": 2_000_000_000, "new_connections": 1001, "responses_5xx": 9])
        #expect(rating.amounts == [12000, 20])
        #expect(rating.lines.map(\.dimension) == ["requests", "new_connections"])
    }

    @Test("a negative quantity is refused, with its dimension") func negative() throws {
        let error = #expect(throws: PricingError.self) { try Book.parse(charges: usage).rate(requests: -1) }
        #expect(error?.code == .invalidQuantity && error?.message.contains("requests is -1") == true)
    }

    @Test("the example price book is read, has no cliff, and prices the golden month") func exampleBook() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let yaml = try String(contentsOf: root.appending(path: "config/price-books/standard.yaml"), encoding: .utf8)
        #expect(PriceBook.lint(yaml: yaml, file: "standard.yaml") == [])
        let book = try PriceBook(yaml: yaml, file: "standard.yaml")
        #expect(try book.rate(requests: 12_345_678_901).totalMinor == 70037)
        // What the file shows in comments can be used as well.
        let shown = yaml.split(separator: "\n").filter {
            $0.contains("dimension: received") || $0.contains("dimension: new_")
        }
        #expect(shown.count == 2)
        let charges = shown.map { $0.drop { $0 != "{" } }.joined(separator: ", ")
        #expect(try Book.parse(charges: charges).rate(["received_bytes": 500_000_000]).amounts == [1])
    }

    @Test("a quote is the JSON that the command line promises") func quote() throws {
        func json(_ rating: Rating) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return String(decoding: try encoder.encode(Quote(rating)), as: UTF8.self)
        }
        #expect(
            try json(Book.parse(charges: Book.charge("graduated")).rate(requests: 1_000_000_001))
                == #"{"currency":"USD","lines":[{"amount_minor":9000,"name":"Gateway requests","quantity":1000000000,"tier":1},"#
                + #"{"amount_minor":0,"name":"Gateway requests","quantity":1,"tier":2}],"subtotal_minor":9000,"total_minor":9000}"#
        )
        #expect(
            try json(
                Book.parse(charges: Book.charge("full"), "taxes: [{name: VAT, percent: \"7.5\"}]").rate(requests: 5))
                == #"{"currency":"USD","lines":[{"amount_minor":9000,"blocks":1,"name":"Gateway requests","quantity":5,"tier":null}],"#
                + #""subtotal_minor":9000,"taxes":[{"amount_minor":675,"name":"VAT","percent":"7.5","taxable_minor":9000}],"#
                + #""total_minor":9675}"#)
        let large = try json(
            Book.parse(charges: "{\(Book.requests), model: per_unit, amount_minor: \(Int64.max)}").rate(requests: 1_000)
        )
        #expect(large.contains(#""total_minor":9223372036854775807000}"#))
    }
}
