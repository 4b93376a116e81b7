extension Comparison {
    /// What an hour binds, for a strip of the month.
    package struct Hour: Sendable {
        /// Microseconds since 1970 UTC; nil where the hours have no dates.
        package let start: Int64?
        /// Nil for an idle hour, which costs and counts as `new`.
        package let binding: CapacityDimension?
        package let requests: Fraction
    }

    /// The listed hours with what binds the Application Load Balancer; empty where it is not compared.
    package var stripHours: [Hour] {
        get throws {
            try zip(binding, zip(starts, series.rows)).map { binding, hour in
                let (start, row) = hour
                return Hour(
                    start: hasDates ? start : nil, binding: row.isIdle ? nil : binding,
                    requests: try Fraction(row.requests, over: series.countScale))
            }
        }
    }

    /// A table of assumptions: name, value, where it came from.
    package var assumptionLines: [[String]] {
        var lines = [["region", region, regionSource]]
        for name in Assumptions.Name.allCases {
            lines.append([name.rawValue, assumptions.text(name), assumptions.source(name)])
        }
        let sizing = gateway.sizing
        return lines + [
            ["fee", gateway.fee.map { "\($0.readable) \(currency)" } ?? "none", gateway.feeSource],
            ["vcpu_per_1000", "\(sizing.vcpuPer1000Requests) per 1,000 requests/s", sizing.source],
            ["vcpu_use", "\(sizing.targetUtilisation)", "the share of a vCPU that is meant to be used"],
            ["vcpu_minimum", "\(sizing.minimumVCPU)", "what runs whatever the traffic"],
            [
                "nodes", gateway.nodes.rawValue,
                gateway.nodes == .hourly ? "they follow each hour's traffic" : "they stand for the busiest hour",
            ],
            ["cluster_share", gateway.clusterShare.decimal(), "of the cluster's own fee"],
            ["operations", "\(gateway.operations.readable) \(currency)", "what people do in the period"],
        ]
    }

    /// A table of prices: item, amount, currency and source; then what capacity units contain.
    package var priceLines: [[String]] {
        func line(_ name: String, _ price: ListPrice) -> [String] {
            let origin = PriceOrigin(source: price.source, date: price.date, inferred: price.inferred)
            return [name, "\(price.amount)", "\(price.currency)  \(origin.text)"]
        }
        var lines = prices.sorted { $0.key.rawValue < $1.key.rawValue }.map { line($0.key.rawValue, $0.value) }
        lines.append(line(PriceItem.nodeVCPUHour.rawValue, nodePrice))
        for (key, gateway) in gateways.sorted(by: { $0.key < $1.key }) {
            lines.append([key, "by tier", "\(gateway.currency)  \(gateway.origin.text)"])
        }
        return lines
    }
}
