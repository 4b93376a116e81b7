package import Metering
import Pricing

/// A gap in words: "gw-eu-1-a, 12:03:05–12:03:10, ended without a last reading, between 0 and 412 requests".
package struct GapText {
    private let gap: MonthlyUsage.GapReport

    package init(_ gap: MonthlyUsage.GapReport) {
        self.gap = gap
    }

    package var text: String { "\(gap.instance), \(span), \(words), \(bounds)" }

    /// The day that the gap begins on, `2026-11-03`, in UTC.
    package var day: String { String(gap.from.prefix(10)) }

    package var words: String {
        switch Gap.Reason(rawValue: gap.reason) {
        case .tailLost: "ended without a last reading"
        case .lateStart: "counted before metering began"
        case .streamDown: "nothing was received"
        case .udpDrop: "datagrams were dropped"
        case .reset: "a counter was reset"
        case .refused: "values were refused"
        case .undecidedEpoch: "it could not be told whether the process is a new one"
        case .identityConflict: "two Envoys under one name"
        case nil: gap.reason
        }
    }

    package var bounds: String {
        let lower = Digits.grouped(gap.lowerWithoutEvidence)
        let known: String
        if let upper = gap.upper {
            let bounds = "between \(lower) and \(Digits.grouped(upper)) requests"
            known = gap.basis == Gap.Basis.rate.rawValue ? bounds + " (by the rates around it)" : bounds
        } else {
            known = "at least \(lower) requests"
        }
        return known + shown
    }

    /// What access logs show inside the gap, which is a lower bound: a log may have lost lines.
    private var shown: String {
        guard let evidence = gap.evidence else { return "" }
        let words = ": the access log shows \(Digits.grouped(evidence))"
        guard let billed = gap.billed else { return words }
        if billed == evidence { return words + ", billed by a correction" }
        return words + ", of which a correction bills \(Digits.grouped(billed))"
    }

    /// Times of the day, in UTC; with the date where the end lies on another day.
    private var span: String {
        let from = Self.time(gap.from)
        let isOneDay = gap.from.prefix(10) == gap.to.prefix(10)
        return "\(from)–\(isOneDay ? Self.time(gap.to) : "\(gap.to.prefix(10)) \(Self.time(gap.to))")"
    }

    private static func time(_ instant: String) -> String { String(instant.dropFirst(11).prefix(8)) }
}

/// The gaps of a period, day by day.
package struct GapsText {
    private let usage: MonthlyUsage

    package init(_ usage: MonthlyUsage) {
        self.usage = usage
    }

    package var text: String {
        let gaps = usage.coverage.gaps
        var lines = [
            "Gaps of \(usage.tenant), \(usage.period.month) (\(usage.period.zone)); times in UTC",
            "Coverage \(usage.coverage.percent) % of the instances' time, as of \(usage.period.asOf).",
        ]
        guard !gaps.isEmpty else { return (lines + ["No gaps."]).joined(separator: "\n") }
        var day = ""
        for gap in gaps {
            let text = GapText(gap)
            if text.day != day {
                day = text.day
                lines += ["", day]
            }
            lines.append("  " + text.text)
        }
        let lower = usage.lower > usage.requests ? "at least \(Digits.grouped(usage.lower)), " : ""
        let upper = lower + (usage.upper.map { "at most \(Digits.grouped($0))" } ?? "no upper bound is known")
        lines += ["", "\(Digits.grouped(usage.requests)) requests were metered; with all gaps \(upper)."]
        return lines.joined(separator: "\n")
    }

    /// One row a gap, with a header.
    package var csv: String {
        let rows = usage.coverage.gaps.map { gap in
            [
                gap.gateway, gap.instance, gap.from, gap.to, gap.reason, String(gap.lower),
                gap.upper.map { String($0) } ?? "", gap.basis ?? "", gap.evidence.map { String($0) } ?? "",
                gap.billed.map { String($0) } ?? "",
            ]
            .map(Self.field).joined(separator: ",")
        }
        return (["gateway,instance,from,to,reason,lower,upper,basis,evidence,billed"] + rows).joined(separator: "\n")
    }

    private static func field(_ text: String) -> String {
        guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }
}
