import LoadBalancerCosts

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
        // Parts keep their number and shade in every chart; those that nobody has are left out.
        let all = [own] + report.comparison.alternatives
        let parts = SavingsReport.parts.filter { part in all.contains { !$0[keyPath: part.amount].isZero } }
        let bars = StackedBars(
            parts: parts.map { language[$0.label] },
            rows: rows.map { row in
                StackedBars.Row(
                    label: words.shortName(of: row), values: parts.map { Self.billionths(row[keyPath: $0.amount]) },
                    total: language.decimal(row.total.readable))
            })
        let summary = rows.map { "\(words.shortName(of: $0)) \(language.decimal($0.total.readable))" }
        return bars.chart(
            id: id, title: language[.savingsBars],
            summary: language.sentence(.savingsBarsText, ["rows": summary.joined(separator: "; ")])
        ) { language.decimal(Self.fraction($0).readable) }
    }

    /// What binds, a row a UTC day; nil where no ALB is compared or the hours have no dates.
    var strip: Chart? {
        let days = words.days
        guard !days.isEmpty else { return nil }
        let rows = days.map { day in
            HeatStrip.Row(
                label: day.label,
                cells: day.hours.enumerated().map { clock, hour in
                    guard let hour else { return nil }
                    let time = clock < 10 ? "0\(clock):00" : "\(clock):00"
                    return HeatStrip.Cell(
                        level: Self.level(hour.binding), mark: hour.binding.map { String($0.rawValue.prefix(1)) },
                        tooltip: "\(day.label) \(time) UTC: \(words.name(of: hour.binding))")
                })
        }
        let legend = words.binding.map { entry in
            (
                level: Self.level(entry.dimension), mark: entry.dimension.map { String($0.rawValue.prefix(1)) },
                text: words.name(of: entry.dimension)
            )
        }
        return HeatStrip(columns: (0..<24).map(String.init), rows: rows, legend: legend)
            .chart(id: "savings-binding", title: language[.savingsBinding], summary: words.bindingText)
    }

    /// The break-even fee against bytes per request; nil without requests or alternatives.
    var curve: Chart? {
        let points = report.curve.points
        guard !points.isEmpty, !report.curves.isEmpty else { return nil }
        let series = report.curves.map { row in
            LineCurve.Series(
                name: words.name(of: row),
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
            xTitle: language[.savingsCurveX], xTick: { words.kilobytes(Fraction($0)) },
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

    private static func level(_ dimension: CapacityDimension?) -> Int {
        switch dimension {
        case .new: 4
        case .active: 2
        case .bytes: 1
        case .rules: 5
        case nil: 0
        }
    }
}
