/// How a terminal shows text: with colour, or plain.
package struct TextStyle: Sendable {
    package static let plain = TextStyle(hasColour: false)

    let hasColour: Bool

    /// `hasColour`: only where a person looks at a terminal, and NO_COLOR is not set.
    package init(hasColour: Bool) {
        self.hasColour = hasColour
    }

    func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func faint(_ text: String) -> String { hasColour ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
    func warning(_ text: String) -> String { hasColour ? "\u{1B}[1;33m\(text)\u{1B}[0m" : text }
}

/// Text in columns of a terminal.
enum TerminalText {
    static let width = 80

    /// Columns that a text takes: two for wide characters of East Asia and most emoji, none for what only joins.
    static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + columns($1) }
    }

    private static func columns(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        let value = scalar.value
        if value < 0x300 { return 1 }
        if scalar.properties.isGraphemeExtend || scalar.properties.generalCategory == .format { return 0 }
        let isWide =
            (0x1100...0x115F).contains(value) || (0x2E80...0x303E).contains(value) || (0x3041...0xA4CF).contains(value)
            || (0xAC00...0xD7A3).contains(value) || (0xF900...0xFAFF).contains(value)
            || (0xFE30...0xFE6F).contains(value) || (0xFF00...0xFF60).contains(value)
            || (0xFFE0...0xFFE6).contains(value) || (0x1F300...0x1FAFF).contains(value)
            || (0x20000...0x3FFFD).contains(value)
        return isWide ? 2 : 1
    }

    /// A text filled with blanks to so many columns.
    static func padded(_ text: String, to width: Int, right: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - columns(text)))
        return right ? padding + text : text + padding
    }

    /// A text of at most so many columns, with `…` where it was cut.
    static func clipped(_ text: String, to width: Int) -> String {
        let text = SafeText.line(text)
        return columns(text) <= width ? text : prefix(of: text, columns: width - 1) + "…"
    }

    /// Lines of at most so many columns, broken at blanks, or inside a word that is longer than a line.
    static func wrapped(_ text: String, to width: Int = width) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in SafeText.line(text).split(separator: " ") {
            var word = String(word)
            if !line.isEmpty, columns(line) + 1 + columns(word) <= width {
                line += " " + word
                continue
            }
            if !line.isEmpty { lines.append(line) }
            while columns(word) > width {
                let head = prefix(of: word, columns: width)
                lines.append(head)
                word = String(word.dropFirst(head.count))
            }
            line = word
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }

    private static func prefix(of text: String, columns width: Int) -> String {
        var head = ""
        var used = 0
        for character in text {
            let next = columns(character)
            if used + next > width, !head.isEmpty { break }
            head.append(character)
            used += next
        }
        return head
    }
}
