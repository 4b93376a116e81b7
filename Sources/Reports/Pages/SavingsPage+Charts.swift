import LoadBalancerCosts
import Metering

extension SavingsPage {
    /// The stacked bars, one chart a scale, with own in each.
    var bars: String {
        report.scales.enumerated().map { index, rows in
            let chart = bars(rows, id: "savings-bars-\(index + 1)")
            return "<figure class=\"scroll\">\n\(chart.svg)\n</figure>\n"
        }.joined()
    }

    private func bars(_ alternatives: [Comparison.Row], id: String) -> Chart {
        let own = report.comparison.own
        let rows = [own] + alternatives
        let parts: [ReportLabel] = [
            .savingsHours, .savingsUnits, .savingsData, .savingsNodes, .savingsFee, .savingsOther,
        ]
        let bars = StackedBars(
            parts: parts.map { language[$0] },
            rows: rows.map { row in
                StackedBars.Row(
                    label: row.key,
                    values: [row.hours, row.units, row.data, row.nodes, row.fee, row.other].map(Self.billionths),
                    total: language.decimal(row.total.readable))
            })
        let summary = rows.map { "\($0.key) \(language.decimal($0.total.readable))" }.joined(separator: "; ")
        return bars.chart(
            id: id, title: language[.savingsBars], summary: language.sentence(.savingsBarsText, ["rows": summary])
        ) { language.decimal(Self.fraction($0).readable) }
    }

    /// What binds, a row a UTC day; nil where no ALB is compared or the hours have no dates.
    var strip: Chart? {
        guard let hours = try? report.comparison.stripHours, hours.first?.start != nil else { return nil }
        let day: Int64 = 86_400_000_000
        var days: [(label: String, cells: [HeatStrip.Cell?])] = []
        for hour in hours {
            guard let start = hour.start else { continue }
            let text = Timestamp(microseconds: start).description
            let label = String(text.prefix(10))
            if days.last?.label != label { days.append((label, Array(repeating: nil, count: 24))) }
            let index = Int(start % day / 3_600_000_000)
            let name = language[hour.binding.map(Self.label) ?? .savingsBindIdle]
            days[days.count - 1].cells[index] = HeatStrip.Cell(
                level: hour.binding.map(Self.level) ?? 0, mark: hour.binding.map { String($0.rawValue.prefix(1)) },
                tooltip: "\(label) \(text.dropFirst(11).prefix(5)) UTC: \(name)")
        }
        let present = CapacityDimension.allCases.filter { kind in hours.contains { $0.binding == kind } }
        var legend: [(level: Int, mark: String?, text: String)] = present.map { kind in
            (Self.level(kind), String(kind.rawValue.prefix(1)), language[Self.label(kind)])
        }
        var counts = present.map { kind in
            "\(language[Self.label(kind)]) \(language.count(hours.count { $0.binding == kind }))"
        }
        let idle = hours.count { $0.binding == nil }
        if idle > 0 {
            legend.append((0, nil, language[.savingsBindIdle]))
            counts.append("\(language[.savingsBindIdle]) \(language.count(idle))")
        }
        return HeatStrip(
            columns: (0..<24).map(String.init), rows: days.map { HeatStrip.Row(label: $0.label, cells: $0.cells) },
            legend: legend
        ).chart(
            id: "savings-binding", title: language[.savingsBinding],
            summary: language.sentence(.savingsBindingText, ["hours": counts.joined(separator: ", ")]))
    }

    /// The break-even fee against bytes per request; nil without requests or alternatives.
    var curve: Chart? {
        let points = report.curve.points
        guard !points.isEmpty, !report.curves.isEmpty else { return nil }
        let series = report.curves.map { row in
            LineCurve.Series(
                name: row.name,
                points: points.compactMap { point in
                    point.fees[row.key].map { (Self.whole(point.bytesPerRequest), Self.thousandths($0)) }
                })
        }
        var marks: [LineCurve.Mark] = []
        if let mean = report.curve.mean, let main = report.curves.first, let fee = main.breakEvenFeePerBillion {
            marks.append(
                LineCurve.Mark(
                    x: Self.whole(mean), y: Self.thousandths(fee),
                    text: language.sentence(.savingsCurveHere, ["fee": language.decimal(fee.readable)])))
        }
        return LineCurve(series, marks: marks).chart(
            id: "savings-curve", title: language[.savingsCurve],
            summary: language.sentence(.savingsCurveText, ["currency": report.comparison.currency]),
            xTitle: language[.savingsCurveX], xTick: { kilobytes(Fraction($0)) },
            yTick: { language.decimal(((try? Fraction($0) / 1_000) ?? .zero).readable) })
    }

    // MARK: Whole numbers for charts

    /// Billionths of a unit, rounded.
    private static func billionths(_ amount: Fraction) -> Int128 {
        Int128(amount.rounded(places: 9).filter { $0 != "." }) ?? 0
    }

    private static func fraction(_ billionths: Int128) -> Fraction {
        (try? Fraction(billionths, over: 1_000_000_000)) ?? .zero
    }

    private static func thousandths(_ amount: Fraction) -> Int128 {
        Int128(amount.rounded(places: 3).filter { $0 != "." }) ?? 0
    }

    private static func whole(_ bytes: Fraction) -> Int128 { Int128(bytes.rounded(places: 0)) ?? 0 }

    private static func level(_ dimension: CapacityDimension) -> Int {
        switch dimension {
        case .new: 4
        case .active: 2
        case .bytes: 1
        case .rules: 5
        }
    }

    private static func label(_ dimension: CapacityDimension) -> ReportLabel {
        switch dimension {
        case .new: .savingsBindNew
        case .active: .savingsBindActive
        case .bytes: .savingsBindBytes
        case .rules: .savingsBindRules
        }
    }
}
