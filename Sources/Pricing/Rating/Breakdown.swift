/// How a line falls on the services, gateways or whatever else its quantity was counted by.
///
/// Σ parts = line, always, for units and for money alike.
package struct Breakdown: Hashable, Sendable {
    /// The index of the line in `Rating.lines`.
    package let line: Int
    /// In the order of the quantities that were given.
    package let parts: [Part]

    /// What falls on one of them.
    package struct Part: Hashable, Sendable {
        /// The service, the gateway.
        package let key: String
        /// Its units of the line; nil where the line has none.
        package let quantity: Int64?
        /// Its money of the line.
        package let amount: Money
    }
}

extension Rating {
    /// Breaks every line of a dimension down by what was counted, and a ceiling or discount by the lines that it lowers.
    ///
    /// Shares are by largest remainder, ties by key. A line that nothing was counted for (a fee, a true-up) has no
    /// breakdown; so has the part of a discount that falls on one: such a discount is left whole.
    ///
    /// - Parameter quantities: for each dimension the units by key, each 0 or more; their sum is what was rated (with
    ///   the included units), and every key that is there once.
    package func breakdown(
        by quantities: [String: [(key: String, quantity: Int64)]]
    ) throws(PricingError) -> [Breakdown] {
        var parts: [Int: [Breakdown.Part]] = [:]
        for (index, line) in lines.enumerated() {
            if let dimension = line.dimension, let counted = quantities[dimension], !counted.isEmpty {
                parts[index] = try line.parts(counted)
            } else if !line.shares.isEmpty {
                parts[index] = try shared(line, parts)
            }
        }
        return lines.indices.compactMap { index in parts[index].map { Breakdown(line: index, parts: $0) } }
    }

    /// A ceiling or discount: each share as the line it falls on. Nil where one of those has no parts.
    private func shared(_ line: Line, _ parts: [Int: [Breakdown.Part]]) throws(PricingError) -> [Breakdown.Part]? {
        var keys: [String] = []
        var sums: [String: Int128] = [:]
        for share in line.shares {
            guard let lowered = parts[share.line] else { return nil }
            let amounts = try Allocation.shares(
                of: share.amount.minorUnits, by: lowered.map { (key: $0.key, weight: $0.amount.minorUnits) })
            for (part, amount) in zip(lowered, amounts) {
                if sums[part.key] == nil { keys.append(part.key) }
                sums[part.key, default: 0] += amount
            }
        }
        return keys.map { key in
            Breakdown.Part(
                key: key, quantity: nil, amount: Money(minorUnits: sums[key] ?? 0, currency: line.amount.currency))
        }
    }
}

extension Rating.Line {
    fileprivate func parts(_ counted: [(key: String, quantity: Int64)]) throws(PricingError) -> [Breakdown.Part] {
        let weights = counted.map { (key: $0.key, weight: Int128($0.quantity)) }
        let units = try Allocation.shares(of: Int128(quantity ?? 0), by: weights)
        let amounts = try Allocation.shares(of: amount.minorUnits, by: weights)
        return zip(counted, zip(units, amounts)).map { entry, shares in
            Breakdown.Part(
                key: entry.key, quantity: Int64(clamping: shares.0),
                amount: Money(minorUnits: shares.1, currency: amount.currency))
        }
    }
}
