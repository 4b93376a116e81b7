/// An invoice's lines and sums in 80 columns: description, quantity, price, amount.
///
/// Where the figures leave less than 20 columns for descriptions, quantity and price stand below the description.
struct LineTable {
    let heads: [String]
    /// Four cells each.
    let rows: [[String]]
    let sums: [[String]]
    let style: TextStyle

    private static let least = 20

    var text: String {
        let figures = (1...3).map { column in
            ([heads] + rows + sums).map { TerminalText.columns($0[column]) }.max() ?? 0
        }
        let room = TerminalText.width - figures.reduce(0, +) - 6
        return room >= Self.least ? beside(figures, room) : below(figures)
    }

    private func beside(_ figures: [Int], _ room: Int) -> String {
        let longest = (rows + sums).map { TerminalText.columns($0[0]) }.max() ?? 0
        let width = min(room, max(longest, TerminalText.columns(heads[0])))
        let total = width + figures.reduce(0, +) + 6
        func lines(_ row: [String]) -> [String] {
            // A sum has no figures before its amount: its name may take their room.
            let isBare = row[1].isEmpty && row[2].isEmpty
            let own = isBare ? total - 2 - figures[2] : width
            return wrapped(row[0], to: own).enumerated().map { index, name in
                guard index == 0 else { return name }
                let amount = TerminalText.padded(row[3], to: figures[2], right: true)
                if isBare { return Self.trimmed(TerminalText.padded(name, to: own) + "  " + amount) }
                return TerminalText.padded(name, to: width) + "  "
                    + TerminalText.padded(row[1], to: figures[0], right: true) + "  "
                    + TerminalText.padded(row[2], to: figures[1]) + "  " + amount
            }
        }
        return assembled(total, lines)
    }

    private func below(_ figures: [Int]) -> String {
        let amountWidth = figures[2]
        let own = max(Self.least, TerminalText.width - amountWidth - 2)
        func lines(_ row: [String]) -> [String] {
            var lines = wrapped(row[0], to: own).enumerated().map { index, name in
                guard index == 0 else { return name }
                return TerminalText.padded(name, to: own) + "  "
                    + TerminalText.padded(row[3], to: amountWidth, right: true)
            }
            if !row[1].isEmpty { lines.append("  \(row[1]) × \(row[2])") }
            return lines
        }
        return assembled(own + 2 + amountWidth, lines)
    }

    private func assembled(_ width: Int, _ lines: ([String]) -> [String]) -> String {
        let rule = style.faint(String(repeating: "─", count: width))
        var text = lines(heads).map(style.faint) + [rule]
        for row in rows { text += lines(row) }
        text.append(rule)
        for (index, row) in sums.enumerated() {
            text += index == sums.count - 1 ? lines(row).map(style.bold) : lines(row)
        }
        return text.joined(separator: "\n")
    }

    /// A name that begins with blanks keeps them.
    private func wrapped(_ text: String, to width: Int) -> [String] {
        let indent = String(text.prefix { $0 == " " })
        return TerminalText.wrapped(text, to: width - indent.count).enumerated().map { index, line in
            (index == 0 ? indent : indent + "  ") + line
        }
    }

    private static func trimmed(_ line: String) -> String { String(line.reversed().drop { $0 == " " }.reversed()) }
}
