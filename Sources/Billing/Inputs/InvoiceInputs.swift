import Pricing

/// All that an invoice is computed from, frozen as copies: nothing else goes into it.
package struct InvoiceInputs: Hashable, Sendable {
    package var terms: ContractTerms
    package var period: InvoicePeriod
    package var price: FrozenPrice
    package var usage: [UsageBlock]
    package var readings: [MeterReading]
    package var coverage: InvoiceCoverage
    /// Late usage of earlier periods that is billed here.
    package var adjustments: [Adjustment]
    /// The prepaid credits that the invoice may draw on, with what is left of each.
    package var credits: [InvoiceCredit]

    package init(
        terms: ContractTerms, period: InvoicePeriod, price: FrozenPrice, usage: [UsageBlock],
        readings: [MeterReading] = [], coverage: InvoiceCoverage = InvoiceCoverage(), adjustments: [Adjustment] = [],
        credits: [InvoiceCredit] = []
    ) {
        self.terms = terms
        self.period = period
        self.price = price
        self.usage = usage
        self.readings = readings
        self.coverage = coverage
        self.adjustments = adjustments
        self.credits = credits
    }

    /// Σ of each dimension over the blocks.
    package func quantities() throws(BillingError) -> [String: Int64] {
        var sums: [String: Int64] = [:]
        for block in usage {
            for dimension in block.quantities.keys {
                sums[dimension] = try UsageBlock.add(sums[dimension] ?? 0, try block.total(dimension), dimension)
            }
        }
        return sums
    }
}

/// The parts in which inputs are stored and digested, so that a changed one can be named.
package enum InputPart: String, Hashable, Sendable, CaseIterable {
    case terms, price, usage, readings, coverage, adjustments, credits
}

extension InvoiceInputs {
    private struct Terms: Codable {
        var contract: ContractTerms
        var period: InvoicePeriod
    }

    /// The text of each part that is not empty, in the order of ``InputPart``.
    package func parts() throws(BillingError) -> [(part: InputPart, text: String)] {
        var parts: [(part: InputPart, text: String)] = [
            (.terms, try CanonicalCoding.text(Terms(contract: terms, period: period))), (.price, price.canonical),
        ]
        if !usage.isEmpty { parts.append((.usage, try CanonicalCoding.text(usage))) }
        if !readings.isEmpty { parts.append((.readings, try CanonicalCoding.text(readings))) }
        parts.append((.coverage, try CanonicalCoding.text(coverage)))
        if !adjustments.isEmpty { parts.append((.adjustments, try CanonicalCoding.text(adjustments))) }
        if !credits.isEmpty { parts.append((.credits, try CanonicalCoding.text(credits))) }
        return parts
    }

    /// Reads stored parts. `price` is parsed by the caller, which may have met the same text before.
    package init(
        parts: [InputPart: String], price: (String) throws(BillingError) -> FrozenPrice
    ) throws(BillingError) {
        guard let terms = parts[.terms], let priceText = parts[.price], let coverage = parts[.coverage] else {
            throw BillingError(.corrupt, "an invoice lacks its inputs terms, price or coverage")
        }
        let frozen: Terms = try CanonicalCoding.value(from: terms, "input terms")
        self.terms = frozen.contract
        period = frozen.period
        self.price = try price(priceText)
        self.coverage = try CanonicalCoding.value(from: coverage, "input coverage")
        usage = try Self.list(parts, .usage)
        readings = try Self.list(parts, .readings)
        adjustments = try Self.list(parts, .adjustments)
        credits = try Self.list(parts, .credits)
    }

    private static func list<Element: Decodable>(
        _ parts: [InputPart: String], _ part: InputPart
    ) throws(BillingError) -> [Element] {
        guard let text = parts[part] else { return [] }
        return try CanonicalCoding.value(from: text, "input \(part.rawValue)")
    }

    /// The digest of each part.
    package static func digests(_ parts: [(part: InputPart, text: String)]) -> [InputDigest] {
        parts.map { InputDigest(part: $0.part.rawValue, digest: Digest.hex($0.text)) }
    }

    /// The digest over all parts: SHA-256 of a line `part digest` each.
    package static func digest(of digests: [InputDigest]) -> String {
        Digest.hex(digests.map { "\($0.part) \($0.digest)\n" }.joined())
    }
}
