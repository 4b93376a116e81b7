import Metering
import Pricing
import Testing

@testable import Billing

/// Billing stories that need no database: periods, prices, taxes, money.
@Suite struct PeriodStories {
    @Test func `An anchored month ends on the 31st`() throws {
        let document = try Made.document(
            Made.inputs(
                month: "2026-02", anchor: 31, usage: [("2026-02-28T00:00:00Z", 2), ("2026-03-30T23:45:00Z", 3)]))
        #expect(document.period.localStart == "2026-02-28" && document.period.localEnd == "2026-03-31")
        #expect(document.totalMinor == 5)
    }

    @Test func `After a short month an anchored period begins on the 31st again`() throws {
        let document = try Made.document(Made.inputs(month: "2026-03", anchor: 31))
        #expect(document.period.localStart == "2026-03-31" && document.period.localEnd == "2026-04-30")
    }

    @Test func `Usage in the first quarter hour after the period is refused`() throws {
        let inputs = try Made.inputs(usage: [("2026-04-01T00:00:00Z", 1)])
        #expect(throws: BillingError.self) { try Made.document(inputs) }
    }

    @Test(arguments: [
        ("America/New_York", "2026-03", "743"), ("America/New_York", "2026-11", "721"),
        ("Europe/Berlin", "2026-10", "745"), ("Australia/Lord_Howe", "2026-04", "720.5"), ("UTC", "2026-03", "744"),
    ])
    func `A month with a clock change has its own hours`(zone: String, month: String, hours: String) throws {
        #expect(try Made.document(Made.inputs(month: month, zone: zone)).period.hours == hours)
    }

    @Test func `In a DST month the days are those of the zone and add up to the month`() throws {
        let document = try Made.document(
            Made.inputs(
                zone: "Europe/Berlin",
                usage: [("2026-02-28T23:00:00Z", 1), ("2026-03-29T00:45:00Z", 10), ("2026-03-31T21:45:00Z", 100)]))
        #expect(document.usage.days.first == InvoiceUsage.Day(date: "2026-03-01", requests: 1))
        #expect(document.usage.days[28] == InvoiceUsage.Day(date: "2026-03-29", requests: 10))
        #expect(document.usage.days.last == InvoiceUsage.Day(date: "2026-03-31", requests: 100))
        #expect(document.usage.days.reduce(0) { $0 + $1.requests } == document.usage.requests)
    }

    @Test func `The paper says the period in local dates and in UTC`() throws {
        let period = try Made.document(Made.inputs(zone: "Asia/Kathmandu")).period
        #expect(period.localStart == "2026-03-01" && period.start == "2026-02-28T18:15:00Z")
    }

    @Test func `A price that changes in the middle of a month rates the next one`() throws {
        let later =
            "- effective: 2026-03-15\n  charges:\n  - {dimension: requests, name: Requests, model: per_unit, amount_minor: 5}"
        let book = Books.yaml(later: later)
        let march = try Made.document(Made.inputs(book: book, usage: [("2026-03-20T00:00:00Z", 10)]))
        let april = try Made.document(Made.inputs(book: book, month: "2026-04", usage: [("2026-04-20T00:00:00Z", 10)]))
        #expect(march.totalMinor == 10 && march.price.version == "2020-01-01")
        #expect(april.totalMinor == 50 && april.price.version == "2026-03-15")
    }

    @Test func `A price that changes on the first day of the period rates it`() throws {
        let later =
            "- effective: 2026-03-01\n  charges:\n  - {dimension: requests, name: Requests, model: per_unit, amount_minor: 5}"
        let march = try Made.document(
            Made.inputs(book: Books.yaml(later: later), usage: [("2026-03-20T00:00:00Z", 10)]))
        #expect(march.totalMinor == 50)
    }

    @Test func `A contract that begins in the middle pays its share of the fee by local days`() throws {
        let document = try Made.document(
            Made.inputs(book: Books.yaml(extra: "base_fee: {amount_minor: 3100, prorate: days}"), from: "2026-03-13"))
        #expect(document.period.billedDays == 19)
        #expect(document.lines.map(\.amountMinor) == [1900])
    }

    @Test func `A commit prorated for 19 of 31 days is USD 306.45`() throws {
        let document = try Made.document(
            Made.inputs(book: Books.yaml(extra: "minimum: {amount_minor: 50000, prorate: days}"), from: "2026-03-13"))
        #expect(document.lines.map(\.amountMinor) == [30645])
    }

    @Test func `A commit that is reached costs nothing more`() throws {
        let document = try Made.document(
            Made.inputs(book: Books.yaml(extra: "minimum: {amount_minor: 500}"), usage: [("2026-03-02T00:00:00Z", 712)])
        )
        #expect(document.lines.map(\.kind) == [.usage] && document.totalMinor == 712)
    }

    @Test func `A commit with credits: the true-up is a line, the credit pays for it`() throws {
        let document = try Made.document(
            Made.inputs(
                book: Books.yaml(extra: "minimum: {amount_minor: 500}"), usage: [("2026-03-02T00:00:00Z", 312)],
                credits: [InvoiceCredit(id: "c", name: "Prepaid credit", expires: nil, amountMinor: 450)]))
        #expect(document.lines.map(\.amountMinor) == [312, 188])
        #expect(document.totalMinor == 500 && document.payableMinor == 50)
    }

    @Test func `A ceiling is a negative line of its own`() throws {
        let document = try Made.document(
            Made.inputs(book: Books.yaml(extra: "maximum: {amount_minor: 400}"), usage: [("2026-03-02T00:00:00Z", 712)])
        )
        #expect(document.lines.map(\.amountMinor) == [712, -312] && document.totalMinor == 400)
    }

    @Test func `The yen has no cents`() throws {
        let charge = "- {dimension: requests, name: Requests, model: per_unit, per_units: 1000, amount_minor: 5}"
        let document = try Made.document(
            Made.inputs(book: Books.yaml(currency: "JPY", charges: charge), usage: [("2026-03-02T00:00:00Z", 2_500)]))
        #expect(document.totalMinor == 13)
        let invoice = Invoice(document: document, status: .preview)
        #expect(try invoice.money(document.totalMinor).description == "JPY 13")
    }

    @Test func `The dinar has three decimals`() throws {
        let document = try Made.document(
            Made.inputs(book: Books.yaml(currency: "KWD"), usage: [("2026-03-02T00:00:00Z", 12_345)]))
        #expect(
            try Invoice(document: document, status: .preview).money(document.totalMinor).description == "KWD 12.345")
    }

    @Test(arguments: [("half_up", 1235 as Int128), ("half_even", 1234), ("down", 1234), ("up", 1235)])
    func `A half cent goes where the book says`(mode: String, amount: Int128) throws {
        let charge = "- {dimension: requests, name: Requests, model: per_unit, amount_minor: \"0.5\"}"
        let document = try Made.document(
            Made.inputs(book: Books.yaml(rounding: mode, charges: charge), usage: [("2026-03-02T00:00:00Z", 2469)]))
        #expect(document.totalMinor == amount && document.price.rounding == mode)
    }

    @Test func `Every tier entered is a line, rounded by itself`() throws {
        let document = try Made.document(
            Made.inputs(book: Books.yaml(charges: Books.tiers), usage: [("2026-03-02T00:00:00Z", 12_345_678_901)]))
        #expect(document.lines.map(\.amountMinor) == [9000, 54000, 7037])
        #expect(document.lines.map(\.tier) == [1, 2, 3] && document.totalMinor == 70037)
        #expect(document.lines[0].price == "USD 90.00 per 1,000,000,000")
    }

    @Test func `A month without usage gives an invoice of nothing`() throws {
        let document = try Made.document(Made.inputs())
        #expect(document.lines == [] && document.totalMinor == 0 && document.payableMinor == 0)
    }

    @Test func `A discount is spread over the lines that it lowers, before tax`() throws {
        let document = try Made.document(
            Made.inputs(
                book: Books.yaml(
                    extra: "discounts:\n- {name: Launch, percent: \"10\"}\ntaxes:\n- {name: VAT, percent: \"19\"}"),
                usage: [("2026-03-02T00:00:00Z", 1000)]))
        #expect(document.lines.map(\.amountMinor) == [1000, -100])
        #expect(document.lines[1].shares == [InvoiceLine.Share(line: 1, amountMinor: -100)])
        #expect(document.taxes.map(\.amountMinor) == [171] && document.totalMinor == 1071)
    }

    @Test func `A discount that has ended no longer applies`() throws {
        let book = Books.yaml(extra: "discounts:\n- {name: Launch, percent: \"10\", until: 2026-03-01}")
        #expect(try Made.document(Made.inputs(book: book, usage: [("2026-03-02T00:00:00Z", 1000)])).totalMinor == 1000)
    }

    @Test func `Tax is rounded once for its rate, not once a line`() throws {
        let charges = (1...3).map { "- {dimension: requests, name: R\($0), model: per_unit, amount_minor: 1}" }
            .joined(separator: "\n")
        let document = try Made.document(
            Made.inputs(
                book: Books.yaml(charges: charges, extra: "taxes:\n- {name: VAT, percent: \"10\"}"),
                usage: [("2026-03-02T00:00:00Z", 5)]))
        // 3 × 5 at 10 %: 1.5 once is 2; three times 0.5 would be 3.
        #expect(document.taxes.map(\.amountMinor) == [2])
    }

    @Test func `Of two credits the one that expires first is drawn on first`() throws {
        let document = try Made.document(
            Made.inputs(
                usage: [("2026-03-02T00:00:00Z", 100)],
                credits: [
                    InvoiceCredit(id: "a", name: "late", expires: "2027-01-01", amountMinor: 80),
                    InvoiceCredit(id: "b", name: "soon", expires: "2026-05-01", amountMinor: 80),
                    InvoiceCredit(id: "c", name: "gone", expires: "2026-04-01", amountMinor: 80),
                ]))
        #expect(document.credits.map(\.name) == ["soon", "late"])
        #expect(document.credits.map(\.amountMinor) == [80, 20] && document.payableMinor == 0)
    }

    @Test func `A credit above the total leaves the rest as credit, and nothing negative to pay`() throws {
        let document = try Made.document(
            Made.inputs(
                usage: [("2026-03-02T00:00:00Z", 100)],
                credits: [InvoiceCredit(id: "a", name: "big", expires: nil, amountMinor: 1000)]))
        #expect(document.credits.map(\.amountMinor) == [100] && document.payableMinor == 0)
    }

    @Test func `10¹⁵ requests at the highest price do not overflow, and JSON holds every digit`() throws {
        let charge = "- {dimension: requests, name: Requests, model: per_unit, amount_minor: 9223372036854775807}"
        let document = try Made.document(
            Made.inputs(book: Books.yaml(charges: charge), usage: [("2026-03-02T00:00:00Z", 1_000_000_000_000_000)]))
        #expect(document.totalMinor == 9_223_372_036_854_775_807_000_000_000_000_000)
        let text = try CanonicalCoding.text(Invoice(document: document, status: .preview))
        #expect(text.contains("\"9223372036854775807000000000000000\""))
        let back: Invoice = try CanonicalCoding.value(from: text, "an invoice")
        #expect(back.document == document)
    }

    @Test func `Requests that straddle the start of the period are billed where they were read, and said`() throws {
        let crossing = InvoiceCoverage.Crossing(
            edge: .start, gateway: "edge", service: "web", requests: 40, since: "2026-02-28T22:00:00Z",
            until: "2026-03-01T00:05:00Z")
        let document = try Made.document(
            Made.inputs(
                usage: [("2026-03-01T00:00:00Z", 50)], coverage: InvoiceCoverage(crossings: [crossing])))
        #expect(document.totalMinor == 50 && document.coverage.crossings == [crossing])
    }

    @Test func `A gap bounds the usage and changes no amount`() throws {
        let gap = InvoiceCoverage.Gap(
            gateway: "edge", instance: "e1", from: "2026-03-02T00:00:00Z", to: "2026-03-02T01:00:00Z",
            reason: "tail_lost", lower: 0, upper: 70)
        let document = try Made.document(
            Made.inputs(
                usage: [("2026-03-02T00:00:00Z", 50)], coverage: InvoiceCoverage(percent: "99.10", gaps: [gap])))
        #expect(document.usage.lower == 50 && document.usage.upper == 120 && document.totalMinor == 50)
    }

    @Test func `Σ of the readings' differences is what is billed, resets and all`() throws {
        func span(_ opening: Int64, _ closing: Int64) -> MeterReading.Span {
            MeterReading.Span(
                opening: opening, openedAt: "2026-03-01T00:00:00Z", closing: closing, closedAt: "2026-03-31T23:59:55Z")
        }
        let readings = [
            MeterReading(
                gateway: "edge", instance: "e1", epoch: 1, counter: "c", service: "web", dimension: "requests",
                spans: [span(1000, 1400), span(0, 50)]),
            MeterReading(
                gateway: "edge", instance: "e2", epoch: 2, counter: "c", service: "web", dimension: "requests",
                spans: [span(0, 550)]),
        ]
        let document = try Made.document(Made.inputs(usage: [("2026-03-02T00:00:00Z", 1003)], readings: readings))
        #expect(document.readings.difference == 1000 && document.readings.corrections == 3)
        #expect(document.readings.instances.map(\.difference) == [550, 450])
        #expect(document.readings.instances[1].resets == 1)
        #expect(document.readings.csvDigest == Digest.hex(ReadingsAnnex.csv(readings)))
    }
}
