import LoadBalancerCosts
import Pricing

/// A savings report as a page, by `savings.mustache`.
package struct SavingsPage {
    let report: SavingsReport
    let language: ReportLanguage

    package init(_ report: SavingsReport, in language: ReportLanguage) {
        self.report = report
        self.language = language
    }

    package func html(_ templates: ReportTemplates) throws(ReportError) -> String {
        let comparison = report.comparison
        let fields = TemplateFields()
        fields.text("gateway", report.gateway)
        fields.text("month", language.month(report.period.startDate))
        fields.text("zone", report.period.zone.description)
        fields.text("headline", headline)
        fields.text("rank", rank)
        fields.text("before_fee", comparison.gateway.fee == nil ? language[.savingsBeforeFee] : nil)
        fields.text("region", comparison.region)
        fields.rows("facts", ["term", "value"], facts)
        fields.rows("alternatives", Self.columns, ([comparison.own] + comparison.alternatives).map(cells))
        fields.flag("has_other", hasOther)
        fields.markup("bars", bars)
        fields.text("split", report.scales.count > 1 ? language[.savingsBarsSplit] : nil)
        fields.markup("strip", strip?.svg)
        fields.text("strip_text", strip?.summary)
        fields.markup("curve", curve?.svg)
        fields.text("curve_text", curve?.summary)
        fields.rows("fee_heads", ["name"], report.comparison.alternatives.map { [$0.name] })
        fields.rows("fee_points", ["size"], inner: "fees", ["fee"], feePoints)
        fields.rows("turns", ["statement"], comparison.sensitivity.map { [$0.statement] })
        fields.rows("assumptions", ["name", "value", "source"], comparison.assumptionLines)
        fields.rows("prices", ["name", "value", "source"], comparison.priceLines + comparison.capacityUnitLines)
        fields.rows("notes", ["note"], notes.map { [$0] })
        return try templates.render(
            "savings", fields, in: language,
            title: "\(language[.savingsReport]): \(report.gateway), \(language.month(report.period.startDate))")
    }

    // MARK: Words

    func money(_ amount: Fraction) -> String { language.money(amount.readable, report.comparison.currency) }

    /// The first sentence; right whatever the saving's sign.
    var headline: String {
        let own = money(report.comparison.own.total)
        guard let other = report.main, let saving = other.saving else {
            return language.sentence(.savingsNothing, ["own": own, "region": report.comparison.region])
        }
        let label: ReportLabel =
            saving.isZero ? .savingsEqual : saving.isNegative ? .savingsCost : .savingsSaved
        return language.sentence(
            label,
            [
                "amount": money(saving.isNegative ? -saving : saving), "name": other.name, "own": own,
                "other": money(other.total),
                "percent": language.percent(other.savingPercent?.readable ?? "0"),
            ])
    }

    private var rank: String? {
        let all = report.comparison.alternatives.count
        guard all > 1 else { return nil }
        guard let cheapest = report.cheaper.first else {
            return language.sentence(.savingsNoneCheaper, ["all": "\(all)"])
        }
        return language.sentence(
            .savingsCheaper,
            [
                "count": "\(report.cheaper.count)", "all": "\(all)", "name": cheapest.name,
                "amount": money(cheapest.total),
            ])
    }

    private var facts: [[String?]] {
        let totals = report.comparison.series.totals
        func mean(_ sum: Fraction, _ count: Fraction) -> String? {
            guard !count.isZero, let mean = try? sum / count else { return nil }
            return language.decimal(mean.readable)
        }
        let rows: [(ReportLabel, String?)] = [
            (.requests, language.decimal(Counted.grouped(totals.requests.decimal(places: 0)))),
            (.savingsHoursCount, language.count(report.comparison.hours)),
            (.savingsBytesPerRequest, mean(totals.allBytes, totals.requests)),
            (.savingsRequestsPerConnection, mean(totals.requests, totals.newConnections)),
            (.savingsRegion, report.comparison.region),
        ]
        return rows.filter { $0.1 != nil }.map { [language[$0.0], $0.1] }
    }

    private var notes: [String] {
        let comparison = report.comparison
        var notes = ([comparison.own] + comparison.alternatives).compactMap { row in
            row.leftOut.map { language.sentence(.savingsLeftOut, ["name": row.name, "what": $0]) }
        }
        for (key, reason) in comparison.unavailable.sorted(by: { $0.key < $1.key }) {
            notes.append(language.sentence(.savingsUnavailable, ["name": key, "reason": reason]))
        }
        if let addresses = comparison.addresses {
            notes.append(language.sentence(.savingsAddresses, ["amount": money(addresses.total)]))
        }
        return notes + comparison.notes
    }

    // MARK: Tables

    private static let columns = [
        "name", "is_own", "hours", "units", "data", "nodes", "fee", "other", "total", "saving", "percent", "break_even",
    ]

    private var hasOther: Bool {
        ([report.comparison.own] + report.comparison.alternatives).contains { !$0.other.isZero }
    }

    private func cells(_ row: Comparison.Row) -> [String?] {
        let isOwn = row.key == report.comparison.own.key
        let amounts = [row.hours, row.units, row.data, row.nodes, row.fee, row.other, row.total]
        return [isOwn ? language[.savingsOwn] : row.name, isOwn ? "own" : nil]
            + amounts.map { language.decimal($0.readable) } + [
                row.saving.map { language.decimal($0.readableSigned) },
                row.savingPercent.map { language.percent($0.signed) },
                row.breakEvenFeePerBillion.map { language.decimal($0.readable) },
            ]
    }

    private var feePoints: [(cells: [String?], inner: [[String?]])] {
        report.curve.points.map { point in
            (
                [kilobytes(point.bytesPerRequest)],
                report.comparison.alternatives.map { row in [point.fees[row.key].map { language.decimal($0.readable) }]
                }
            )
        }
    }

    func kilobytes(_ bytes: Fraction) -> String {
        language.decimal(((try? bytes / 1_000) ?? bytes).decimal(places: 1))
    }
}
