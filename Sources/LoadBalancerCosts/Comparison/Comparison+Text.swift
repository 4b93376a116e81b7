extension Comparison {
    /// The answer for a person: who is cheaper by how much, the table, what binds, where it turns, what was assumed.
    package func table() -> String {
        var text = headline.map { $0 + "\n\n" } ?? ""
        text += "\(scope)\n\n" + costs() + "\n"
        if alternatives.contains(where: { $0.breakEvenFeePerBillion != nil }) {
            text +=
                "break-even fee: the gateway fee per billion requests at which both cost the same; below zero not even "
            text += "a free gateway saves\n"
        }
        for row in [own] + alternatives {
            if let leftOut = row.leftOut { text += "\(row.key) leaves out: \(leftOut)\n" }
        }
        for (key, reason) in unavailable.sorted(by: { $0.key < $1.key }) { text += "\(key): \(reason)\n" }
        if let addresses {
            text +=
                "public IPv4 addresses cost \(addresses.total.readable) behind either load balancer and are in no total\n"
        }
        for note in notes { text += "note: \(note)\n" }
        if !binding.isEmpty { text += "\nwhat binds the ALB, hour by hour in UTC:\n" + strip() }
        text += "\nwhere it turns:\n" + sensitivity.map { "  \($0.statement)\n" }.joined()
        return text + "\nassumed:\n" + assumed() + "\nprices:\n" + priced()
    }

    /// `Your own gateway cost 0.15 USD more than ALB would have (0.17 against 0.02, −634.02 % saved).` Against ALB where
    /// it is compared, else against the first alternative; nil without one.
    package var headline: String? {
        guard let other = alternatives.first(where: { $0.key == "alb" }) ?? alternatives.first,
            let saving = other.saving
        else { return nil }
        let name = ["alb", "nlb", "clb", "gwlb"].contains(other.key) ? other.key.uppercased() : other.name
        let costs = isMetered ? "cost" : "would cost"
        let amounts = "\(own.total.readable) against \(other.total.readable)"
        let fee = gateway.fee == nil ? ", before any fee" : ""
        let percent = saving.isNegative ? "" : other.savingPercent.map { ", \($0.readable) % saved" } ?? ""
        guard !saving.isZero else {
            return "A gateway of your own \(costs) as much as \(name): \(own.total.readable) \(currency)\(fee)."
        }
        let amount = (saving.isNegative ? -saving : saving).readable
        return "Your own gateway \(costs) \(amount) \(currency) \(saving.isNegative ? "more" : "less") than \(name)"
            + (isMetered ? " would have" : "") + " (\(amounts)\(percent)\(fee))."
    }

    /// `6,300 requests in 1 hour of 2026-11, us-east-1, amounts in USD`.
    private var scope: String {
        var text = "\(Counted.grouped(requests.decimal(places: 0))) request\(requests == .one ? "" : "s") in "
        text += Counted.text(hours, "hour")
        if hasDates, let first = starts.first, let last = starts.last {
            text += " from \(Instant.text(first)) to \(Instant.text(last + Instant.hour))"
        }
        return text + ", \(region), amounts in \(currency)"
    }

    /// Hours of a repeated list follow each other without dates.
    package var hasDates: Bool { series.repeats == 1 && starts.first != 0 }

    /// One line an alternative, amounts to nine places.
    package func csv() -> String {
        var lines = [
            "key,hours,units,data,nodes,fee,other,total,saving,saving_percent,break_even_fee_per_billion,currency"
        ]
        for row in [own] + alternatives {
            let amounts = [row.hours, row.units, row.data, row.nodes, row.fee, row.other, row.total].map(\.description)
            lines.append(
                ([row.key] + amounts + [
                    row.saving?.description ?? "", row.savingPercent?.cents ?? "",
                    row.breakEvenFeePerBillion?.description ?? "", currency,
                ]).joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func costs() -> String {
        let showsOther = ([own] + alternatives).contains { !$0.other.isZero }
        let heads =
            ["", "hours", "units", "data", "nodes", "fee"] + (showsOther ? ["other"] : [])
            + ["total", "saving", "%", "break-even fee", "hours bound by"]
        var table = TextTable(heads, amounts: Set(1..<heads.count - 1))
        for row in [own] + alternatives {
            let parts = [row.hours, row.units, row.data, row.nodes, row.fee] + (showsOther ? [row.other] : [])
            table.add(
                [row.key] + (parts + [row.total]).map(\.readable) + [
                    row.saving?.readableSigned ?? "", row.savingPercent?.signed ?? "",
                    row.breakEvenFeePerBillion?.readable ?? "", CostAnswer.text(row.bindingHours),
                ])
        }
        return table.text
    }

    /// One line a UTC day where hours have dates, else one for the listed hours. Idle hours are dots.
    private func strip() -> String {
        let letters = zip(bindingStrip, series.rows).map { letter, row in row.isIdle ? "." : String(letter) }
        guard hasDates else {
            let times = series.repeats
            return "  \(letters.joined())" + (times > 1 ? " × \(times)" : "") + "\n" + legend(letters)
        }
        let day: Int64 = 24 * Instant.hour
        var lines = "              0     6     12    18\n"
        var last: Int64?
        for (start, letter) in zip(starts, letters) {
            if start / day != last {
                lines += (last == nil ? "" : "\n") + "  \(Instant.text(start).prefix(10))  "
                lines += String(repeating: " ", count: Int(start % day / Instant.hour))
            }
            last = start / day
            lines += letter
        }
        return lines + "\n" + legend(letters)
    }

    private func legend(_ letters: [String]) -> String {
        let names = [
            ("n", "n new connections"), ("a", "a active connections"), ("b", "b bytes"), ("r", "r rules"),
            (".", ". idle: the hour costs and counts as new"),
        ]
        return "  " + names.filter { letters.contains($0.0) }.map(\.1).joined(separator: ", ") + "\n"
    }

    private func assumed() -> String {
        var table = TextTable(["", "", ""], header: false)
        for line in assumptionLines { table.add(["  " + line[0]] + line.dropFirst()) }
        return table.text
    }

    private func priced() -> String {
        var table = TextTable(["", "", ""], amounts: [1], header: false)
        for line in priceLines { table.add(["  " + line[0]] + line.dropFirst()) }
        var units = TextTable(["", "", ""], header: false)
        for line in capacityUnitLines { units.add(["  " + line[0]] + line.dropFirst()) }
        return table.text + units.text
    }
}
