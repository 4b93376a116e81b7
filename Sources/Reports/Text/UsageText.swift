package import Metering
import Pricing

/// A tenant's usage of a period, as text.
package struct UsageText {
    private let usage: MonthlyUsage
    private let hasBars: Bool

    /// - Parameter hasBars: whether each row has a bar of its share of the largest, for a terminal.
    package init(_ usage: MonthlyUsage, hasBars: Bool = true) {
        self.usage = usage
        self.hasBars = hasBars
    }

    package var text: String {
        var parts = ["Usage of \(usage.tenant), \(usage.period.month) (\(usage.period.zone))"]
        parts.append(usage.groups.isEmpty ? dimensions : groups)
        parts.append(CoverageText(usage).text)
        return parts.joined(separator: "\n\n")
    }

    private var dimensions: String {
        var table = TextTable([.left, .right])
        for dimension in Dimension.allCases where dimension != .activeConnections {
            table.add(dimension.rawValue.replacing("_", with: " "), Digits.grouped(usage.dimensions[dimension]))
        }
        table.add("active connections, mean", usage.dimensions.activeConnectionsText)
        table.add(
            "active connections, upper bound of the maximum",
            Digits.grouped(usage.dimensions.activeConnectionsMaximum))
        return table.text
    }

    /// One row a group, with a bar of its share of the largest.
    private var groups: String {
        let largest = usage.groups.map { $0.dimensions[.requests] }.max() ?? 0
        let hasHours = usage.groups.contains { $0.hour != nil }
        var table = TextTable([.left, .left, .left, .right, .left])
        table.add(hasHours ? "hour (UTC)" : "day", "gateway", "service", "requests", "")
        for group in usage.groups {
            let requests = group.dimensions[.requests]
            let bar = hasBars && largest > 0 ? Int(Int128(requests) * 24 / Int128(largest)) : 0
            table.add(
                group.hour ?? group.day ?? "all", group.gateway ?? "all", group.service ?? "all",
                Digits.grouped(requests),
                String(repeating: "█", count: bar))
        }
        table.addRule()
        table.add("", "", "", Digits.grouped(usage.requests), "")
        return table.text
    }
}

/// How complete a count is, in words.
package struct CoverageText {
    private let usage: MonthlyUsage

    package init(_ usage: MonthlyUsage) {
        self.usage = usage
    }

    package var text: String {
        let gaps = usage.coverage.gaps
        var lines = [
            "Coverage: \(usage.coverage.percent) % of the time of its gateways' instances was observed, as of "
                + "\(usage.period.asOf)."
        ]
        if gaps.isEmpty { return lines[0] + " No gaps." }
        lines[0] += " " + requests
        for gap in gaps.prefix(20) {
            lines.append("  \(GapText(gap).day) \(GapText(gap).text)")
        }
        if gaps.count > 20 { lines.append("  and \(gaps.count - 20) more gaps") }
        return lines.joined(separator: "\n")
    }

    /// What the gaps leave open, in requests.
    private var requests: String {
        let lower = Digits.grouped(usage.lower)
        guard let upper = usage.upper else {
            return "There were at least \(lower) requests; not all gaps have a bound."
        }
        return "There were between \(lower) and \(Digits.grouped(upper)) requests."
    }
}
