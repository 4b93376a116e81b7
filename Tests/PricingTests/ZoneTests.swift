import Foundation
import Testing

@testable import Pricing

/// Every IANA zone, every month of 2020 to 2030.
@Suite("Billing periods in every zone") struct ZoneTests {
    private static let years = 2020...2030

    /// What Foundation knows, what the system's tzdata names, and the names without an area.
    private static let zones: [String] = {
        let names = TimeZone.knownTimeZoneIdentifiers + ZoneInfo.names + Array(BillingZone.namesWithoutArea)
        return Set(names).subtracting(["Factory"]).sorted()
    }()

    /// In parts, so that a failure names where it is and no case takes long.
    private static let initials = Set(zones.compactMap(\.first)).sorted().map(String.init)

    @Test("Σ days = month, and months follow each other without gap or overlap", arguments: initials)
    func everyMonth(initial: String) throws {
        for name in Self.zones where name.hasPrefix(initial) {
            var month = try BillingPeriod(month: "\(Self.years.lowerBound)-01", zone: name)
            while month.startDate.year <= Self.years.upperBound {
                let days = month.localDays
                #expect(days.count == month.days, "\(name) \(month.startDate)")
                #expect(days.first?.startMicroseconds == month.startMicroseconds, "\(name) \(month.startDate)")
                #expect(days.last?.endMicroseconds == month.endMicroseconds, "\(name) \(month.startDate)")
                #expect(
                    zip(days, days.dropFirst()).allSatisfy { $0.endMicroseconds == $1.startMicroseconds },
                    "\(name) \(month.startDate)")
                #expect(days.allSatisfy { $0.startMicroseconds < $0.endMicroseconds }, "\(name) \(month.startDate)")
                let length = days.map { $0.endMicroseconds - $0.startMicroseconds }.reduce(0, +)
                #expect(length == month.endMicroseconds - month.startMicroseconds, "\(name) \(month.startDate)")
                // Quarter hours make up every period, so consumption records never lie across its edge.
                #expect(month.startMicroseconds % 900_000_000 == 0, "\(name) \(month.startDate)")
                let next = try month.next()
                #expect(next.startMicroseconds == month.endMicroseconds && next.startDate == month.endDate)
                month = next
            }
        }
    }

    @Test("a month begins when the system's own zone files say that the date does", arguments: initials)
    func asZoneFilesSay(initial: String) throws {
        // Two versions of the rules may differ; the same must not.
        guard ZoneInfo.version == BillingZone.rulesVersion else { return }
        for name in Self.zones where name.hasPrefix(initial) {
            guard let file = ZoneInfo(name) else { continue }
            for year in Self.years {
                for month in 1...12 {
                    let date = try #require(LocalDate(year: year, month: month, day: 1))
                    let start = try BillingZone(name).start(of: date)
                    #expect(start == file.start(of: date) * 1_000_000, "\(name) \(date)")
                }
            }
        }
    }

    @Test("anchored on any day, periods of a year lie end to end and hold their instants", arguments: 1...31)
    func anchored(day: Int) throws {
        for name in ["Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Chatham"] {
            let zone = try BillingZone(name)
            var period = try BillingPeriod(month: "2027-12", zone: name, anchorDay: day)
            for _ in 0..<14 {
                #expect(
                    period.startDate.day
                        == min(
                            day,
                            LocalDate.daysInMonth(
                                year: period.startDate.year, month: period.startDate.month)))
                #expect(try BillingPeriod(containing: period.startMicroseconds, zone: zone, anchorDay: day) == period)
                #expect(try BillingPeriod(containing: period.endMicroseconds - 1, zone: zone, anchorDay: day) == period)
                let next = try period.next()
                #expect(next.startMicroseconds == period.endMicroseconds)
                #expect(
                    period.localDays.map { $0.endMicroseconds - $0.startMicroseconds }.reduce(0, +)
                        == period.endMicroseconds - period.startMicroseconds)
                period = next
            }
        }
    }

    @Test("clocks that go back over midnight do not take an instant out of its period") func backOverMidnight() throws {
        // St. John's went from 00:01 on 1 November 2009 back to 23:01 on 31 October.
        let zone = try BillingZone("America/St_Johns")
        let november = try BillingPeriod(month: "2009-11", zone: "America/St_Johns")
        let repeated = november.startMicroseconds + 30 * 60 * 1_000_000
        #expect(try zone.date(at: repeated).description == "2009-10-31")
        #expect(try BillingPeriod(containing: repeated, zone: zone) == november)
    }
}

/// A compiled zone file of the system, read by itself: an independent implementation of where dates begin.
/// Source: RFC 8536.
private struct ZoneInfo {
    /// Instants in seconds at which an offset begins, the first one since always.
    private var transitions: [(at: Int64, offset: Int64)] = []

    static let root = "/usr/share/zoneinfo"

    private static let source = (try? String(contentsOfFile: root + "/tzdata.zi", encoding: .utf8)) ?? ""

    /// Such as `2025b`; nil where the system has no zone files.
    static let version: String? = source.split(separator: "\n").first.flatMap { line in
        line.split(separator: " ").last.map(String.init)
    }

    /// Zones and links.
    static let names: [String] = source.split(separator: "\n").compactMap { line in
        let fields = line.split(separator: " ")
        switch fields.first {
        case "Z": return String(fields[1])
        case "L": return String(fields[2])
        default: return nil
        }
    }

    init?(_ name: String) {
        guard let bytes = FileManager.default.contents(atPath: Self.root + "/" + name).map(Array.init),
            bytes.starts(with: Array("TZif".utf8)), bytes[4] >= UInt8(ascii: "2")
        else { return nil }
        func number(_ at: Int, _ length: Int) -> Int64 {
            let raw = bytes[at..<at + length].reduce(Int64(0)) { $0 << 8 | Int64($1) }
            return length == 4 ? Int64(Int32(truncatingIfNeeded: raw)) : raw
        }
        func counts(_ header: Int) -> [Int] { (0..<6).map { Int(number(header + 20 + 4 * $0, 4)) } }
        // The first block has 32-bit times; the second, with 64-bit times, follows it.
        let old = counts(0)
        let header = 44 + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]
        let count = counts(header)
        let times = header + 44
        let types = times + count[3] * 8
        let records = types + count[3]
        func offset(_ type: Int) -> Int64 { number(records + 6 * type, 4) }
        transitions = [(Int64.min, offset(0))]
        for index in 0..<count[3] {
            transitions.append((number(times + 8 * index, 8), offset(Int(bytes[types + index]))))
        }
        // A file without explicit transitions for these years has its rule in the footer alone, which is not read here.
        let footer = String(decoding: bytes[(records + count[4] * 6 + count[5])...], as: UTF8.self)
        let hasRule = footer.contains(",")
        if hasRule, (transitions.last?.at ?? 0) < 1_956_528_000 { return nil }
    }

    /// The first second at which the clock on the wall shows the date or, where it is skipped, a later one.
    func start(of date: LocalDate) -> Int64 {
        let wall = Int64(date.dayNumber) * 86_400
        for (index, transition) in transitions.enumerated() {
            let end = index + 1 < transitions.count ? transitions[index + 1].at : .max
            let first = max(transition.at, wall - transition.offset)
            if first < end { return first }
        }
        return .max
    }
}
