/// Instants as text. An instant is Int64 microseconds since 1970-01-01T00:00:00Z.
package enum RFC3339 {
    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// `2026-11-01T00:00:00Z`, with as many decimals of a second as are needed, at most six.
    package static func text(microseconds: Int64) -> String {
        let day = Int(microseconds.flooredQuotient(by: microsecondsPerDay))
        let time = microseconds - Int64(day) * microsecondsPerDay
        let seconds = Int(time / 1_000_000)
        let date = LocalDate(dayNumber: day)?.description ?? "day \(day)"
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { LocalDate.padded($0, 2) }
        var fraction = LocalDate.padded(Int(time % 1_000_000), 6)
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(date)T\(clock.joined(separator: ":"))\(fraction.isEmpty ? "" : "." + fraction)Z"
    }

    /// Reads `2026-11-01T00:00:00Z` or `2026-11-01T01:00:00.25+01:00`. Digits beyond a microsecond and leap seconds are
    /// refused.
    package static func microseconds(_ text: String) throws(PricingError) -> Int64 {
        guard let value = parse(Array(text.utf8)) else {
            throw PricingError(
                .invalidDate,
                "\"\(text)\" is not an instant; write it as 2026-11-01T00:00:00Z or with an offset as +01:00")
        }
        return value
    }

    private static func parse(_ bytes: [UInt8]) -> Int64? {
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let date = try? LocalDate(String(decoding: bytes[..<10], as: UTF8.self)),
            let hour = number(bytes[11..<13], below: 24), let minute = number(bytes[14..<16], below: 60),
            let second = number(bytes[17..<19], below: 60)
        else { return nil }
        var rest = bytes[19...]
        var fraction: Int64 = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix(while: \.isDigit)
            guard (1...6).contains(digits.count), let value = number(digits, below: 1_000_000) else { return nil }
            fraction = (digits.count..<6).reduce(value) { scaled, _ in scaled * 10 }
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = offsetSeconds(rest) else { return nil }
        let seconds = Int64(date.dayNumber) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000 + fraction
    }

    private static func offsetSeconds(_ bytes: ArraySlice<UInt8>) -> Int64? {
        if bytes.elementsEqual([UInt8(ascii: "Z")]) { return 0 }
        let digits = Array(bytes)
        guard digits.count == 6, digits[3] == UInt8(ascii: ":"), let hours = number(digits[1..<3], below: 24),
            let minutes = number(digits[4..<6], below: 60)
        else { return nil }
        switch digits[0] {
        case UInt8(ascii: "+"): return hours * 3600 + minutes * 60
        case UInt8(ascii: "-"): return -(hours * 3600 + minutes * 60)
        default: return nil
        }
    }

    private static func number(_ digits: some Collection<UInt8>, below bound: Int64) -> Int64? {
        guard digits.allSatisfy(\.isDigit), let value = Int64(String(decoding: digits, as: UTF8.self)), value < bound
        else {
            return nil
        }
        return value
    }
}

extension Int64 {
    /// Division that rounds toward negative infinity; the divisor is positive.
    func flooredQuotient(by divisor: Int64) -> Int64 { (self - (self % divisor + divisor) % divisor) / divisor }
}
