/// Instants are microseconds since 1970-01-01T00:00:00Z.
enum Instant {
    static let hour: Int64 = 3_600_000_000

    /// The beginning of the hour in UTC.
    static func hourStart(_ instant: Int64) -> Int64 { instant - ((instant % hour) + hour) % hour }

    /// ISO 8601 as AWS and our own files write it: `2026-10-01T00:00:00Z`, `…+00:00`, `…+02:00`, `….123Z`. Nil otherwise.
    static func parse(_ text: some StringProtocol) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 16, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "), bytes[13] == UInt8(ascii: ":"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            (1...12).contains(month), (1...daysOfMonth(year, month)).contains(day), hour < 24, minute < 60
        else { return nil }
        var rest = bytes[16...]
        var micros: Int64 = 0
        if rest.first == UInt8(ascii: ":") {
            guard rest.count >= 3, let second = number(rest.dropFirst().prefix(2)), second < 60 else { return nil }
            micros = second * 1_000_000
            rest = rest.dropFirst(3)
            if rest.first == UInt8(ascii: ".") {
                let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
                guard !digits.isEmpty, let value = number((Array(digits) + Array("000000".utf8))[0..<6]) else {
                    return nil
                }
                micros += value
                rest = rest.dropFirst(1 + digits.count)
            }
        }
        guard let offset = offset(Array(rest)) else { return nil }
        return (daysSinceEpoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 - offset) * 1_000_000 + micros
    }

    /// `2026-10-01T00:00:00Z`, cut to the second.
    static func text(_ instant: Int64) -> String {
        let seconds = instant / 1_000_000 - (instant % 1_000_000 < 0 ? 1 : 0)
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        let (year, month, day) = date(days)
        return
            "\(pad(year, 4))-\(pad(month))-\(pad(day))T\(pad(rest / 3_600)):\(pad(rest / 60 % 60)):\(pad(rest % 60))Z"
    }

    /// So many months later at the same time of day, on the same day of the month or the month's last.
    static func later(_ instant: Int64, months: Int64) -> Int64 {
        let day: Int64 = 24 * hour
        let days = instant >= 0 ? instant / day : (instant - day + 1) / day
        let (year, month, dayOfMonth) = date(days)
        let index = year * 12 + month - 1 + months
        let (later, named) = (index / 12, index % 12 + 1)
        return daysSinceEpoch(later, named, min(dayOfMonth, daysOfMonth(later, named))) * day + instant - days * day
    }

    private static func offset(_ text: [UInt8]) -> Int64? {
        if text == [UInt8(ascii: "Z")] { return 0 }
        guard text.count == 6, text[3] == UInt8(ascii: ":"), let hours = number(text[1..<3]),
            let minutes = number(text[4..<6])
        else { return nil }
        switch text[0] {
        case UInt8(ascii: "+"): return hours * 3_600 + minutes * 60
        case UInt8(ascii: "-"): return -(hours * 3_600 + minutes * 60)
        default: return nil
        }
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    private static func daysOfMonth(_ year: Int64, _ month: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin on March 1.
    private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func pad(_ value: Int64, _ width: Int = 2) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
