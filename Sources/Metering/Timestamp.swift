/// An instant in UTC. Unit: microseconds since 1970-01-01T00:00:00Z, the resolution of PostgreSQL's `timestamptz`.
///
/// Holds the years 1 to 9999; what lies outside becomes the nearest instant inside. So a time that a sender made up can
/// be printed and stored, and no difference of two instants overflows.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z.
    package static let earliest = Timestamp(microseconds: .min)
    package static let latest = Timestamp(microseconds: .max)

    package let microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = min(max(microseconds, -62_135_596_800_000_000), 253_402_300_799_999_999)
    }

    package init(seconds: Int64) {
        self.init(microseconds: seconds.multipliedClamped(by: 1_000_000))
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// The span from `start` to this instant. Unit: microseconds, negative when `start` is later.
    package func microseconds(since start: Timestamp) -> Int64 {
        microseconds - start.microseconds
    }

    /// The minute that it falls into, counted from 1970.
    var minute: Int64 { microseconds.flooredDivision(by: 60_000_000) }

    /// The second that it falls into, counted from 1970.
    var second: Int64 { microseconds.flooredDivision(by: 1_000_000) }

    package func advanced(byMicroseconds span: Int64) -> Timestamp {
        Timestamp(microseconds: microseconds.addingClamped(span))
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC; fractions of a second are printed only where there are some.
    package var description: String {
        let seconds = second
        let fraction = microseconds - seconds * 1_000_000
        let days = seconds.flooredDivision(by: 86_400)
        let secondOfDay = seconds - days * 86_400
        let date = CivilDate(daysSince1970: days)
        var text = "\(date)T\(twoDigits(secondOfDay / 3600)):\(twoDigits(secondOfDay / 60 % 60))"
        text += ":\(twoDigits(secondOfDay % 60))"
        if fraction != 0 {
            var digits = String(fraction)
            digits = String(repeating: "0", count: 6 - digits.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "Z"
    }

    /// Reads `2026-11-03T12:00:00Z`, with or without a fraction. Nil for anything else: offsets are not accepted.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[10] == UInt8(ascii: "T") else { return nil }
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        guard bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
        guard let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19) else { return nil }
        guard year > 0, let date = CivilDate(year: year, month: month, day: day) else { return nil }
        guard hour < 24, minute < 60, second < 60 else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            let digits = bytes.count - 21
            guard bytes[19] == UInt8(ascii: "."), (1...6).contains(digits) else { return nil }
            guard let value = number(20..<(bytes.count - 1)) else { return nil }
            fraction = (0..<(6 - digits)).reduce(value) { scaled, _ in scaled * 10 }
        }
        let seconds = date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }
}

/// A day of the proleptic Gregorian calendar. Conversions by Howard Hinnant's era arithmetic (chrono-compatible
/// low-level date algorithms).
struct CivilDate: CustomStringConvertible {
    let year: Int64
    let month: Int64
    let day: Int64

    init?(year: Int64, month: Int64, day: Int64) {
        guard (1...12).contains(month), day >= 1 else { return nil }
        self.year = year
        self.month = month
        self.day = day
        let again = CivilDate(daysSince1970: daysSince1970)
        guard again.month == month, again.day == day else { return nil }
    }

    init(daysSince1970 days: Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredDivision(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredDivision(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    var description: String {
        let digits = String(year)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return "\(padded)-\(twoDigits(month))-\(twoDigits(day))"
    }
}

private func twoDigits(_ value: Int64) -> String {
    value < 10 ? "0\(value)" : String(value)
}

extension Int64 {
    func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    /// The sum, or the nearest that there is: counts that a sender made up must not stop the worker.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    func multipliedClamped(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? ((self < 0) == (factor < 0) ? .max : .min) : product
    }
}
