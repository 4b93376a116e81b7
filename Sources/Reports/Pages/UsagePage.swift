import Billing
import Metering
import Pricing

/// A month of usage as a page. Filled into `usage.mustache`.
package struct UsagePage {
    /// Services with a column of their own in the table of days; the others are added up.
    static let columns = 6

    private let paper: UsagePaper
    private let language: ReportLanguage

    package init(_ paper: UsagePaper, _ language: ReportLanguage) {
        self.paper = paper
        self.language = language
    }

    package func html(_ templates: ReportTemplates) throws(ReportError) -> String {
        try templates.render(
            "usage", fields, in: language,
            title: "\(language[.usageReport]) \(paper.usage.tenant), \(paper.usage.period.month)")
    }

    private var fields: TemplateFields {
        let fields = TemplateFields()
        let usage = paper.usage
        fields.text("tenant", usage.tenant)
        fields.text(
            "period_title",
            paper.period.startDate.day == 1 ? language.month(paper.period.startDate) : usage.period.month)
        fields.text("zone", usage.period.zone)
        fields.text("utc_period", "\(paper.period.start) \(language[.until]) \(paper.period.end)")
        fields.text("requests_total", language.count(usage.requests))
        fields.text("as_of_text", language.sentence(.asOf, ["time": language.dateTime(usage.period.asOf) + " UTC"]))
        fillServices(fields)
        fillDays(fields)
        fillHours(fields)
        fillDimensions(fields)
        fillCoverage(fields)
        return fields
    }

    private func fillServices(_ fields: TemplateFields) {
        let all = paper.usage.requests
        fields.rows(
            "services", ["name", "requests", "share"],
            paper.services.map { service in
                let tenths = all > 0 ? Int128(service.requests) * 1000 / Int128(all) : 0
                return [
                    service.name, language.count(service.requests), language.percent("\(tenths / 10).\(tenths % 10)"),
                ]
            })
    }

    private func fillDays(_ fields: TemplateFields) {
        let shown = paper.services.prefix(Self.columns)
        let hidden = paper.services.dropFirst(Self.columns)
        var heads = shown.map(\.name)
        if !hidden.isEmpty {
            heads.append(language.sentence(.others, ["count": language.count(hidden.count)]))
        }
        var sums = shown.map(\.requests)
        if !hidden.isEmpty { sums.append(hidden.reduce(0) { $0 + $1.requests }) }
        fields.rows(
            "service_heads", ["head", "service_total"], zip(heads, sums).map { [$0, language.count($1)] })
        fields.rows(
            "days", ["day", "day_total"], inner: "cells", ["cell"],
            paper.days.enumerated().map { index, day in
                var cells = shown.map { [language.count($0.days[index])] as [String?] }
                if !hidden.isEmpty { cells.append([language.count(hidden.reduce(0) { $0 + $1.days[index] })]) }
                return ([day.date.description, language.count(day.requests)], cells)
            })
        let most = paper.days.max { $0.requests < $1.requests }
        let bars = paper.days.map { day in
            DailyBars.Bar(
                label: String(day.date.day), value: Int128(day.requests),
                tooltip: "\(language.date(day.date)): \(language.count(day.requests))",
                hasGap: day.hours.contains { $0?.hasGap ?? false })
        }
        let summary = language.sentence(
            .requestsPerDayText,
            [
                "days": language.count(paper.days.count), "day": most.map { language.date($0.date) } ?? "",
                "most": language.count(most?.requests ?? 0), "total": language.count(paper.usage.requests),
            ])
        fields.markup(
            "daily_chart",
            DailyBars(bars).chart(
                id: "requests-per-day", title: language[.requestsPerDay], summary: summary, tick: language.compact
            ).svg)
    }

    private func fillHours(_ fields: TemplateFields) {
        fields.rows("hour_heads", ["head"], (0..<24).map { [String($0)] })
        fields.rows(
            "hour_rows", ["day"], inner: "hours", ["requests", "mark"],
            paper.days.map { day in
                (
                    [day.date.description],
                    day.hours.map { hour in
                        [hour?.requests.map { language.count($0) }, hour?.hasGap ?? false ? "×" : nil]
                    }
                )
            })
        let largest = paper.largest
        let most = largest?.requests ?? 0
        let rows = paper.days.map { day in
            HeatStrip.Row(
                label: day.date.description.suffix(5).description,
                cells: day.hours.enumerated().map { clock, hour in
                    guard let hour, let requests = hour.requests else { return nil }
                    var tooltip = "\(language.date(day.date)), \(clock):00: \(language.count(requests))"
                    if hour.hasGap { tooltip += ", \(language[.legendGap])" }
                    return HeatStrip.Cell(
                        level: HeatStrip.Cell.level(requests, of: most), hasGap: hour.hasGap, tooltip: tooltip)
                })
        }
        var legend: [(level: Int, mark: String?, text: String)] = [(0, nil, language[.legendNone])]
        if most > 0 {
            for level in 1...5 {
                let bound = Int64(Int128(most) * Int128(level) / 5)
                legend.append((level, nil, language.sentence(.legendUpTo, ["count": language.compact(Int128(bound))])))
            }
        }
        let hourText = largest.map { "\(language.date($0.date)), \($0.hour):00" } ?? ""
        let summary = language.sentence(
            .requestsPerHourText,
            ["hour": hourText, "most": language.count(most), "gaps": language.count(paper.gapHours)])
        fields.text("hours_text", summary)
        fields.text("hours_zone", language.sentence(.hoursIn, ["zone": paper.usage.period.zone]))
        fields.markup(
            "hour_chart",
            HeatStrip(
                columns: (0..<24).map(String.init), rows: rows, legend: legend,
                gapText: paper.gapHours > 0 ? language[.legendGap] : nil
            )
            .chart(id: "requests-per-hour", title: language[.requestsPerHour], summary: summary).svg)
    }

    private func fillDimensions(_ fields: TemplateFields) {
        let quantities = paper.usage.dimensions
        let rows: [[String?]] = Dimension.allCases.compactMap { dimension in
            dimension == .activeConnections
                ? nil : [Self.name(of: dimension, language), language.count(quantities[dimension])]
        }
        fields.rows(
            "dimensions", ["name", "quantity"],
            rows + [[language[.activeConnections], language.count(quantities.activeConnectionsMaximum)]])
    }

    static func name(of dimension: Dimension, _ language: ReportLanguage) -> String {
        switch dimension {
        case .requests: language[.requests]
        case .newConnections: language[.newConnections]
        case .activeConnections: language[.activeConnections]
        case .receivedBytes: language[.receivedBytes]
        case .sentBytes: language[.sentBytes]
        case .responses1xx, .responses2xx, .responses3xx, .responses4xx, .responses5xx:
            language.sentence(.responses, ["class": String(dimension.rawValue.suffix(3))])
        }
    }

    private func fillCoverage(_ fields: TemplateFields) {
        let words = paper.coverageWords(language)
        fields.text("coverage_text", words.sentences.joined(separator: " "))
        fields.rows(
            "gap_list", ["instance", "gap_start", "gap_end", "reason", "bounds"],
            words.coverage.gaps.prefix(CoverageWords.listed).map { gap in
                [gap.instance, gap.from, gap.to, words.reason(of: gap), words.bounds(of: gap)]
            })
        let more = words.coverage.gaps.count - CoverageWords.listed
        fields.text("more_gaps", more > 0 ? language.sentence(.moreGaps, ["count": language.count(more)]) : nil)
    }
}

extension UsagePaper {
    func coverageWords(_ language: ReportLanguage) -> CoverageWords {
        let gaps = usage.coverage.gaps.map {
            InvoiceCoverage.Gap(
                gateway: $0.gateway, instance: $0.instance, from: $0.from, to: $0.to, reason: $0.reason,
                lower: $0.lower, upper: $0.upper)
        }
        return CoverageWords(
            coverage: InvoiceCoverage(percent: usage.coverage.percent, gaps: gaps), requests: usage.requests,
            lower: usage.lower, upper: usage.upper, asOf: nil, language: language)
    }
}
