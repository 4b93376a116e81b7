import LoadBalancerCosts
import Pricing

/// A savings report as a page, by `savings.mustache`.
package struct SavingsPage {
    let report: SavingsReport
    let language: ReportLanguage
    let words: SavingsWords

    package init(_ report: SavingsReport, in language: ReportLanguage) {
        self.report = report
        self.language = language
        words = SavingsWords(report: report, language: language)
    }

    package func html(_ templates: ReportTemplates) throws(ReportError) -> String {
        let comparison = report.comparison
        let fields = TemplateFields()
        fields.text("gateway", report.gateway)
        fields.text("month", language.month(report.period.startDate))
        fields.text("zone", report.period.zone.description)
        fields.text("headline", words.headline)
        fields.text("rank", words.rank)
        fields.text("before_fee", words.beforeFee)
        fields.text("currency", comparison.currency)
        fields.rows("facts", ["term", "value"], words.facts.map { [$0.term, $0.value] })
        fields.rows("alternatives", Self.columns, ([comparison.own] + comparison.alternatives).map(cells))
        fields.flag("has_other", hasOther)
        fields.markup("bars", bars)
        fields.text("split", report.scales.count > 1 ? language[.savingsBarsSplit] : nil)
        fields.markup("strip", strip?.svg)
        fields.text("strip_text", strip?.summary)
        fields.markup("curve", curve?.svg)
        fields.text("curve_text", curve?.summary)
        fields.rows("fee_heads", ["name"], comparison.alternatives.map { [words.name(of: $0)] })
        fields.rows("fee_points", ["size"], inner: "fees", ["fee"], feePoints)
        fields.rows("turns", ["statement"], words.turns.map { [$0] })
        fields.rows(
            "assumptions", ["name", "value", "source"], words.assumptions.map { [$0.name, $0.value, $0.source] })
        fields.rows("prices", ["name", "value", "source"], words.prices.map { [$0.name, $0.value, $0.source] })
        fields.rows("notes", ["note"], words.notes.map { [$0] })
        return try templates.render(
            "savings", fields, in: language,
            title: "\(language[.savingsReport]): \(report.gateway), \(language.month(report.period.startDate))")
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
        // A part that costs nothing is no figure to read; a total of nothing is one.
        return [words.name(of: row), isOwn ? "own" : nil]
            + amounts.enumerated().map { index, amount in
                amount.isZero && index < amounts.count - 1 ? nil : language.decimal(amount.readable)
            } + [
                row.saving.map { language.decimal($0.readableSigned) },
                row.savingPercent.map { language.percent($0.signed) },
                row.breakEvenFeePerBillion.map { language.decimal($0.readable) },
            ]
    }

    private var feePoints: [(cells: [String?], inner: [[String?]])] {
        report.curve.points.map { point in
            (
                [words.kilobytes(point.bytesPerRequest)],
                report.comparison.alternatives.map { row in [point.fees[row.key].map { language.decimal($0.readable) }]
                }
            )
        }
    }
}
