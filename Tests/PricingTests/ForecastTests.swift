import Foundation
import Testing

@testable import Pricing

/// Histories made by a rule, so that the right answer is known.
enum Past {
    static func at(_ text: String) throws -> Int64 { try RFC3339.microseconds(text) }

    /// `units` by quarter hour: its instant, and the hour of the local week.
    static func history(
        from start: String, to end: String, zone: String = "UTC", dimension: String = "requests",
        _ units: (_ instant: Int64, _ hourOfWeek: Int) -> Int64
    ) throws -> UsageHistory {
        let zone = try BillingZone(zone)
        let (first, last) = (try at(start), try at(end))
        let instants = Swift.stride(from: first, to: last, by: Int64.Stride(UsageHistory.step))
        return UsageHistory(
            start: first, end: last,
            records: instants.map { ($0, [dimension: units($0, zone.hourOfWeek(at: $0))]) })
    }

    /// USD 0.01 a request.
    static func cents(_ rest: String...) throws -> PriceBook.Version {
        try PriceBook(
            yaml: """
                id: cents
                currency: USD
                versions:
                - effective: 2020-01-01
                  charges: [{dimension: requests, name: R, model: per_unit, amount_minor: 1}]
                \(rest.map { "  " + $0 }.joined(separator: "\n"))
                """, file: "cents.yaml"
        ).versions[0]
    }

    static func forecast(
        _ history: UsageHistory, _ month: String, zone: String = "UTC", budget: Int128? = nil,
        _ version: PriceBook.Version? = nil
    ) throws -> Forecast {
        let version = try version ?? cents()
        let period = try BillingPeriod(month: month, zone: zone)
        return try Forecast(
            history, period: period, version: version, rated: period.rated(),
            budget: budget.map { Money(minorUnits: $0, currency: version.currency) })
    }
}

@Suite("Forecasts") struct ForecastTests {
    /// More by day, little at the weekend.
    private static func week(_ hour: Int) -> Int64 { (hour % 24 < 8 ? 10 : 90) / (hour >= 120 ? 3 : 1) }

    @Test(
        "weeks that repeat are forecast to the request, in any zone and over changes of the clock",
        arguments: [
            ("UTC", "2026-11"), ("Europe/Berlin", "2026-10"), ("America/New_York", "2026-03"),
            ("Australia/Lord_Howe", "2026-04"), ("Asia/Kathmandu", "2026-02"),
        ])
    func repeatingWeeks(zone: String, month: String) throws {
        let period = try BillingPeriod(month: month, zone: zone)
        let whole = try Past.history(from: "2025-06-01T00:00:00Z", to: period.end, zone: zone) { Self.week($1) }
        let asOf = RFC3339.text(microseconds: period.startMicroseconds + 10 * 86_400_000_000)
        let known = try Past.history(from: "2025-06-01T00:00:00Z", to: asOf, zone: zone) { Self.week($1) }
        let forecast = try Past.forecast(known, month, zone: zone)
        let counted = whole.total("requests", from: period.startMicroseconds, to: period.endMicroseconds)
        #expect(forecast.p50?.requests == counted)
        #expect(forecast.p10?.requests == counted && forecast.p90?.requests == counted)
        #expect(forecast.p50?.amount.minorUnits == Int128(counted))
        #expect(forecast.record.trials.count >= 6 && forecast.record.held == forecast.record.trials.count)
        #expect(forecast.notes == [])
    }

    @Test("a tenant that grows is forecast to grow") func growth() throws {
        // One percent a day.
        func units(_ instant: Int64, _ start: Int64) -> Int64 {
            let day = (instant - start) / 86_400_000_000
            return (0..<day).reduce(Int64(1_000_000)) { grown, _ in grown + grown / 100 }
        }
        let start = try Past.at("2026-01-01T00:00:00Z")
        let known = try Past.history(from: "2026-01-01T00:00:00Z", to: "2026-07-11T00:00:00Z") { instant, _ in
            units(instant, start)
        }
        let whole = try Past.history(from: "2026-07-01T00:00:00Z", to: "2026-08-01T00:00:00Z") { instant, _ in
            units(instant, start)
        }
        let forecast = try Past.forecast(known, "2026-07")
        let came = whole.total("requests", from: whole.start, to: whole.end)
        let estimate = try #require(forecast.p50?.requests)
        // Laid over the last four weeks alone it would come out a quarter too low.
        #expect(abs(estimate - came) < came / 50, "\(estimate), not \(came)")
    }

    @Test("of 72 months that vary, P10–P90 holds most, and not all") func calibration() throws {
        var held = 0
        var tried = 0
        for tenant in 0..<6 {
            var generator = SeededGenerator(seed: 0xF04E_0000 + UInt64(tenant))
            let days = (0..<600).map { _ in Int64.random(in: 40...160, using: &generator) }
            let start = try Past.at("2025-01-01T00:00:00Z")
            let known = try Past.history(from: "2025-01-01T00:00:00Z", to: "2026-07-21T00:00:00Z") { instant, hour in
                Self.week(hour) * days[Int((instant - start) / 86_400_000_000)]
            }
            let record = try Past.forecast(known, "2026-07").record
            held += record.held
            tried += record.trials.count
        }
        #expect(tried == 72)
        #expect(held >= 46 && held <= 70, "held in \(held) of \(tried)")
    }

    @Test("a trial knows nothing of what came after its day of the month") func noHindsight() throws {
        func history(_ after: Int64) throws -> UsageHistory {
            let cut = try Past.at("2026-05-10T00:00:00Z")
            return try Past.history(from: "2025-09-01T00:00:00Z", to: "2026-06-10T00:00:00Z") { instant, hour in
                instant < cut ? Self.week(hour) + instant / 86_400_000_000 % 7 : after
            }
        }
        func forecasts(_ after: Int64) throws -> [[Int64]] {
            try Past.forecast(history(after), "2026-06").record.trials.map { [$0.p10, $0.p50, $0.p90] }
        }
        #expect(try forecasts(1) == forecasts(1_000_000))
        #expect(try Past.forecast(history(1), "2026-06").p50 != Past.forecast(history(1_000_000), "2026-06").p50)
    }

    @Test(
        "too little history is said: none below two weeks, no range until enough earlier forecasts can be made",
        arguments: [(13, false, false), (14, true, false), (57, true, false), (58, true, true)])
    func tooLittle(days: Int64, hasP50: Bool, hasRange: Bool) throws {
        let asOf = try Past.at("2026-11-15T00:00:00Z")
        let start = RFC3339.text(microseconds: asOf - days * 86_400_000_000)
        let known = try Past.history(from: start, to: "2026-11-15T00:00:00Z") { Self.week($1) }
        let forecast = try Past.forecast(known, "2026-11", budget: 1)
        #expect(
            (forecast.p50 != nil) == hasP50 && (forecast.p10 != nil) == hasRange && (forecast.p90 != nil) == hasRange)
        #expect(forecast.notes.contains { $0.contains("history") } == !hasRange)
        #expect(forecast.record.trials.isEmpty)
        #expect(forecast.counted.requests > 0)
    }

    @Test("the day on which a budget is passed is the first whose amount is above it") func budget() throws {
        // 4 cents an hour and 96 a day: 9.60 are reached on the 10th and passed on the 11th.
        let known = try Past.history(from: "2026-06-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, _ in 1 }
        let forecast = try Past.forecast(known, "2026-11", budget: 960)
        #expect(forecast.budget?.passed == nil && forecast.budget?.p50?.description == "2026-11-11")
        #expect(forecast.budget?.p10 == forecast.budget?.p90)
        #expect(try Past.forecast(known, "2026-11", budget: 959).budget?.p50?.description == "2026-11-10")
        #expect(try Past.forecast(known, "2026-11", budget: 2880).budget?.p50 == nil)
        let passed = try Past.forecast(known, "2026-11", budget: 200).budget
        #expect(passed?.passed?.description == "2026-11-03" && passed?.p90?.description == "2026-11-03")
        let fee = try Past.cents("base_fee: {amount_minor: 961}")
        #expect(try Past.forecast(known, "2026-11", budget: 960, fee).budget?.passed?.description == "2026-11-01")
    }

    @Test("a period that is over is counted, not forecast; one to come starts from nothing") func overAndToCome() throws
    {
        let known = try Past.history(from: "2026-01-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, _ in 1 }
        let over = try Past.forecast(known, "2026-10")
        #expect(over.p10 == over.counted && over.p90 == over.counted && over.counted.requests == 31 * 96)
        #expect(over.notes.first?.contains("over") == true)
        let next = try Past.forecast(known, "2026-12")
        #expect(next.counted.requests == 0 && next.p50?.requests == 31 * 96)
        #expect(next.record.trials.count > 3 && next.record.held == next.record.trials.count)
    }

    @Test("every dimension that is charged is forecast") func dimensions() throws {
        let version = try PriceBook(
            yaml: """
                id: two
                currency: USD
                versions:
                - effective: 2020-01-01
                  charges:
                  - {dimension: requests, name: R, model: per_unit, amount_minor: 1}
                  - {dimension: sent_bytes, name: S, model: per_unit, amount_minor: 2}
                """, file: "two.yaml"
        ).versions[0]
        let start = try Past.at("2026-06-01T00:00:00Z")
        let end = try Past.at("2026-11-06T00:00:00Z")
        let records = Swift.stride(from: start, to: end, by: Int64.Stride(UsageHistory.step)).map { instant in
            (quarterHour: instant, quantities: ["requests": Int64(3), "sent_bytes": 5])
        }
        let forecast = try Past.forecast(UsageHistory(start: start, end: end, records: records), "2026-11", version)
        #expect(forecast.p50?.quantities == ["requests": 30 * 96 * 3, "sent_bytes": 30 * 96 * 5])
        #expect(forecast.p50?.amount == Money(minorUnits: 37_440, currency: version.currency))
    }

    @Test("a price book in which more costs less is said to bound nothing") func cliffs() throws {
        let tiers = "[{up_to: 290000, amount_minor: 2}, {amount_minor: 1}]"
        let version = try Book.parse(charges: "{\(Book.requests), model: volume, per_units: 1, tiers: \(tiers)}")
            .versions[0]
        let known = try Past.history(from: "2026-01-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { instant, _ in
            50 + instant / 86_400_000_000 % 100
        }
        let forecast = try Past.forecast(known, "2026-11", version)
        #expect(forecast.notes.contains { $0.contains("price lint") })
    }

    @Test("the highest counts do not trap, and a silent tenant is forecast to stay silent") func extremes() throws {
        let large = try Past.history(from: "2026-08-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { instant, _ in
            instant % 2_700_000_000 == 0 ? .max / 8 : 0
        }
        #expect(try Past.forecast(large, "2026-11").counted.requests >= 0)
        let silent = try Past.history(from: "2026-01-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, _ in 0 }
        #expect(try Past.forecast(silent, "2026-11").p50?.requests == 0)
        let empty = UsageHistory(start: 0, end: 0, records: [])
        #expect(try Past.forecast(empty, "2026-11").p50 == nil)
    }

    @Test("a budget in another currency is refused") func currency() throws {
        let known = try Past.history(from: "2026-06-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, _ in 1 }
        let period = try BillingPeriod(month: "2026-11", zone: "UTC")
        let error = #expect(throws: PricingError.self) {
            try Forecast(
                known, period: period, version: Past.cents(), rated: period.rated(),
                budget: Money(minorUnits: 1, currency: Currency("EUR")))
        }
        #expect(error?.code == .currencyMismatch)
    }

    @Test("a forecast is the JSON that its comment shows, unknown estimates as null") func json() throws {
        let known = try Past.history(from: "2026-10-20T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, _ in 1 }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let forecast = try Past.forecast(known, "2026-11", budget: 960)
        #expect(
            String(decoding: try encoder.encode(forecast), as: UTF8.self) == """
                {"budget":{"amount_minor":960,"p10":null,"p50":"2026-11-11","p90":null,"passed":null},\
                "counted":{"amount_minor":480,"quantities":{"requests":480},"requests":480},"currency":"USD",\
                "days_of_history":17,"effective":"2020-01-01","notes":["17 days of history are too few to say how far a \
                forecast this far ahead misses: no P10 and P90"],"p10":null,\
                "p50":{"amount_minor":2880,"quantities":{"requests":2880},"requests":2880},"p90":null,\
                "period":{"as_of":"2026-11-06T00:00:00Z","end":"2026-12-01T00:00:00Z","month":"2026-11",\
                "start":"2026-11-01T00:00:00Z","zone":"UTC"},"price_book":"cents","record":{"held":0,"periods":0,"trials":[]}}
                """)
    }
}

@Suite("Spikes") struct SpikeTests {
    private func simulate(
        _ factor: String, hours: Int, from: String? = nil, _ rest: String...
    ) throws -> SpikeSimulation {
        // 10 a quarter hour, and 100 on Tuesdays from 14:00 to 16:00.
        let known = try Past.history(from: "2026-06-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, hour in
            (38..<40).contains(hour) ? 100 : 10
        }
        let period = try BillingPeriod(month: "2026-11", zone: "UTC")
        return try SpikeSimulation(
            known, period: period, version: Past.cents(rest.joined(separator: "\n")), rated: period.rated(),
            factor: #require(ExactAmount(factor)), hours: hours, from: from.map { try Past.at($0) })
    }

    // November 2026 has four Tuesdays: 30 × 96 × 10 + 4 × 8 × 90 requests.
    private let month: Int64 = 28_800 + 2_880

    @Test("a spike of ten times at the busiest hours adds nine times what is usual there") func busiest() throws {
        let spike = try simulate("10", hours: 2)
        #expect(spike.firstHourOfWeek == 38 && spike.usualRequests == 800)
        #expect(spike.without.requests == month && spike.with.requests == month + 7_200)
        let added = try spike.added()
        #expect(added.requests == 7_200 && added.afterCeiling.minorUnits == 7_200 && !spike.hasCeiling)
    }

    @Test("the ceiling bounds what the spike adds, and both are said") func ceiling() throws {
        let spike = try simulate("10", hours: 2, "maximum: {amount_minor: 32000}")
        let added = try spike.added()
        #expect(added.beforeCeiling.minorUnits == 7_200 && added.afterCeiling.minorUnits == 320 && spike.hasCeiling)
        #expect(spike.with.afterCeiling.minorUnits == 32_000 && spike.with.beforeCeiling.minorUnits == 38_880)
    }

    @Test("a spike from an instant on takes that hour of the week, over the week's end too") func instant() throws {
        // A Sunday: 2 h of it and 39 of the week that follows, which has 1 Tuesday hour of 100.
        let spike = try simulate("2.5", hours: 41, from: "2026-11-08T22:10:00Z")
        #expect(spike.firstHourOfWeek == 166 && spike.usualRequests == 41 * 40 + 360)
        #expect(try spike.added().requests == 3_000)
    }

    @Test("a spike below the usual, without length, or of a tenant without two weeks is refused") func refused() throws
    {
        #expect(throws: PricingError.self) { try simulate("0.5", hours: 2) }
        #expect(throws: PricingError.self) { try simulate("2", hours: 0) }
        #expect(throws: PricingError.self) { try simulate("2", hours: 169) }
        let known = try Past.history(from: "2026-11-01T00:00:00Z", to: "2026-11-06T00:00:00Z") { _, _ in 1 }
        let period = try BillingPeriod(month: "2026-11", zone: "UTC")
        let error = #expect(throws: PricingError.self) {
            try SpikeSimulation(
                known, period: period, version: Past.cents(), rated: period.rated(), factor: ExactAmount(10), hours: 6)
        }
        #expect(error?.code == .tooLittleHistory)
    }
}

@Suite("Price differences") struct PriceDifferenceTests {
    @Test("past months are rated whole by both versions, whatever their dates") func months() throws {
        let old = try Book.parse(charges: "{\(Book.requests), model: per_unit, amount_minor: 3}").versions[0]
        let new = try PriceBook(
            yaml: """
                id: new
                currency: USD
                versions:
                - effective: 2030-01-01
                  charges: [{dimension: requests, name: R, model: per_unit, amount_minor: 2}]
                  base_fee: {amount_minor: 50}
                """, file: "new.yaml"
        ).versions[0]
        let months = try ["2026-09", "2026-10"].map { try BillingPeriod(month: $0, zone: "UTC") }
        let comparison = try PriceDifference(
            old, new, months: [(months[0], ["requests": 40]), (months[1], ["requests": 100])])
        #expect(comparison.months.map(\.difference.minorUnits) == [10, -50])
        #expect(comparison.totalBefore.minorUnits == 420 && comparison.totalAfter.minorUnits == 380)
        #expect(comparison.difference.minorUnits == -40)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        #expect(
            String(decoding: try encoder.encode(comparison), as: UTF8.self) == """
                {"a":{"effective":"2026-01-01","price_book":"test"},"a_minor":420,\
                "b":{"effective":"2030-01-01","price_book":"new"},"b_minor":380,"currency":"USD","difference_minor":-40,\
                "months":[{"a_minor":120,"b_minor":130,"difference_minor":10,"month":"2026-09","requests":40},\
                {"a_minor":300,"b_minor":250,"difference_minor":-50,"month":"2026-10","requests":100}]}
                """)
    }

    @Test("prices in two currencies are not compared") func currencies() throws {
        let charge = "{\(Book.requests), model: per_unit, amount_minor: 3}"
        let (dollars, yen) = (
            try Book.parse(charges: charge).versions[0], try Book.parse(currency: "JPY", charges: charge).versions[0]
        )
        let error = #expect(throws: PricingError.self) { try PriceDifference(dollars, yen, months: []) }
        #expect(error?.code == .currencyMismatch)
    }
}
