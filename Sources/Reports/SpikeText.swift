package import Pricing

/// What a spike would add, as text for a terminal.
package struct SpikeText {
    private let spike: SpikeSimulation
    private let tenant: String

    package init(_ spike: SpikeSimulation, tenant: String) {
        self.spike = spike
        self.tenant = tenant
    }

    /// Throws where an amount is too large.
    package func text() throws -> String {
        let added = try spike.added()
        var table = TextTable([.left, .right, .right, .right])
        table.add("", "without", "with the spike", "added")
        table.addRule()
        table.add(
            "requests in the month", Digits.grouped(spike.without.requests), Digits.grouped(spike.with.requests),
            Digits.grouped(added.requests))
        if spike.hasCeiling {
            table.add(
                "before the ceiling", spike.without.beforeCeiling.description, spike.with.beforeCeiling.description,
                added.beforeCeiling.description)
        }
        table.add(
            spike.hasCeiling ? "after the ceiling" : "bill", spike.without.afterCeiling.description,
            spike.with.afterCeiling.description, added.afterCeiling.description)
        var lines = [
            "A spike of \(spike.factor.text)x for \(spike.hours) h, \(tenant), "
                + "\(spike.period.startDate.description.prefix(7)) (\(spike.period.zone))",
            "from \(Self.hour(spike.firstHourOfWeek)) to \(Self.hour(spike.firstHourOfWeek + spike.hours)), where "
                + "\(Digits.grouped(spike.usualRequests)) requests are usual; the month as it is forecast (P50)",
            "price book \(spike.version.bookID) of \(spike.version.effective)", "", table.text,
        ]
        if !spike.hasCeiling { lines += ["", "This price book has no ceiling (maximum): nothing bounds the bill."] }
        if !spike.notes.isEmpty { lines += [""] + spike.notes.map { "note: \($0)" } }
        return lines.joined(separator: "\n")
    }

    private static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    private static func hour(_ hour: Int) -> String {
        let clock = hour % 24
        return "\(days[hour / 24 % 7]) \(clock < 10 ? "0" : "")\(clock):00"
    }
}
