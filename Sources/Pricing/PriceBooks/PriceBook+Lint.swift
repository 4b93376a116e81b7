import StrictYAML

extension PriceBook {
    /// Everything to say about a file: its defects (overlaps, gaps, tiers never reached) and, if it can be read, what
    /// ``lint(metered:)`` finds. Never throws: a file that is no price book is one `malformed` finding.
    package static func lint(yaml: String, file: String, metered: Set<String>? = nil) -> [Finding] {
        var reader = PriceBookReader()
        do throws(YAMLFieldError) {
            let book = try reader.book(try YAMLField.root(yaml: yaml, file: file))
            let defects = reader.defects.map { Finding(kind: $0.kind, isDefect: true, message: $0.error.description) }
            return defects + (defects.isEmpty ? book.lint(metered: metered) : [])
        } catch {
            let defects = reader.defects.map { Finding(kind: $0.kind, isDefect: true, message: $0.error.description) }
            return defects + [Finding(kind: .malformed, isDefect: true, message: error.description)]
        }
    }

    /// What is legal in the book and may still surprise: dimensions charged twice, those that nothing counts, and every
    /// cliff.
    ///
    /// - Parameter metered: the dimensions that are counted; nil where that is not known.
    package func lint(metered: Set<String>? = nil) -> [Finding] { versions.flatMap { $0.lint(metered: metered) } }
}

extension PriceBook.Version {
    fileprivate func lint(metered: Set<String>?) -> [Finding] {
        var findings: [Finding] = []
        for (index, charge) in charges.enumerated() {
            let place = "version \(effective), \(charge.name): "
            if let first = charges[..<index].first(where: { $0.dimension == charge.dimension }) {
                findings.append(
                    Finding(
                        kind: .overlap, isDefect: false,
                        message: place + "\(charge.dimension) are charged by \"\(first.name)\" as well; both are due"))
            }
            if let metered, !metered.contains(charge.dimension) {
                findings.append(
                    Finding(
                        kind: .unreachable, isDefect: false,
                        message: place
                            + "\"\(charge.dimension)\" is not metered, so nothing is due unless it is given by "
                            + "hand; metered are: \(metered.sorted().joined(separator: ", "))"))
            }
            findings += charge.cliffs(currency: currency, rounding: rounding).map {
                Finding(kind: .cliff, isDefect: false, message: place + $0.text(unit: charge.dimension))
            }
        }
        return findings
    }
}

/// A quantity at which one more unit moves a charge by more than the price of a unit.
struct Cliff {
    /// The first quantity after the step.
    let quantity: Int64
    let before: Money
    let after: Money
    /// Whether the step comes again every so many units.
    let period: Int64?

    func text(unit: String) -> String {
        let verb = after.minorUnits < before.minorUnits ? "falls" : "rises"
        let noun = quantity == 1 && unit.hasSuffix("s") ? String(unit.dropLast()) : unit
        let again = period.map { ", and so at every further \(Digits.grouped($0))" } ?? ""
        return
            "at \(Digits.grouped(quantity)) \(noun) the bill \(verb) from \(before.grouped) to \(after.grouped)\(again)"
    }
}

extension Charge {
    /// The cliffs, ascending. Steps that do not change the rounded amount are none.
    func cliffs(currency: Currency, rounding: RoundingMode) -> [Cliff] {
        steps.compactMap { bound, isPeriodic in
            let (last, overflow) = includedUnits.addingReportingOverflow(bound)
            guard !overflow, last < Int64.max, let before = try? amount(of: last, currency, rounding),
                let after = try? amount(of: last + 1, currency, rounding), before != after
            else { return nil }
            return Cliff(quantity: last + 1, before: before, after: after, period: isPeriodic ? perUnits : nil)
        }
    }

    /// Rated units after which the exact amount jumps.
    private var steps: [(bound: Int64, isPeriodic: Bool)] {
        switch model {
        case .perUnit, .package(_, partial: .prorated): return []
        case .package(_, partial: .full):
            // A block of one unit is a price per unit.
            return perUnits == 1 ? [] : [(0, false), (perUnits, true)]
        case .graduated(let tiers):
            let bounds = [0] + tiers.compactMap(\.upTo)
            return zip(bounds, tiers).filter { $1.flat > 0 }.map { ($0.0, false) }
        case .volume(let tiers):
            var steps: [(Int64, Bool)] = tiers.first.map { $0.flat > 0 ? [(0, false)] : [] } ?? []
            for (tier, next) in zip(tiers, tiers.dropFirst()) {
                guard let bound = tier.upTo else { continue }
                if tier.amount != next.amount || tier.flat != next.flat { steps.append((bound, false)) }
            }
            return steps
        }
    }

    private func amount(of quantity: Int64, _ currency: Currency, _ rounding: RoundingMode) throws(PricingError)
        -> Money
    {
        let lines = try lines(consumed: quantity, currency: currency, rounding: rounding)
        return Money(minorUnits: try lines.lazy.map(\.amount.minorUnits).total(), currency: currency)
    }
}
