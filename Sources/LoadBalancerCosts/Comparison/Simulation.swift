/// A comparison as it is, beside the one of another case: other habits, rules, region or prices.
package struct Simulation: Sendable {
    package let now: Comparison
    package let then: Comparison
    /// What is different, one part of a sentence each.
    package let changes: [String]

    /// Throws `.mixedCurrencies` for two currencies, whose amounts can not stand beside each other.
    package init(now: Comparison, then: Comparison, changes: [String]) throws {
        guard now.currency == then.currency else {
            throw LoadBalancerCostError(
                .mixedCurrencies,
                "\(now.region) is priced in \(now.currency) and \(then.region) in \(then.currency): "
                    + "compare two regions of one currency")
        }
        self.now = now
        self.then = then
        self.changes = changes
    }

    /// Each row of both cases, in the order of `now`; a row that only one case has is alone.
    private var pairs: [(key: String, now: Comparison.Row?, then: Comparison.Row?)] {
        let after = [then.own] + then.alternatives
        let before = [now.own] + now.alternatives
        let added = after.filter { row in !before.contains { $0.key == row.key } }
        return before.map { row in (row.key, row, after.first { $0.key == row.key }) }
            + added.map { ($0.key, nil, $0) }
    }

    /// Totals and savings of both cases side by side, then the other case's own table.
    package func table() -> String {
        var table = TextTable(
            [
                "", "total now", "then", "change", "saving now", "then", "% now", "then", "hours bound by now", "then",
            ], amounts: Set(1...7))
        for (key, now, then) in pairs {
            let change = now.flatMap { now in then.flatMap { try? $0.total - now.total } }
            table.add([
                key, now?.total.readable ?? "", then?.total.readable ?? "", change?.readableSigned ?? "",
                now?.saving?.readableSigned ?? "", then?.saving?.readableSigned ?? "",
                now?.savingPercent?.signed ?? "", then?.savingPercent?.signed ?? "",
                now.map { CostAnswer.text($0.bindingHours) } ?? "", then.map { CostAnswer.text($0.bindingHours) } ?? "",
            ])
        }
        var text = "What if: " + (changes.isEmpty ? "nothing is changed" : changes.joined(separator: "; ")) + "\n"
        if let headline = now.headline { text += "Now:  \(headline)\n" }
        if let headline = then.headline { text += "Then: \(headline)\n" }
        return text + "\namounts in \(now.currency)\n\n\(table.text)\nThen in full:\n\n\(then.table())"
    }

    /// One line a row, amounts to nine places.
    package func csv() -> String {
        (["key,total_now,total_then,saving_now,saving_then,currency"]
            + pairs.map { key, before, after in
                [
                    key, before?.total.description ?? "", after?.total.description ?? "",
                    before?.saving?.description ?? "", after?.saving?.description ?? "", now.currency,
                ].joined(separator: ",")
            }).joined(separator: "\n") + "\n"
    }
}

extension Simulation: Encodable {
    private enum CodingKeys: String, CodingKey {
        case now, then, changes
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(changes, forKey: .changes)
        try container.encode(now, forKey: .now)
        try container.encode(then, forKey: .then)
    }
}
