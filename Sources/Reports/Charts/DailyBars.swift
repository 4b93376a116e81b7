/// One upright bar a day, or another stretch of time, with a scale at the left.
package struct DailyBars: Sendable {
    package struct Bar: Sendable {
        /// Below the bar; the day of the month.
        package let label: String
        package let value: Int128
        /// What is shown when the bar is pointed at.
        package let tooltip: String
        /// Whether part of its time was not observed: a mark stands above it.
        package let hasGap: Bool

        package init(label: String, value: Int128, tooltip: String, hasGap: Bool = false) {
            self.label = label
            self.value = value
            self.tooltip = tooltip
            self.hasGap = hasGap
        }
    }

    let bars: [Bar]

    package init(_ bars: [Bar]) {
        self.bars = bars
    }

    /// `tick` writes a figure of the scale.
    package func chart(id: String, title: String, summary: String, tick: (Int128) -> String) -> Chart {
        let (width, height, left, top, bottom) = (7200, 1700, 620, 120, 1450)
        var drawing = ChartDrawing()
        let scale = ChartScale(largest: bars.map(\.value).max() ?? 0)
        for value in scale.ticks {
            let y = bottom - scale.position(value, over: bottom - top)
            drawing.line(left, y, width, y, isFaint: value != 0)
            drawing.text(left - 60, y + 38, tick(value), anchor: .end)
        }
        let pitch = (width - left) / max(1, bars.count)
        let every = bars.count > 40 ? 5 : 1
        for (index, bar) in bars.enumerated() {
            let x = left + index * pitch + pitch / 8
            let size = max(bar.value > 0 ? 8 : 0, scale.position(bar.value, over: bottom - top))
            drawing.rectangle(x, bottom - size, pitch * 3 / 4, size, shade: 4, tooltip: bar.tooltip)
            if bar.hasGap { drawing.cross(x + pitch * 3 / 8 - 40, bottom - size - 110, 80, 80) }
            if index % every == 0 {
                drawing.text(x + pitch * 3 / 8, bottom + 150, bar.label, anchor: .middle, size: 100)
            }
        }
        return Chart(id: id, title: title, summary: summary, width: width, height: height, body: drawing.body)
    }
}
