import LoadBalancerCosts

/// A savings report for a terminal, and as CSV.
extension SavingsReport {
    /// The comparison's text under the report's title, with the break-even fees by size at its end.
    package var text: String {
        let title = "Savings report of the gateway \(SafeText.line(gateway)), \(month)"
        return
            "\(title)\n\n\(comparison.table())\nbreak-even fee per billion requests by the size of a request:\n\(fees)"
    }

    private var fees: String {
        guard !curve.points.isEmpty else { return "  no requests, so no fee per request\n" }
        let keys = comparison.alternatives.map(\.key)
        var table = TextTable([.right] + keys.map { _ in .right })
        table.add(row: ["  KB"] + keys)
        for point in curve.points where point.fees.count > 0 {
            let size = (try? point.bytesPerRequest / 1_000) ?? point.bytesPerRequest
            table.add(row: ["  " + size.decimal(places: 1)] + keys.map { point.fees[$0]?.readable ?? "" })
        }
        return table.text + "\n"
    }

    /// One line an alternative, amounts to nine places, with what the rows are of.
    package var csv: String {
        let lines = comparison.csv().split(separator: "\n")
        return lines.enumerated().map { index, line in
            index == 0 ? "gateway,month,\(line)" : "\(CSVText.field(gateway)),\(month),\(line)"
        }.joined(separator: "\n") + "\n"
    }
}

/// A field of CSV that no spreadsheet takes for a formula.
enum CSVText {
    static func field(_ text: String) -> String {
        let safe = SafeText.line(text)
        let isFormula = safe.first.map { "=+-@".contains($0) } ?? false
        let quoted = safe.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        return "\"\(isFormula ? "'" : "")\(quoted)\""
    }
}
