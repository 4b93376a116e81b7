import LoadBalancerCosts
import Metering
import Pricing

/// What a savings report says in words, on paper and on a terminal alike. All of it is in the report's language.
struct SavingsWords {
    let report: SavingsReport
    let language: ReportLanguage

    private var comparison: Comparison { report.comparison }

    func money(_ amount: Fraction) -> String { language.money(amount.readable, comparison.currency) }

    /// The first sentence; right whatever the saving's sign.
    var headline: String {
        let own = money(comparison.own.total)
        guard let other = report.main, let saving = other.saving else {
            return language.sentence(.savingsNothing, ["own": own, "region": comparison.region])
        }
        let label: ReportLabel =
            saving.isZero ? .savingsEqual : saving.isNegative ? .savingsCost : .savingsSaved
        return language.sentence(
            label,
            [
                "amount": money(saving.isNegative ? -saving : saving), "name": name(of: other), "own": own,
                "other": money(other.total),
                "percent": language.percent(other.savingPercent?.readable ?? "0"),
            ])
    }

    /// How many alternatives would have cost less; nil where there is one at most.
    var rank: String? {
        let all = comparison.alternatives.count
        guard all > 1 else { return nil }
        guard let cheapest = report.cheaper.first else {
            return language.sentence(.savingsNoneCheaper, ["all": "\(all)"])
        }
        return language.sentence(
            .savingsCheaper,
            [
                "count": "\(report.cheaper.count)", "all": "\(all)", "name": name(of: cheapest),
                "amount": money(cheapest.total),
            ])
    }

    var beforeFee: String? { comparison.gateway.fee == nil ? language[.savingsBeforeFee] : nil }

    /// Term and value.
    var facts: [(term: String, value: String)] {
        let totals = comparison.series.totals
        func mean(_ sum: Fraction, _ count: Fraction) -> String? {
            guard !count.isZero, let mean = try? sum / count else { return nil }
            return language.decimal(mean.readable)
        }
        let rows: [(ReportLabel, String?)] = [
            (.requests, language.decimal(Counted.grouped(totals.requests.decimal(places: 0)))),
            (.savingsHoursCount, language.count(comparison.hours)),
            (.savingsBytesPerRequest, mean(totals.allBytes, totals.requests)),
            (.savingsRequestsPerConnection, mean(totals.requests, totals.newConnections)),
            (.savingsRegion, comparison.region),
        ]
        return rows.compactMap { label, value in value.map { (language[label], $0) } }
    }

    func name(of row: Comparison.Row) -> String {
        row.key == comparison.own.key ? language[.savingsOwn] : language.phrase(row.name)
    }

    /// A name without what stands behind a comma or a colon, for charts; whole where two would be called the same.
    func shortName(of row: Comparison.Row) -> String {
        let short = Self.short(name(of: row))
        let others = comparison.alternatives.filter { $0.key != row.key }
        return others.contains { Self.short(name(of: $0)) == short } ? name(of: row) : short
    }

    private static func short(_ name: String) -> String { String(name.prefix { $0 != "," && $0 != ":" }) }

    var turns: [String] { comparison.sensitivity.map { language.phrase($0.statement) } }

    var notes: [String] {
        var notes = ([comparison.own] + comparison.alternatives).compactMap { row in
            row.leftOut.map {
                language.sentence(.savingsLeftOut, ["name": name(of: row), "what": language.phrase($0)])
            }
        }
        for (key, reason) in comparison.unavailable.sorted(by: { $0.key < $1.key }) {
            notes.append(
                language.sentence(.savingsUnavailable, ["name": key, "reason": language.phrase(reason)]))
        }
        if let addresses = comparison.addresses {
            notes.append(language.sentence(.savingsAddresses, ["amount": money(addresses.total)]))
        }
        return notes + comparison.notes.map(language.phrase)
    }

    // MARK: What it rests on

    /// Name, value and source of each.
    typealias Basis = (name: String, value: String, source: String)

    var assumptions: [Basis] {
        comparison.assumptionLines.map { ($0[0], language.phrase($0[1]), language.phrase($0[2])) }
    }

    /// Prices by item, then gateways that are priced by tiers, then what a capacity unit holds.
    var prices: [Basis] {
        func line(_ name: String, _ price: ListPrice) -> Basis {
            let origin = PriceOrigin(source: price.source, date: price.date, inferred: price.inferred)
            return (name, language.money("\(price.amount)", price.currency), text(of: origin))
        }
        var lines = comparison.prices.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            line($0.key.rawValue, $0.value)
        }
        lines.append(line(PriceItem.nodeVCPUHour.rawValue, comparison.nodePrice))
        for (key, gateway) in comparison.gateways.sorted(by: { $0.key < $1.key }) {
            lines.append((key, "\(gateway.currency), \(language[.savingsByTier])", text(of: gateway.origin)))
        }
        for unit in comparison.capacityUnitLines {
            let key = String(unit[0].prefix { $0 != " " })
            let source = comparison.capacityUnitOrigins[key].map(text) ?? language.phrase(unit[2])
            lines.append(
                (
                    language.sentence(.savingsUnitOf, ["name": key.uppercased()]), language.phrase(unit[1]), source
                ))
        }
        return lines
    }

    private func text(of origin: PriceOrigin) -> String {
        language.phrase(origin.source) + (origin.date.isEmpty ? "" : ", \(origin.date)")
            + (origin.inferred ? ", \(language[.savingsInferred])" : "")
    }

    // MARK: What binds

    /// A stretch of hours of one UTC day: what binds the ALB in each hour; nil for an hour that is not compared.
    typealias Day = (label: String, hours: [Comparison.Hour?])

    /// A row a UTC day; empty where no ALB is compared or the hours have no dates.
    var days: [Day] {
        guard let hours = try? comparison.stripHours, hours.first?.start != nil else { return [] }
        var days: [Day] = []
        for hour in hours {
            guard let start = hour.start else { continue }
            let label = String(Timestamp(microseconds: start).description.prefix(10))
            if days.last?.label != label { days.append((label, Array(repeating: nil, count: 24))) }
            days[days.count - 1].hours[Int(start % 86_400_000_000 / 3_600_000_000)] = hour
        }
        return days
    }

    /// In how many hours each dimension binds, those that never do left out; nil is idle.
    var binding: [(dimension: CapacityDimension?, hours: Int)] {
        let hours = days.flatMap { $0.hours.compactMap(\.self) }
        return (CapacityDimension.allCases.map(Optional.some) + [nil])
            .map { kind in (kind, hours.count { $0.binding == kind }) }.filter { $0.hours > 0 }
    }

    func name(of dimension: CapacityDimension?) -> String {
        switch dimension {
        case .new: language[.savingsBindNew]
        case .active: language[.savingsBindActive]
        case .bytes: language[.savingsBindBytes]
        case .rules: language[.savingsBindRules]
        case nil: language[.savingsBindIdle]
        }
    }

    var bindingText: String {
        language.sentence(
            .savingsBindingText,
            ["hours": binding.map { "\(name(of: $0.dimension)) \(language.count($0.hours))" }.joined(separator: ", ")])
    }

    func kilobytes(_ bytes: Fraction) -> String {
        language.decimal(((try? bytes / 1_000) ?? bytes).decimal(places: 1))
    }
}
