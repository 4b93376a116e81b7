import Billing
import Metering
import Pricing

/// A month of usage for a terminal: services, days with bars, and the hours as a strip of shades.
package struct UsageReportText {
    private let paper: UsagePaper
    private let language: ReportLanguage
    private let style: TextStyle

    package init(_ paper: UsagePaper, _ language: ReportLanguage, style: TextStyle = .plain) {
        self.paper = paper
        self.language = language
        self.style = style
    }

    package var text: String {
        let usage = paper.usage
        var parts = [
            TerminalText.wrapped(
                "\(language[.usageReport]) \(usage.tenant), \(usage.period.month) (\(usage.period.zone))"
            ).map(style.bold).joined(separator: "\n")
                + "\n" + style.faint(String(repeating: "═", count: TerminalText.width))
        ]
        if paper.services.isEmpty {
            parts.append(language[.noUsage])
        } else {
            parts.append(style.bold(language[.byService]) + "\n" + services)
            parts.append(style.bold(language[.requestsPerDay]) + "\n" + days)
            parts.append(
                style.bold(language.sentence(.hoursIn, ["zone": usage.period.zone])) + "\n" + hours)
        }
        parts.append(coverage)
        return parts.joined(separator: "\n\n")
    }

    private var services: String {
        var table = TextTable([.left, .right, .right])
        let all = paper.usage.requests
        for service in paper.services {
            let tenths = all > 0 ? Int128(service.requests) * 1000 / Int128(all) : 0
            let name = TerminalText.wrapped(service.name, to: 44).first ?? ""
            table.add(name, language.count(service.requests), language.percent("\(tenths / 10).\(tenths % 10)"))
        }
        table.addRule()
        table.add(language[.daysTotal], language.count(all), "")
        return table.text
    }

    private var days: String {
        let most = paper.days.map(\.requests).max() ?? 0
        let width = language.count(most).count
        return paper.days.map { day in
            let bar = most > 0 ? Int(Int128(day.requests) * 48 / Int128(most)) : 0
            let count = TerminalText.padded(language.count(day.requests), to: width, right: true)
            let line = "\(day.date)  \(count)  " + String(repeating: "█", count: bar)
            return bar == 0 ? String(line.reversed().drop { $0 == " " }.reversed()) : line
        }
        .joined(separator: "\n")
    }

    /// `·` none, then four shades; `x` a gap.
    private var hours: String {
        let most = paper.largest?.requests ?? 0
        let shades: [Character] = ["·", "░", "▒", "▓", "█", "█"]
        var lines = ["            0     6     12    18"]
        for day in paper.days {
            let cells = day.hours.map { hour -> Character in
                guard let hour, let requests = hour.requests else { return " " }
                return hour.hasGap ? "x" : shades[HeatStrip.Cell.level(requests, of: most)]
            }
            lines.append("\(day.date)  \(String(cells))")
        }
        lines.append(
            "· \(language[.legendNone])  ░▒▓█ \(language.sentence(.legendUpTo, ["count": language.compact(Int128(most))]))  x \(language[.legendGap])"
        )
        return lines.map { String($0.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
    }

    private var coverage: String {
        let words = paper.coverageWords(language)
        var lines = TerminalText.wrapped(words.sentences.joined(separator: " "))
        for gap in words.coverage.gaps.prefix(CoverageWords.listed) {
            let text = "\(gap.instance), \(gap.from) – \(gap.to): \(words.reason(of: gap)), \(words.bounds(of: gap))"
            lines += TerminalText.wrapped(text, to: TerminalText.width - 4).enumerated().map {
                ($0 == 0 ? "  " : "    ") + $1
            }
        }
        let more = words.coverage.gaps.count - CoverageWords.listed
        if more > 0 { lines.append("  " + language.sentence(.moreGaps, ["count": language.count(more)])) }
        return lines.joined(separator: "\n")
    }
}
