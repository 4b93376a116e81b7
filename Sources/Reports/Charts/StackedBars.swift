/// One lying bar a row, made of parts: what a cost consists of, for alternatives below each other.
package struct StackedBars: Sendable {
    package struct Row: Sendable {
        package let label: String
        /// One for each part, in the parts' order; what is below 0 is shown as 0 and has to be said in words.
        package let values: [Int128]
        /// Behind the bar.
        package let total: String

        package init(label: String, values: [Int128], total: String) {
            self.label = label
            self.values = values
            self.total = total
        }
    }

    let parts: [String]
    let rows: [Row]

    /// `parts`: the names of the parts, at most six.
    package init(parts: [String], rows: [Row]) {
        self.parts = Array(parts.prefix(ChartDrawing.shades.count))
        self.rows = rows
    }

    /// `amount` writes a part's value for who points at it.
    package func chart(id: String, title: String, summary: String, amount: (Int128) -> String) -> Chart {
        let width = 7200
        let longest = rows.map(\.label.count).max() ?? 0
        let left = min(2200, max(600, longest * ChartDrawing.characterWidth + 120))
        let right = width - min(1400, (rows.map(\.total.count).max() ?? 0) * ChartDrawing.characterWidth + 160)
        let legendRows = (parts.count + 2) / 3
        let height = 160 + legendRows * 200 + rows.count * 300 + 40
        let sums = rows.map { row in row.values.reduce(Int128(0)) { $0 + max(0, $1) } }
        let scale = ChartScale(largest: sums.max() ?? 0)
        var drawing = ChartDrawing()
        for (index, part) in parts.enumerated() {
            let (x, y) = (index % 3 * 2400, 40 + index / 3 * 200)
            drawing.rectangle(x, y, 120, 120, shade: index)
            drawing.box(x, y, 120, 120)
            drawing.text(x + 180, y + 100, "\(index + 1)  \(part)")
        }
        for (index, row) in rows.enumerated() {
            let y = 100 + legendRows * 200 + index * 300
            drawing.text(0, y + 145, Self.clipped(row.label, to: (left - 60) / ChartDrawing.characterWidth))
            var sum: Int128 = 0
            for (part, value) in row.values.prefix(parts.count).enumerated() where value > 0 {
                let start = scale.position(sum, over: right - left)
                sum += value
                let size = scale.position(sum, over: right - left) - start
                drawing.rectangle(
                    left + start, y, size, 220, shade: part, tooltip: "\(row.label), \(parts[part]): \(amount(value))")
                drawing.box(left + start, y, size, 220)
                if size > 130 {
                    drawing.text(
                        left + start + size / 2, y + 150, String(part + 1), anchor: .middle, isReversed: part >= 3)
                }
            }
            drawing.text(left + scale.position(sum, over: right - left) + 70, y + 150, row.total, isBold: true)
        }
        drawing.line(left, 60 + legendRows * 200, left, height - 20, isFaint: false)
        return Chart(id: id, title: title, summary: summary, width: width, height: height, body: drawing.body)
    }

    static func clipped(_ text: String, to count: Int) -> String {
        text.count <= count ? text : text.prefix(max(1, count - 1)) + "…"
    }
}
