/// Comma-separated values by RFC 4180: CRLF, quotes where they are needed.
///
/// Text that a spreadsheet would compute (`=HYPERLINK(…)`) is prefixed by an apostrophe, which spreadsheets show as
/// text. Numbers and dates that Waybill made are written as they are: `-3.00` is a number.
package struct CSVTable {
    package enum Cell: Sendable {
        /// From outside, or words.
        case text(String?)
        /// Digits, sign and point, an instant, a hash: made here.
        case exact(String?)
    }

    private(set) var lines: [String]

    package init(_ head: [String]) {
        lines = [head.map(Self.quoted).joined(separator: ",")]
    }

    package mutating func add(_ cells: [Cell]) {
        lines.append(
            cells.map { cell in
                switch cell {
                case .text(let text): Self.quoted(Self.harmless(text ?? ""))
                case .exact(let text): Self.quoted(text ?? "")
                }
            }
            .joined(separator: ","))
    }

    package var text: String { lines.joined(separator: "\r\n") + "\r\n" }

    /// Spreadsheets take a cell for a formula by its first character; some skip blanks before it.
    static func harmless(_ text: String) -> String {
        let shown = SafeText.line(text)
        let first = shown.unicodeScalars.first { !$0.properties.isWhitespace }
        return first.map { formulas.contains($0) } ?? false ? "'" + shown : shown
    }

    /// The signs that begin a formula, also as full-width characters.
    private static let formulas: Set<Unicode.Scalar> = [
        "=", "+", "-", "@", "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}",
    ]

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.unicodeScalars.contains { $0 == "," || $0 == "\"" || $0 == "\n" || $0 == "\r" }
        guard needsQuotes else { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            quoted.unicodeScalars.append(scalar)
            if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "\""
    }
}
