/// Columns of text, two spaces apart.
struct TextTable {
    private var rows: [[String]] = []
    private let right: Set<Int>
    private let columns: Int

    /// `right`: the columns that are aligned to the right.
    init(_ header: [String], right: Set<Int>, header shown: Bool = true) {
        self.right = right
        columns = header.count
        if shown { rows.append(header) }
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = row.enumerated().map { column, field in
                let padding = String(repeating: " ", count: widths[column] - field.count)
                return right.contains(column) ? padding + field : field + padding
            }.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
