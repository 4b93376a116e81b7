extension Comparison {
    /// The table for a person: totals with the saving's sign, what binds, where it turns, what was assumed.
    package func table() -> String {
        var text = "\(requests.decimal(places: 0)) requests in \(hours) hours, \(region), \(currency)\n\n"
        text += costs() + "\n"
        for row in [own] + alternatives {
            if let leftOut = row.leftOut { text += "\(row.key) leaves out: \(leftOut)\n" }
        }
        for (key, reason) in unavailable.sorted(by: { $0.key < $1.key }) { text += "\(key): \(reason)\n" }
        if let addresses {
            text += "public IPv4 is \(addresses.total.cents) on both sides of a load balancer and in no total\n"
        }
        for note in notes { text += "note: \(note)\n" }
        if !binding.isEmpty { text += "\nwhat binds the ALB, by hour (n new, a active, b bytes, r rules):\n" + strip() }
        text += "\nwhere it turns:\n" + sensitivity.map { "  \($0.statement)\n" }.joined()
        return text + "\nassumed:\n" + assumed()
    }

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
        var table = TextTable(
            [
                "", "hours", "units", "data", "nodes", "fee", "other", "total", "saving", "%",
                "break-even fee per billion", "binds",
            ],
            right: Set(1...10))
        for row in [own] + alternatives {
            table.add([
                row.key, row.hours.cents, row.units.cents, row.data.cents, row.nodes.cents, row.fee.cents,
                row.other.cents,
                row.total.cents, row.saving?.signed ?? "", row.savingPercent?.signed ?? "",
                row.breakEvenFeePerBillion?.cents ?? "", CostAnswer.text(row.bindingHours),
            ])
        }
        return table.text
    }

    /// One line a UTC day where hours have dates, else one for the listed hours.
    private func strip() -> String {
        let day: Int64 = 24 * Instant.hour
        guard hours == Int64(starts.count) else {
            return "  \(bindingStrip) × \(hours / Int64(max(starts.count, 1)))\n"
        }
        var lines = ""
        var last: Int64?
        for (start, dimension) in zip(starts, bindingStrip) {
            if start / day != last {
                lines += (last == nil ? "" : "\n") + "  \(Instant.text(start).prefix(10))  "
                lines += String(repeating: " ", count: Int(start % day / Instant.hour))
            }
            last = start / day
            lines.append(dimension)
        }
        return lines + "\n"
    }

    private func assumed() -> String {
        var table = TextTable(["", "", ""], right: [], header: false)
        for name in Assumptions.Name.allCases {
            table.add(["  " + name.rawValue, assumptions.text(name), assumptions.source(name)])
        }
        table.add(["  fee", gateway.fee?.cents ?? "none", gateway.feeSource])
        let sizing = gateway.sizing
        table.add([
            "  nodes",
            "\(sizing.vcpuPer1000Requests) vCPU per 1,000 requests/s at \(sizing.targetUtilisation) use, at least \(sizing.minimumVCPU), \(gateway.nodes.rawValue)",
            sizing.source,
        ])
        table.add(["  node_vcpu_hour", "\(nodePrice.amount) \(nodePrice.currency)", nodePrice.source])
        table.add(["  cluster share", gateway.clusterShare.decimal(), "configuration"])
        return table.text
    }
}
