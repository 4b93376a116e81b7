/// Every rendering of usage, invoices and comparisons for people. This first cut renders text for a terminal.
///
/// A table of aligned columns: text to the left, numbers to the right.
package struct TextTable {
    package enum Alignment: Sendable {
        case left
        case right
    }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    package init(_ alignments: [Alignment]) {
        self.alignments = alignments
    }

    package mutating func add(_ cells: String...) {
        rows.append(cells)
    }

    package mutating func add(row cells: [String]) {
        rows.append(cells)
    }

    /// A rule over the whole width.
    package mutating func addRule() {
        rows.append([])
    }

    package var text: String {
        let widths = alignments.indices.map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        let total = widths.reduce(0, +) + 2 * max(0, widths.count - 1)
        return rows.map { row in
            if row.isEmpty { return String(repeating: "─", count: total) }
            let cells = alignments.indices.map { column in
                let cell = row.indices.contains(column) ? row[column] : ""
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return alignments[column] == .left ? cell + padding : padding + cell
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
        .joined(separator: "\n")
    }
}
