import LoadBalancerCosts
import Pricing

/// A savings report for a terminal: 80 columns.
package struct SavingsReportText {
    private let report: SavingsReport
    private let language: ReportLanguage
    private let style: TextStyle
    private let words: SavingsWords

    package init(_ report: SavingsReport, _ language: ReportLanguage, style: TextStyle = .plain) {
        self.report = report
        self.language = language
        self.style = style
        words = SavingsWords(report: report, language: language)
    }

    package var text: String {
        var parts = [head, TerminalText.wrapped(words.headline).map(style.bold).joined(separator: "\n")]
        if let rank = words.rank { parts.append(TerminalText.wrapped(rank).joined(separator: "\n")) }
        if let beforeFee = words.beforeFee {
            parts.append(TerminalText.wrapped(beforeFee).map(style.warning).joined(separator: "\n"))
        }
        parts.append(section(.savingsTraffic, facts))
        parts.append(section(.savingsAlternatives, alternatives))
        parts.append(section(.savingsBars, self.parts))
        if !words.days.isEmpty { parts.append(section(.savingsBinding, strip)) }
        if let curve { parts.append(section(.savingsCurve, curve)) }
        parts.append(section(.savingsTurns, list(words.turns)))
        parts.append(section(.savingsAssumptions, basis(words.assumptions)))
        parts.append(section(.savingsPrices, basis(words.prices)))
        if !words.notes.isEmpty { parts.append(section(.savingsNotes, list(words.notes))) }
        return parts.joined(separator: "\n\n")
    }

    private var head: String {
        let title =
            "\(language[.savingsReport]), \(language[.gateway]) \(report.gateway), \(report.month) (\(report.period.zone))"
        return TerminalText.wrapped(title).map(style.bold).joined(separator: "\n") + "\n"
            + style.faint(String(repeating: "═", count: TerminalText.width))
    }

    private func section(_ label: ReportLabel, _ body: String) -> String { style.bold(language[label]) + "\n" + body }

    private var facts: String {
        let width = words.facts.map { TerminalText.columns($0.term) }.max() ?? 0
        return words.facts.map { style.faint(TerminalText.padded($0.term, to: width)) + "  " + $0.value }
            .joined(separator: "\n")
    }

    /// Names are cut where the figures leave them less room.
    private func table(_ heads: [String], _ rows: [(name: String, cells: [String])]) -> String {
        let widths = heads.indices.map { index in
            (rows.map { TerminalText.columns($0.cells[index]) } + [TerminalText.columns(heads[index])]).max() ?? 0
        }
        let figures = widths.reduce(0) { $0 + $1 + 2 }
        let longest = rows.map { TerminalText.columns($0.name) }.max() ?? 0
        let room = max(12, min(longest, TerminalText.width - figures))
        func line(_ name: String, _ cells: [String]) -> String {
            let name = TerminalText.padded(TerminalText.clipped(name, to: room), to: room)
            let line = name + zip(cells, widths).map { "  " + TerminalText.padded($0, to: $1, right: true) }.joined()
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
        let rule = style.faint(String(repeating: "─", count: room + figures))
        let body = rows.map { line($0.name, $0.cells) }
        return ([style.faint(line("", heads)), rule] + body).joined(separator: "\n")
    }

    private var all: [Comparison.Row] { [report.comparison.own] + report.comparison.alternatives }

    private var alternatives: String {
        let heads = [
            report.comparison.currency, language[.savingsSaving].lowercased(), "%",
            language[.savingsBreakEven].lowercased(),
        ]
        let rows = all.map { row in
            (
                words.shortName(of: row),
                [
                    language.decimal(row.total.readable), row.saving.map { language.decimal($0.readableSigned) } ?? "",
                    row.savingPercent.map { language.decimal($0.signed) } ?? "",
                    row.breakEvenFeePerBillion.map { language.decimal($0.readable) } ?? "",
                ]
            )
        }
        return table(heads, rows) + "\n"
            + TerminalText.wrapped(language[.savingsBreakEvenText]).map(style.faint).joined(separator: "\n")
    }

    /// What each cost is made of; parts that nobody has are left out.
    private var parts: String {
        let shown = SavingsReport.parts.filter { part in all.contains { !$0[keyPath: part.amount].isZero } }
        let numbers = shown.indices.map { "\($0 + 1)" }
        let rows = all.map { row in
            (
                words.shortName(of: row),
                shown.map {
                    row[keyPath: $0.amount].isZero ? "–" : language.decimal(row[keyPath: $0.amount].readable)
                }
            )
        }
        let legend = zip(numbers, shown).map { "\($0) \(language[$1.label])" }.joined(separator: " · ")
        return table(numbers, rows) + "\n" + TerminalText.wrapped(legend).map(style.faint).joined(separator: "\n")
    }

    private var strip: String {
        var lines = TerminalText.wrapped(words.bindingText) + [style.faint("            0     6     12    18")]
        for day in words.days {
            let cells = day.hours.map { hour in hour.map { $0.binding?.rawValue.first ?? "·" } ?? " " }
            lines.append(String("\(day.label)  \(String(cells))".reversed().drop { $0 == " " }.reversed()))
        }
        let legend = words.binding.map { entry in
            "\(entry.dimension?.rawValue.prefix(1) ?? "·") \(words.name(of: entry.dimension))"
        }
        return (lines + TerminalText.wrapped(legend.joined(separator: ", ")).map(style.faint)).joined(separator: "\n")
    }

    /// Every second point of the curves that are drawn.
    private var curve: String? {
        let points = report.curve.points
        guard !points.isEmpty, !report.curves.isEmpty else { return nil }
        let rows = points.enumerated().filter { $0.offset % 2 == 0 }.map { _, point in
            (
                words.kilobytes(point.bytesPerRequest),
                report.curves.map { row in point.fees[row.key].map { language.decimal($0.readable) } ?? "" }
            )
        }
        let text = language.sentence(.savingsCurveText, ["currency": report.comparison.currency])
        return TerminalText.wrapped(text).joined(separator: "\n") + "\n"
            + table(report.curves.map(words.shortName), rows) + "\n" + style.faint(language[.savingsCurveX])
    }

    private func list(_ texts: [String]) -> String {
        texts.flatMap { text in
            TerminalText.wrapped(text, to: TerminalText.width - 2).enumerated().map { ($0 == 0 ? "- " : "  ") + $1 }
        }
        .joined(separator: "\n")
    }

    /// Name and value on a line, and what they rest on beside them where there is room, else below.
    private func basis(_ lines: [SavingsWords.Basis]) -> String {
        let names = lines.map { TerminalText.columns($0.name) }.max() ?? 0
        let values = lines.map { TerminalText.columns($0.value) }.filter { $0 <= 16 }.max() ?? 0
        let indent = names + values + 4
        return lines.flatMap { line -> [String] in
            let head = TerminalText.padded(line.name, to: names) + "  "
            let sources = TerminalText.wrapped(line.source, to: TerminalText.width - indent).map(style.faint)
            let margin = String(repeating: " ", count: indent)
            guard TerminalText.columns(line.value) <= values else {
                return TerminalText.wrapped(line.value, to: TerminalText.width - names - 2).enumerated().map {
                    ($0 == 0 ? head : String(repeating: " ", count: names + 2)) + $1
                } + sources.map { margin + $0 }
            }
            let value = TerminalText.padded(line.value, to: values) + "  "
            return sources.enumerated().map { ($0 == 0 ? head + value : margin) + $1 }
        }
        .joined(separator: "\n")
    }
}
