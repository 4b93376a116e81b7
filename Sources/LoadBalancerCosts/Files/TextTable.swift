/// Columns of text, two spaces apart.
struct TextTable {
    private var rows: [[String]] = []
    private let right: Set<Int>
    private let amounts: Set<Int>
    private let columns: Int

    /// `right`: the columns that are aligned to the right; `amounts`: those that are aligned by the decimal point.
    init(_ header: [String], right: Set<Int> = [], amounts: Set<Int> = [], header shown: Bool = true) {
        self.right = right.union(amounts)
        self.amounts = amounts
        columns = header.count
        if shown { rows.append(header) }
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let rows = aligned()
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

    /// Amounts get blanks behind them until their decimal points stand below each other.
    private func aligned() -> [[String]] {
        func places(_ field: String) -> Int? {
            field.firstIndex(of: ".").map { field.distance(from: $0, to: field.endIndex) }
        }
        var rows = rows
        for column in amounts {
            let most = rows.compactMap { column < $0.count ? places($0[column]) : nil }.max() ?? 0
            for index in rows.indices where column < rows[index].count {
                guard let own = places(rows[index][column]) else { continue }
                rows[index][column] += String(repeating: " ", count: most - own)
            }
        }
        return rows
    }
}
