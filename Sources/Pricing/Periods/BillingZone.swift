import Foundation

/// An IANA time zone, asked for one thing: when a local date begins.
package struct BillingZone: Hashable, Sendable, CustomStringConvertible {
    /// The IANA name, such as `Europe/Berlin`.
    package let identifier: String
    private let zone: TimeZone

    /// A zone by its IANA name. Abbreviations and fixed offsets such as `PST` and `GMT+2`, which Foundation would take,
    /// are refused: they know no daylight saving time.
    package init(_ identifier: String) throws(PricingError) {
        guard Self.namesWithoutArea.contains(identifier) || Self.hasArea(identifier),
            let zone = TimeZone(identifier: identifier)
        else {
            throw PricingError(
                .unknownZone,
                "\"\(identifier)\" is not an IANA time zone; write UTC or area and place, such as Europe/Berlin")
        }
        self.identifier = identifier
        self.zone = zone
    }

    /// IANA names that are no area and place. Source: tzdata 2026, files `backward` and `etcetera`.
    package static let namesWithoutArea: Set<String> = [
        "CET", "CST6CDT", "Cuba", "EET", "EST", "EST5EDT", "Egypt", "Eire", "GB", "GB-Eire", "GMT", "GMT+0", "GMT-0",
        "GMT0", "Greenwich", "HST", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein", "Libya",
        "MET", "MST", "MST7MDT", "NZ", "NZ-CHAT", "Navajo", "PRC", "PST8PDT", "Poland", "Portugal", "ROC", "ROK",
        "Singapore", "Turkey", "UCT", "UTC", "Universal", "W-SU", "WET", "Zulu",
    ]

    /// `Area/Place`; the two families that Foundation knows beside IANA's are left out.
    private static func hasArea(_ identifier: String) -> Bool {
        identifier.contains("/") && !identifier.hasPrefix("SystemV/") && identifier != "US/Pacific-New"
    }

    /// The version of the time zone rules in use, such as `2026a`, to be stored beside what was computed with them.
    package static var rulesVersion: String { TimeZone.timeZoneDataVersion }

    /// The first instant of a local date, in microseconds since 1970. Where midnight does not exist (daylight saving
    /// time begins then) it is the first instant after it; where midnight comes twice, the first.
    package func start(of date: LocalDate) -> Int64 {
        let wall = Int64(date.dayNumber) * 86_400
        // Offsets lie within −12:00 and +14:00, so the instant lies between these two.
        var low = wall - 15 * 3600
        var high = wall + 13 * 3600
        let candidates = Set([offset(at: low), offset(at: high)]).map { wall - $0 }
        if let start = candidates.filter({ wall - $0 == offset(at: $0) }).min() { return start * 1_000_000 }
        // No instant reads midnight: the clocks jump over it. Find the jump.
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if middle + offset(at: middle) < wall { low = middle } else { high = middle }
        }
        return high * 1_000_000
    }

    /// The local date at an instant.
    package func date(at microseconds: Int64) throws(PricingError) -> LocalDate {
        let seconds = microseconds.flooredQuotient(by: 1_000_000)
        let day = (seconds + offset(at: seconds)).flooredQuotient(by: 86_400)
        guard let date = LocalDate(dayNumber: Int(day)) else {
            throw PricingError(.invalidDate, "the instant \(microseconds) µs lies outside the years 1 to 9999")
        }
        return date
    }

    /// The hour of the local week at an instant, 0 to 167 from Monday 00:00.
    func hourOfWeek(at microseconds: Int64) -> Int {
        let seconds = microseconds.flooredQuotient(by: 1_000_000)
        // 1970-01-01 was a Thursday.
        let local = seconds + offset(at: seconds) + 3 * 86_400
        let week = local.flooredQuotient(by: 7 * 86_400)
        return Int((local - week * 7 * 86_400) / 3600)
    }

    /// The hour that the wall clock shows at an instant, 0 to 23.
    package func hour(at microseconds: Int64) -> Int {
        let seconds = microseconds.flooredQuotient(by: 1_000_000)
        let local = seconds + offset(at: seconds)
        return Int((local - local.flooredQuotient(by: 86_400) * 86_400) / 3600)
    }

    /// The name.
    package var description: String { identifier }

    private func offset(at seconds: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
    }
}
