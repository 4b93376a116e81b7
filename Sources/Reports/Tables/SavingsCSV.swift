import LoadBalancerCosts

/// A savings report as CSV.
extension SavingsReport {
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
