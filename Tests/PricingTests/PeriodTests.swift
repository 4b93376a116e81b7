import Foundation
import Testing

@testable import Pricing

@Suite("Billing periods") struct PeriodTests {
    static let zones = [
        "UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/Santiago", "America/St_Johns",
        "America/Asuncion", "America/Nuuk", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun",
        "Europe/Berlin", "Europe/Dublin", "Asia/Beirut", "Asia/Tehran", "Asia/Amman", "Asia/Kathmandu", "Asia/Kolkata",
        "Asia/Gaza", "Asia/Pyongyang", "Australia/Lord_Howe", "Australia/Adelaide", "Antarctica/Troll",
        "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Niue", "Etc/GMT+12",
    ]

    @Test("the local days of a month lie end to end and make up the month, in any zone", arguments: zones)
    func daysMakeTheMonth(zone: String) throws {
        var period = try BillingPeriod(month: "2009-12", zone: zone)
        for _ in 0..<216 {
            let next = try period.next()
            #expect(period.endMicroseconds == next.startMicroseconds)
            let days = period.localDays
            #expect(days.count == period.days)
            #expect(days.first?.startMicroseconds == period.startMicroseconds)
            #expect(days.last?.endMicroseconds == period.endMicroseconds)
            for (day, following) in zip(days, days.dropFirst()) {
                #expect(day.endMicroseconds == following.startMicroseconds)
            }
            let sum = days.map { $0.endMicroseconds - $0.startMicroseconds }.reduce(0, +)
            #expect(sum == period.endMicroseconds - period.startMicroseconds)
            period = next
        }
    }

    @Test("a day begins at the first instant that a clock on the wall shows it", arguments: zones)
    func firstInstant(zone: String) throws {
        // An independent definition: the calendar's own date before and at the instant.
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: zone))
        let billing = try BillingZone(zone)
        for number in stride(from: 14_600, to: 20_700, by: 1) {
            let date = try #require(LocalDate(dayNumber: number))
            let start = billing.start(of: date)
            let instant = Date(timeIntervalSince1970: TimeInterval(start / 1_000_000))
            let at = calendar.dateComponents([.year, .month, .day], from: instant)
            let before = calendar.dateComponents([.year, .month, .day], from: instant.addingTimeInterval(-1))
            let shown = try #require(LocalDate(year: at.year ?? 0, month: at.month ?? 0, day: at.day ?? 0))
            let shownBefore = LocalDate(year: before.year ?? 0, month: before.month ?? 0, day: before.day ?? 0)
            // Apia had no 30 December 2011: the day after is the first that follows.
            let skipped = zone == "Pacific/Apia" && date == LocalDate(year: 2011, month: 12, day: 30)
            #expect(shown == (skipped ? LocalDate(dayNumber: number + 1) : date), "\(zone) \(date)")
            #expect(try #require(shownBefore) < date, "\(zone) \(date)")
        }
    }

    @Test("a day whose midnight is skipped starts at the first valid instant") func skippedMidnight() throws {
        // Brazil's clocks went from 00:00 to 01:00 on 2018-11-04, Cairo's on 2024-04-26, Beirut's on 2024-03-31.
        for (zone, date, start) in [
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),
            ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00Z"),
        ] {
            #expect(RFC3339.text(microseconds: try BillingZone(zone).start(of: LocalDate(date))) == start)
        }
    }

    @Test("a day whose midnight comes twice starts at the first") func repeatedMidnight() throws {
        // Havana's clocks went from 01:00 back to 00:00 on 2025-11-02.
        let havana = try BillingZone("America/Havana")
        #expect(RFC3339.text(microseconds: havana.start(of: try LocalDate("2025-11-02"))) == "2025-11-02T04:00:00Z")
        #expect(RFC3339.text(microseconds: havana.start(of: try LocalDate("2025-11-03"))) == "2025-11-03T05:00:00Z")
    }

    @Test("months with a change of the clock are an hour, or half of one, longer or shorter") func monthLengths() throws
    {
        for (zone, month, hours) in [
            ("America/New_York", "2026-11", "721"), ("America/New_York", "2026-03", "743"),
            ("Australia/Lord_Howe", "2026-10", "743.5"), ("Asia/Kolkata", "2026-02", "672"),
        ] {
            #expect(try BillingPeriod(month: month, zone: zone).hours == hours)
        }
    }

    @Test("every anchor day is clamped from the anchor, not from the last period", arguments: 1...31)
    func anchors(day: Int) throws {
        var period = try BillingPeriod(month: "2023-01", zone: "Europe/Berlin", anchorDay: day)
        for _ in 0..<36 {
            let length = LocalDate.daysInMonth(year: period.startDate.year, month: period.startDate.month)
            #expect(period.startDate.day == min(day, length))
            let next = try period.next()
            #expect(next.startDate == period.endDate && next.startMicroseconds == period.endMicroseconds)
            #expect(try next.previous() == period)
            period = next
        }
    }

    @Test("an instant lies in exactly the period that contains it", arguments: [1, 15, 29, 30, 31])
    func containing(day: Int) throws {
        for name in Self.zones {
            let zone = try BillingZone(name)
            let period = try BillingPeriod(month: "2024-02", zone: name, anchorDay: day)
            for (instant, expected) in [
                (period.startMicroseconds, period), (period.endMicroseconds - 1, period),
                (period.endMicroseconds, try period.next()), (period.startMicroseconds - 1, try period.previous()),
            ] {
                let found = try BillingPeriod(containing: instant, zone: zone, anchorDay: day)
                #expect(found == expected && found.contains(instant))
            }
        }
    }

    @Test("the year turns in both directions") func newYear() throws {
        let december = try BillingPeriod(month: "2025-12", zone: "UTC")
        #expect(december.end == "2026-01-01T00:00:00Z")
        #expect(try december.next().previous() == december)
    }

    @Test(
        "a zone that knows no daylight saving time rules is refused",
        arguments: ["", "Europe/Nowhere", "PST", "GMT+2", "+01:00", "europe", "CEST"])
    func unknownZones(name: String) {
        let error = #expect(throws: PricingError.self) { try BillingZone(name) }
        #expect(error?.code == .unknownZone)
        #expect(error?.message.contains("Europe/Berlin") == true)
    }

    @Test(
        "months and anchors that do not exist are refused",
        arguments: ["2026-13", "2026-1", "2026", "2026-00", "26-01", ""])
    func badMonths(month: String) throws {
        #expect(throws: PricingError.self) { try BillingPeriod(month: month, zone: "UTC") }
        #expect(throws: PricingError.self) { try BillingPeriod(month: "2026-01", zone: "UTC", anchorDay: 32) }
        #expect(throws: PricingError.self) { try BillingPeriod(month: "2026-01", zone: "UTC", anchorDay: 0) }
        #expect(throws: PricingError.self) { try BillingPeriod(month: "9999-12", zone: "UTC") }
    }
}

@Suite("Dates and instants") struct DateTests {
    @Test("every day number has its date, and the dates follow each other") func everyDay() throws {
        var previous: LocalDate?
        for number in stride(from: -719_162, through: 2_932_896, by: 97) {
            let date = try #require(LocalDate(dayNumber: number))
            #expect(date.dayNumber == number)
            #expect(previous.map { $0 < date } ?? true)
            previous = date
        }
        #expect(LocalDate(dayNumber: -719_162)?.description == "0001-01-01")
        #expect(LocalDate(dayNumber: 2_932_896)?.description == "9999-12-31")
        #expect(LocalDate(dayNumber: -719_163) == nil && LocalDate(dayNumber: 2_932_897) == nil)
        #expect(try LocalDate("1970-01-01").dayNumber == 0)
        #expect(try LocalDate("2000-02-29").dayNumber == 11_016)
    }

    @Test(
        "dates that do not exist are refused",
        arguments: ["2026-02-29", "2100-02-29", "2026-04-31", "2026-1-1", "26-01-01", "", "2026/01/01", "0000-01-01"])
    func badDates(text: String) {
        #expect(throws: PricingError.self) { try LocalDate(text) }
    }

    @Test(
        "an instant is read with its offset and written in UTC",
        arguments: [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2026-11-01T01:00:00+01:00", 1_793_491_200_000_000, "2026-11-01T00:00:00Z"),
            ("1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z"),
            ("1969-12-31T23:59:59.5-00:00", -500_000, "1969-12-31T23:59:59.5Z"),
        ] as [(String, Int64, String)])
    func instants(text: String, microseconds: Int64, utc: String) throws {
        #expect(try RFC3339.microseconds(text) == microseconds)
        #expect(RFC3339.text(microseconds: microseconds) == utc)
    }

    @Test(
        "what is not an instant is refused",
        arguments: [
            "", "2026-11-01", "2026-11-01T00:00:00", "2026-11-01T24:00:00Z", "2026-11-01T00:60:00Z",
            "2026-11-01T00:00:60Z",
            "2026-11-01T00:00:00.Z", "2026-11-01T00:00:00.1234567Z", "2026-11-01T00:00:00+0100", "2026-11-31T00:00:00Z",
            "2026-11-01t00:00:00ZZ", "2026-11-01T00:00:00Zé", "2026-11-01T-1:00:00Z",
        ])
    func badInstants(text: String) {
        #expect(throws: PricingError.self) { try RFC3339.microseconds(text) }
    }
}
