/// Integers as text, without a locale: the same bill reads the same everywhere.
package enum Digits {
    /// `12345678901` as `12,345,678,901`.
    package static func grouped(_ value: some BinaryInteger) -> String {
        var text = ""
        for (index, digit) in String(value.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    /// `units ÷ 10^exponent` with at least `keeping` decimals (all of them unless told); further zeros are cut.
    static func decimal(_ units: Int128, exponent: Int, keeping: Int? = nil, grouped: Bool) -> String {
        let digits = String(units.magnitude)
        let padded = String(repeating: "0", count: max(0, exponent + 1 - digits.count)) + digits
        let whole = String(padded.dropLast(exponent))
        var fraction = String(padded.suffix(exponent))
        while fraction.count > keeping ?? exponent, fraction.hasSuffix("0") { fraction.removeLast() }
        let groupedWhole = grouped ? UInt128(whole).map(Digits.grouped) ?? whole : whole
        return (units < 0 ? "-" : "") + groupedWhole + (fraction.isEmpty ? "" : "." + fraction)
    }
}
