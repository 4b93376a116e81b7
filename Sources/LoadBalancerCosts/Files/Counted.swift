/// Counts as a person reads them.
package enum Counted {
    /// `1 hour`, `720 hours`, `1,440 hours`.
    package static func text(_ count: some BinaryInteger, _ noun: String) -> String {
        "\(grouped(String(count))) \(noun)\(count == 1 ? "" : "s")"
    }

    /// `12345.67` as `12,345.67`.
    package static func grouped(_ text: String) -> String {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        var whole: [Character] = []
        for (index, digit) in (parts.first ?? "").reversed().enumerated() {
            if index > 0, index % 3 == 0 { whole.append(",") }
            whole.append(digit)
        }
        let decimals = parts.count > 1 ? "." + parts[1] : ""
        return (isNegative ? "-" : "") + String(whole.reversed()) + decimals
    }
}

extension Fraction {
    /// An amount for a person: two places from one unit on, four significant digits below, never a zero that is none.
    /// `1,127.54`, `0.145`, `0.000081`, `0.00`.
    package var readable: String {
        guard !isZero, numerator.magnitude < denominator.magnitude else { return Counted.grouped(cents) }
        let digits = rounded(places: 30).drop { $0 != "." }.dropFirst()
        let zeros = digits.prefix { $0 == "0" }.count
        var text = rounded(places: max(2, zeros + 4))
        while text.hasSuffix("0"), text.split(separator: ".")[1].count > 2 { text.removeLast() }
        return text
    }

    /// `readable` with its sign: `+90.40`, `-169.87`, `0.00`.
    package var readableSigned: String { (self > .zero ? "+" : "") + readable }
}
