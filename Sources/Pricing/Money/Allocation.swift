/// Splits of a whole into parts that sum to it exactly.
package enum Allocation {
    /// Shares of `whole` in proportion to the weights, by largest remainder; ties go to the smaller key.
    ///
    /// Σ shares = whole, always, for a negative whole too. Weights are not negative; when all are zero the parts are
    /// equal. No weights and a whole other than zero is an error.
    package static func shares<Key: Comparable>(
        of whole: Int128, by weights: [(key: Key, weight: Int128)]
    ) throws(PricingError) -> [Int128] {
        for entry in weights where entry.weight < 0 {
            throw PricingError(.invalidQuantity, "the part \(entry.key) weighs \(entry.weight); weights are 0 or more")
        }
        guard !weights.isEmpty else {
            guard whole == 0 else { throw PricingError(.invalidQuantity, "there is no part to allocate \(whole) to") }
            return []
        }
        var sum = try weights.lazy.map(\.weight).total()
        var parts = weights.map(\.weight)
        if sum == 0 {
            parts = parts.map { _ in 1 }
            sum = Int128(parts.count)
        }
        var shares: [UInt128] = []
        var remainders: [UInt128] = []
        for part in parts {
            let exact = try ExactQuotient(whole.magnitude, times: part.magnitude, over: sum)
            shares.append(exact.whole)
            remainders.append(exact.remainder)
        }
        // The floors leave fewer units than there are parts with a remainder.
        let missing = Int(whole.magnitude - shares.reduce(0, +))
        let order = parts.indices.sorted {
            (remainders[$1], weights[$0].key, $0) < (remainders[$0], weights[$1].key, $1)
        }
        for index in order.prefix(missing) { shares[index] += 1 }
        // A share's magnitude is at most the whole's, so its bits fit with the whole's sign.
        return shares.map { whole < 0 ? 0 &- Int128(truncatingIfNeeded: $0) : Int128(truncatingIfNeeded: $0) }
    }
}

extension Money {
    /// Shares of this amount by largest remainder; see ``Allocation/shares(of:by:)``.
    package func allocated<Key: Comparable>(
        by weights: [(key: Key, weight: Int64)]
    ) throws(PricingError) -> [Money] {
        try Allocation.shares(of: minorUnits, by: weights.map { (key: $0.key, weight: Int128($0.weight)) })
            .map { Money(minorUnits: $0, currency: currency) }
    }
}
