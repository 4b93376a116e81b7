extension Fraction {
    /// An exact decimal such as `0.0225`, `-3`, `1.08e9`. Nil for anything else, `NaN` and `Infinity` included.
    package init?(decimal text: some StringProtocol) {
        var digits: Int128 = 0
        var count = 0
        var places = 0
        var exponent = 0
        var negative = false
        var seenPoint = false
        var bytes = Array(text.utf8)[...]
        if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") {
            negative = bytes.removeFirst() == UInt8(ascii: "-")
        }
        while let byte = bytes.first {
            if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                let (shifted, tooLarge) = digits.multipliedReportingOverflow(by: 10)
                let (sum, overflow) = shifted.addingReportingOverflow(Int128(byte - UInt8(ascii: "0")))
                guard !tooLarge, !overflow else { return nil }
                digits = sum
                count += 1
                if seenPoint { places += 1 }
            } else {
                break
            }
            bytes.removeFirst()
        }
        guard count > 0 else { return nil }
        if let marker = bytes.first {
            guard marker == UInt8(ascii: "e") || marker == UInt8(ascii: "E"),
                let value = Int(String(decoding: bytes.dropFirst(), as: UTF8.self)), abs(value) <= 60
            else { return nil }
            exponent = value
        }
        let shift = exponent - places
        guard let power = Fraction.powerOfTen(abs(shift)),
            let whole = try? Fraction(negative ? -digits : digits, over: 1),
            let value = shift < 0 ? try? whole / Fraction(whole: power) : try? whole * Fraction(whole: power)
        else { return nil }
        self = value
    }

    /// Rounded half away from zero to exactly `places` decimal places: `22.42`, `-95.85`. Never fails: long division.
    package func rounded(places: Int) -> String {
        var (whole, remainder) = numerator.magnitude.quotientAndRemainder(dividingBy: denominator.magnitude)
        var digits: [UInt8] = []
        for _ in 0..<places {
            let (digit, rest) = nextDigit(&remainder)
            digits.append(digit)
            remainder = rest
        }
        if remainder >= denominator.magnitude - remainder {
            var index = digits.count - 1
            while index >= 0, digits[index] == 9 {
                digits[index] = 0
                index -= 1
            }
            if index >= 0 { digits[index] += 1 } else { whole += 1 }
        }
        let isZero = whole == 0 && digits.allSatisfy { $0 == 0 }
        let decimals = digits.map { String($0) }.joined()
        return (isNegative && !isZero ? "-" : "") + "\(whole)" + (places > 0 ? ".\(decimals)" : "")
    }

    /// Rounded to at most `places` decimal places, trailing zeros cut: `777.6`, `0`, `0.333333333`.
    package func decimal(places: Int = 9) -> String {
        var text = rounded(places: places)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// An amount to the cent (or to the currency's `places`), rounded half away from zero.
    package var cents: String { rounded(places: 2) }

    private func nextDigit(_ remainder: inout UInt128) -> (UInt8, UInt128) {
        let product = remainder.multipliedFullWidth(by: 10)
        let (quotient, rest) = denominator.magnitude.dividingFullWidth(product)
        return (UInt8(quotient), rest)
    }

    private static func powerOfTen(_ exponent: Int) -> Int128? {
        guard exponent <= 37 else { return nil }
        return (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
}

extension Fraction: CustomStringConvertible {
    package var description: String { decimal() }
}

extension Fraction: Encodable {
    /// A decimal string of at most nine places.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(decimal())
    }
}
