/// Curves over a common axis, which differ by their dashes; values may lie below zero.
package struct LineCurve: Sendable {
    package struct Series: Sendable {
        package let name: String
        package let points: [(x: Int128, y: Int128)]

        package init(name: String, points: [(x: Int128, y: Int128)]) {
            self.name = name
            self.points = points
        }
    }

    /// A point to be named, such as where today's traffic lies.
    package struct Mark: Sendable {
        package let x: Int128
        package let y: Int128
        package let text: String

        package init(x: Int128, y: Int128, text: String) {
            self.x = x
            self.y = y
            self.text = text
        }
    }

    let series: [Series]
    let marks: [Mark]

    package init(_ series: [Series], marks: [Mark] = []) {
        self.series = series
        self.marks = marks
    }

    /// `xTick` and `yTick` write the figures of the scales; `xTitle` stands below the axis.
    package func chart(
        id: String, title: String, summary: String, xTitle: String, xTick: (Int128) -> String,
        yTick: (Int128) -> String
    ) -> Chart {
        let (width, left, right, top) = (7200, 900, 7050, 140)
        let bottom = 2200
        let legendTop = bottom + 480
        let height = legendTop + (series.count > 1 ? series.count * 180 : 0)
        let xs = series.flatMap { $0.points.map(\.x) } + marks.map(\.x)
        let ys = series.flatMap { $0.points.map(\.y) } + marks.map(\.y)
        let across = ChartScale(largest: xs.max() ?? 0, steps: 5)
        let above = ChartScale(largest: ys.max() ?? 0, steps: 4)
        let below = ChartScale(largest: -(ys.min() ?? 0), steps: 4)
        let hasNegative = (ys.min() ?? 0) < 0
        // The same step above and below zero, so that slopes can be compared.
        let step = hasNegative ? max(above.ticks[1], below.ticks[1]) : above.ticks[1]
        let high = Self.steps(of: ys.max() ?? 0, step)
        let low = hasNegative ? Self.steps(of: -(ys.min() ?? 0), step) : 0
        let span = max(1, high + low)
        func vertical(_ value: Int128) -> Int {
            let offset = Int((value + low * step) * Int128(bottom - top) / (span * step))
            return bottom - offset
        }
        func horizontal(_ value: Int128) -> Int { left + across.position(value, over: right - left) }

        var drawing = ChartDrawing()
        for index in -low...max(high, 1 - low) {
            let y = vertical(index * step)
            drawing.line(left, y, right, y, isFaint: index != 0)
            drawing.text(left - 60, y + 38, yTick(index * step), anchor: .end)
        }
        for value in across.ticks {
            drawing.line(horizontal(value), bottom, horizontal(value), bottom + 50, isFaint: false)
            drawing.text(horizontal(value), bottom + 170, xTick(value), anchor: .middle)
        }
        drawing.text((left + right) / 2, bottom + 350, xTitle, anchor: .middle)
        for (index, curve) in series.enumerated() {
            drawing.curve(curve.points.map { (horizontal($0.x), vertical($0.y)) }, style: index)
            guard series.count > 1 else { continue }
            let y = legendTop + index * 180
            drawing.curve([(left, y), (left + 600, y)], style: index)
            drawing.text(left + 700, y + 38, curve.name)
        }
        for mark in marks {
            let (x, y) = (horizontal(mark.x), vertical(mark.y))
            drawing.point(x, y)
            // On the side of the point that the curve does not pass through; where that is outside, above the curve.
            let isRight = x > (left + right) / 2
            let ends = (first: series.first?.points.first?.y ?? 0, last: series.first?.points.last?.y ?? 0)
            let belongsBelow = (ends.last > ends.first) != isRight
            let isBelow = belongsBelow && y + 220 < bottom
            let climb = abs(vertical(ends.last) - vertical(ends.first)) * mark.text.count * 90 / (right - left)
            let lift = belongsBelow && !isBelow ? climb : 0
            drawing.text(
                x + (isRight ? -70 : 70), y + (isBelow ? 170 : -90) - lift, mark.text,
                anchor: isRight ? .end : .start, isBold: true)
        }
        return Chart(id: id, title: title, summary: summary, width: width, height: height, body: drawing.body)
    }

    private static func steps(of value: Int128, _ step: Int128) -> Int128 {
        value <= 0 ? 0 : (value + step - 1) / step
    }
}
