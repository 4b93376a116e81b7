/// Text from outside, such as a customer's name, made fit for a page, a terminal or a table.
///
/// Nothing a reader would see is lost. What goes: control characters, noncharacters, and the marks that override the
/// direction of text, with which a name could reorder the amount beside it.
package enum SafeText {
    /// Text for a page. Escaping is left to the template; but a template escapes whole characters, and `<` with a
    /// combining mark behind it is another character than `<`. There a dotted circle carries the mark, as Unicode
    /// recommends, so that every `<`, `>`, `&`, `"` and `'` stands alone.
    package static func page(_ text: String) -> String {
        var safe = String.UnicodeScalarView()
        var isSpecial = false
        for scalar in text.unicodeScalars where isShown(scalar) || scalar == "\n" {
            if isSpecial, joins(scalar) { safe.append("\u{25CC}") }
            safe.append(scalar)
            isSpecial = special.contains(scalar)
        }
        return String(safe)
    }

    /// Text for one line of a terminal or of a table: no escape sequence, no line break.
    package static func line(_ text: String) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\n" || scalar == "\t" || scalar == "\r" || scalar == "\u{2028}" || scalar == "\u{2029}" {
                safe.append(" ")
            } else if isShown(scalar) {
                safe.append(scalar)
            }
        }
        return String(safe)
    }

    /// Text of an XML document: escaped scalar by scalar.
    package static func xml(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars where isShown(scalar) || scalar == "\n" {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let special: Set<Unicode.Scalar> = ["<", ">", "&", "\"", "'"]

    private static func joins(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return properties.isGraphemeExtend || scalar == "\u{200D}" || properties.generalCategory == .spacingMark
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value) { return false }
        if (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value) { return false }
        return scalar.properties.generalCategory != .control
    }
}
