package import Metering

/// A tenant's usage of a period as CSV (RFC 4180): a row a group, or one for the whole period. Quantities are whole
/// numbers; active connections are the mean, and the maximum is an upper bound.
package struct UsageCSV {
    private let usage: MonthlyUsage

    package init(_ usage: MonthlyUsage) {
        self.usage = usage
    }

    package var text: String {
        let dimensions = Dimension.allCases.filter { $0 != .activeConnections }
        var lines = [
            ["tenant", "period_start", "period_end", "day", "hour", "gateway", "service"]
                + dimensions.map(\.rawValue) + ["active_connections", "active_connections_maximum", "coverage_percent"]
        ]
        let groups =
            usage.groups.isEmpty
            ? [MonthlyUsage.Group(service: nil, gateway: nil, day: nil, dimensions: usage.dimensions)] : usage.groups
        for group in groups {
            lines.append(
                [
                    usage.tenant, usage.period.start, usage.period.end, group.day ?? "", group.hour ?? "",
                    group.gateway ?? "", group.service ?? "",
                ] + dimensions.map { String(group.dimensions[$0]) } + [
                    group.dimensions.activeConnectionsText, String(group.dimensions.activeConnectionsMaximum),
                    usage.coverage.percent,
                ])
        }
        return lines.map { $0.map(Self.field).joined(separator: ",") }.joined(separator: "\r\n")
    }

    /// Quoted where it must be. A name that a spreadsheet would take for a formula is kept as text by a leading quote.
    private static func field(_ text: String) -> String {
        let first = text.unicodeScalars.first.map { "=+-@\t".unicodeScalars.contains($0) } ?? false
        let text = first ? "'" + text : text
        guard text.contains(where: { "\",\r\n".contains($0) || $0 == "\r\n" }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
