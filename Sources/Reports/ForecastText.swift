package import Pricing

/// A forecast as text for a terminal.
package struct ForecastText {
    private let forecast: Forecast
    private let tenant: String

    package init(_ forecast: Forecast, tenant: String) {
        self.forecast = forecast
        self.tenant = tenant
    }

    package var text: String {
        let period = forecast.period
        let estimates = forecast.isOver ? counted : estimates
        var parts = [
            """
            Forecast for \(tenant), \(period.startDate.description.prefix(7)) (\(period.zone)), \
            as of \(RFC3339.text(microseconds: forecast.asOf))
            \(period.start) to \(period.end), price book \(forecast.version.bookID) of \(forecast.version.effective), \
            \(forecast.daysOfHistory) days of history
            """,
            estimates,
        ]
        parts += [record, budget].compactMap { $0 }
        if !forecast.notes.isEmpty { parts.append(forecast.notes.map { "note: \($0)" }.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    private var counted: String {
        "counted: \(Digits.grouped(forecast.counted.requests)) requests, \(forecast.counted.amount)"
    }

    private var estimates: String {
        var table = TextTable([.left, .right, .right])
        table.add("", "requests", "amount")
        table.addRule()
        table.add("counted so far", Digits.grouped(forecast.counted.requests), forecast.counted.amount.description)
        for (name, estimate) in [("P10", forecast.p10), ("P50", forecast.p50), ("P90", forecast.p90)] {
            table.add(
                "month-end \(name)", estimate.map { Digits.grouped($0.requests) } ?? "not known",
                estimate?.amount.description ?? "")
        }
        return table.text
    }

    private var record: String? {
        let trials = forecast.record.trials
        guard !trials.isEmpty else {
            return forecast.p10 == nil || forecast.isOver
                ? nil
                : "This forecast has no record yet: no past month was metered whole after enough history to try it on."
        }
        var table = TextTable([.left, .right, .right, .right, .right, .left])
        table.add("from", "P10", "P50", "P90", "counted", "")
        table.addRule()
        for trial in trials {
            let verdict = trial.isHeld ? "held" : trial.counted < trial.p10 ? "below P10" : "above P90"
            table.add(
                trial.start.description, Digits.grouped(trial.p10), Digits.grouped(trial.p50),
                Digits.grouped(trial.p90), Digits.grouped(trial.counted), verdict)
        }
        return """
            P10–P90 held in \(forecast.record.held) of \(trials.count) \(trials.count == 1 ? "month" : "months"), each \
            forecast in requests from what was known at the same point of it:

            \(table.text)
            """
    }

    private var budget: String? {
        guard let budget = forecast.budget else { return nil }
        if let passed = budget.passed { return "The budget of \(budget.amount) was passed on \(passed)." }
        guard budget.hasForecast else {
            return "The budget of \(budget.amount) is not passed yet; when it will be is not known."
        }
        let days = [budget.p10, budget.p50, budget.p90]
        if days.allSatisfy({ $0 == nil }) {
            return
                "The budget of \(budget.amount) is not passed in this month, \(budget.hasRange ? "by P90 either" : "by P50")."
        }
        func words(_ day: LocalDate?, _ rank: String) -> String {
            "\(rank): \(day.map { "on \($0)" } ?? "not in this month")"
        }
        var cases = [words(budget.p50, "P50")]
        if budget.hasRange { cases = [words(budget.p90, "P90")] + cases + [words(budget.p10, "P10")] }
        return "The budget of \(budget.amount) is passed, by \(cases.joined(separator: "; "))."
    }
}
