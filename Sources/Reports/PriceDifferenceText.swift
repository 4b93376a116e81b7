package import Pricing

/// What past months would have cost by two price books, as text for a terminal.
package struct PriceDifferenceText {
    private let comparison: PriceDifference
    private let tenant: String

    package init(_ comparison: PriceDifference, tenant: String) {
        self.comparison = comparison
        self.tenant = tenant
    }

    package var text: String {
        let (before, after) = (comparison.before, comparison.after)
        var table = TextTable([.left, .right, .right, .right, .right])
        table.add("month", "requests", "A", "B", "B − A")
        table.addRule()
        for month in comparison.months {
            table.add(
                String(month.period.startDate.description.prefix(7)),
                Digits.grouped(month.quantities["requests"] ?? 0), month.before.total.grouped,
                month.after.total.grouped, month.difference.grouped)
        }
        table.addRule()
        table.add(
            "total", "", comparison.totalBefore.grouped, comparison.totalAfter.grouped, comparison.difference.grouped)
        return """
            What \(tenant)'s months would have cost, in \(before.currency)
            A: price book \(before.bookID), version effective \(before.effective)
            B: price book \(after.bookID), version effective \(after.effective)

            \(table.text)

            \(verdict)
            """
    }

    private var verdict: String {
        let difference = comparison.difference
        guard difference.minorUnits != 0 else { return "Both cost the same." }
        let size = Money(minorUnits: Int128(clamping: difference.minorUnits.magnitude), currency: difference.currency)
        return "B would have cost \(size) \(difference.minorUnits < 0 ? "less" : "more")."
    }
}
