/// Cells in rows, darker for more: the hours of a month, one row a day. Or cells of kinds, each with its letter.
package struct HeatStrip: Sendable {
    package struct Cell: Sendable {
        /// 0 for nothing, then 1 to 5 from light to dark.
        package let level: Int
        /// A letter in the cell, where levels are kinds.
        package let mark: String?
        /// Whether part of the time was not observed: the cell is crossed out.
        package let hasGap: Bool
        package let tooltip: String

        package init(level: Int, mark: String? = nil, hasGap: Bool = false, tooltip: String) {
            self.level = min(max(level, 0), 5)
            self.mark = mark
            self.hasGap = hasGap
            self.tooltip = tooltip
        }

        /// The level of a value in fifths of the largest, above zero at least 1.
        package static func level(_ value: Int64, of largest: Int64) -> Int {
            guard value > 0, largest > 0 else { return 0 }
            return Int(min(5, (Int128(value) * 5 + Int128(largest) - 1) / Int128(largest)))
        }
    }

    package struct Row: Sendable {
        package let label: String
        package let cells: [Cell?]

        /// A nil cell is no time at all: the hour that a day of 23 hours lacks, or one that has not come yet.
        package init(label: String, cells: [Cell?]) {
            self.label = label
            self.cells = cells
        }
    }

    let columns: [String]
    let rows: [Row]
    let legend: [(level: Int, mark: String?, text: String)]
    let gapText: String?

    /// `columns`: the head of each column, the hours; `gapText` explains the crossed-out cell where there is one.
    package init(
        columns: [String], rows: [Row], legend: [(level: Int, mark: String?, text: String)], gapText: String? = nil
    ) {
        self.columns = columns
        self.rows = rows
        self.legend = legend
        self.gapText = gapText
    }

    package func chart(id: String, title: String, summary: String) -> Chart {
        // Letters want more room than shades; a month of shades stands on a page beside what is above it.
        let hasMarks = rows.contains { $0.cells.contains { $0?.mark != nil } }
        let (width, top, pitch) = (7200, 190, hasMarks ? 160 : 130)
        let longest = rows.map(\.label.count).max() ?? 0
        let left = min(1800, longest * ChartDrawing.characterWidth + 120)
        let size = (width - left) / max(1, columns.count)
        let height = top + rows.count * pitch + 300
        var drawing = ChartDrawing()
        let every = columns.count > 12 ? 2 : 1
        for (index, column) in columns.enumerated() where index % every == 0 {
            drawing.text(left + index * size + size / 2, top - 60, column, anchor: .middle, size: 100)
        }
        for (index, row) in rows.enumerated() {
            let y = top + index * pitch
            drawing.text(
                0, y + pitch / 2 + 35, StackedBars.clipped(row.label, to: left / ChartDrawing.characterWidth), size: 100
            )
            for (column, cell) in row.cells.enumerated() {
                guard let cell else { continue }
                draw(cell, in: &drawing, left + column * size, y, size, pitch)
            }
        }
        var x = left
        let y = height - 190
        for entry in legend {
            draw(Cell(level: entry.level, mark: entry.mark, tooltip: entry.text), in: &drawing, x, y, 190, 190)
            drawing.text(x + 240, y + 130, entry.text, size: 100)
            x += 340 + entry.text.count * ChartDrawing.characterWidth
        }
        if let gapText {
            draw(Cell(level: 0, hasGap: true, tooltip: gapText), in: &drawing, x, y, 190, 190)
            drawing.text(x + 240, y + 130, gapText, size: 100)
        }
        return Chart(id: id, title: title, summary: summary, width: width, height: height, body: drawing.body)
    }

    private func draw(
        _ cell: Cell, in drawing: inout ChartDrawing, _ x: Int, _ y: Int, _ width: Int, _ height: Int
    ) {
        let (left, top, inner, size) = (x + 10, y + 10, width - 20, height - 20)
        if cell.level == 0 {
            drawing.box(left, top, inner, size, tooltip: cell.tooltip)
        } else {
            drawing.rectangle(left, top, inner, size, shade: cell.level, tooltip: cell.tooltip)
        }
        if let mark = cell.mark {
            drawing.text(
                left + inner / 2, top + size / 2 + 32, mark, anchor: .middle, size: 90, isReversed: cell.level >= 3)
        }
        if cell.hasGap { drawing.cross(left, top, inner, size) }
    }
}
