extension CostAnswer {
    private struct Line {
        let name: String
        let hours: String
        let units: String
        let total: Fraction
        let currency: String
        let binding: String
    }

    private var lines: [Line] {
        var lines: [Line] = []
        if let alb {
            lines.append(
                Line(
                    name: "alb", hours: "\(alb.hours)", units: "\(alb.use.unitHours) LCU", total: alb.total,
                    currency: alb.currency, binding: Self.text(alb.use.bindingHours)))
        }
        if let nlb {
            lines.append(
                Line(
                    name: "nlb", hours: "\(nlb.hours)", units: "\(nlb.unitHours) NLCU", total: nlb.total,
                    currency: nlb.currency, binding: nlb.use.first.map { Self.text($0.use.bindingHours) } ?? ""))
        }
        if let clb {
            lines.append(
                Line(
                    name: "clb", hours: "\(clb.hours)", units: "\(clb.gigabytes) GB", total: clb.total,
                    currency: clb.currency, binding: ""))
        }
        return lines
    }

    /// `bytes 700, rules 20`, in the order of the dimensions.
    static func text(_ hours: [CapacityDimension: Int64]) -> String {
        CapacityDimension.allCases.compactMap { dimension in
            hours[dimension].map { "\(dimension.rawValue) \($0)" }
        }.joined(separator: ", ")
    }

    /// The table of `waybill lb-cost`, with everything that was assumed.
    package func table() -> String {
        var table = TextTable(["", "hours", "units", "total", "", "hours bound by"], right: [1, 2], amounts: [3])
        for line in lines {
            table.add([line.name, line.hours, line.units, line.total.readable, line.currency, line.binding])
        }
        var text = "Load balancers in \(region)\n\n\(table.text)"
        if let interZone {
            text += "\nbeside: data between zones \(interZone.total.readable) \(interZone.currency) behind an NLB"
            text += " (\(interZone.crossingGigabytes.decimal(places: 2)) GB cross)\n"
        }
        if let addresses {
            text += "beside: public IPv4 \(addresses.total.readable) \(addresses.currency)"
            text += " (\(addresses.addresses) addresses, the same for every load balancer)\n"
        }
        for (name, reason) in unavailable.sorted(by: { $0.key < $1.key }) { text += "\n\(name): \(reason)\n" }
        for note in notes { text += "note: \(note)\n" }
        text += "\nassumed:\n"
        var assumed = TextTable(["", "", ""], header: false)
        assumed.add(["  region", region, regionSource])
        for name in Assumptions.Name.allCases {
            assumed.add(["  " + name.rawValue, assumptions.text(name), assumptions.source(name)])
        }
        text += assumed.text + "\nprices:\n"
        var priced = TextTable(["", "", ""], amounts: [1], header: false)
        for (item, price) in prices.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let origin = "\(price.source), \(price.date)" + (price.inferred ? ", inferred" : "")
            priced.add(["  " + item.rawValue, "\(price.amount)", "\(price.currency)  \(origin)"])
        }
        var units = TextTable(["", "", ""], header: false)
        for line in capacityUnits.lines(["alb", "nlb"], assumptions) { units.add(["  " + line[0]] + line.dropFirst()) }
        return text + priced.text + units.text
    }

    /// One line a load balancer, `load_balancer,hours,units,total,total_rounded,currency`.
    package func csv() -> String {
        var rows = ["load_balancer,region,hours,units,total,total_rounded,currency"]
        if let alb {
            rows.append(
                "alb,\(region),\(alb.hours),\(alb.use.unitHours),\(alb.total),\(alb.total.cents),\(alb.currency)")
        }
        if let nlb {
            rows.append("nlb,\(region),\(nlb.hours),\(nlb.unitHours),\(nlb.total),\(nlb.total.cents),\(nlb.currency)")
        }
        if let clb {
            rows.append("clb,\(region),\(clb.hours),\(clb.gigabytes),\(clb.total),\(clb.total.cents),\(clb.currency)")
        }
        return rows.joined(separator: "\n") + "\n"
    }
}
