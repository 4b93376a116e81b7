import Metering
import Pricing

/// An invoice's line from its amount down to quarter hours, with the arithmetic in words.
package struct Explanation: Hashable, Sendable, Encodable {
    /// A part of a line. Σ parts = whole, in money and in quantity, at every level.
    package struct Part: Hashable, Sendable, Encodable {
        package enum Kind: String, Hashable, Sendable, Encodable {
            case service, gateway, day
            case quarterHour = "quarter_hour"
        }

        package var kind: Kind
        package var name: String
        package var quantity: Int64
        package var amountMinor: Int128
        package var parts: [Part]

        private enum CodingKeys: String, CodingKey {
            case kind, name, quantity, parts
            case amountMinor = "amount_minor"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(kind, forKey: .kind)
            try container.encode(name, forKey: .name)
            try container.encode(quantity, forKey: .quantity)
            try container.encode(minorUnits: amountMinor, forKey: .amountMinor)
            if !parts.isEmpty { try container.encode(parts, forKey: .parts) }
        }
    }

    package var line: InvoiceLine
    package var currency: String
    /// Sentences: how the amount came about.
    package var arithmetic: [String]
    /// By service; empty where the line is not usage.
    package var parts: [Part]

    /// Explains a line of an invoice by its frozen inputs.
    package init(_ line: InvoiceLine, of document: InvoiceDocument, _ inputs: InvoiceInputs) throws(BillingError) {
        self.line = line
        currency = document.currency
        do {
            arithmetic = try Arithmetic(document, inputs).sentences(line)
            parts = try Breakdown(inputs).parts(of: line)
        } catch {
            throw BillingError(.invalid, error.message)
        }
    }
}

/// Splits a line by largest remainder: over services, each of them over gateways, days and quarter hours.
private struct Breakdown {
    /// One quarter hour of one service at one gateway.
    private struct Cell {
        var names: [String]
        var quantity: Int64
    }

    private static let kinds: [Explanation.Part.Kind] = [.service, .gateway, .day, .quarterHour]
    private let inputs: InvoiceInputs

    init(_ inputs: InvoiceInputs) {
        self.inputs = inputs
    }

    func parts(of line: InvoiceLine) throws(PricingError) -> [Explanation.Part] {
        guard line.kind == .usage, let dimension = line.dimension, let quantity = line.quantity else { return [] }
        let days = try LocalDays.of(inputs.period)
        var cells: [Cell] = []
        for block in inputs.usage {
            for (quarterHour, amount) in zip(block.quarterHours, block.quantities[dimension] ?? []) where amount > 0 {
                let day = days.index(of: quarterHour).map { days.dates[$0] } ?? ""
                cells.append(
                    Cell(
                        names: [block.service, block.gateway, day, QuarterHour(number: quarterHour).description],
                        quantity: amount))
            }
        }
        // The line rates a part of all units (a tier, or what is above the included ones): each cell has its share.
        return try split(cells, level: 0, quantity: Int128(quantity), amount: line.amountMinor)
    }

    private func split(
        _ cells: [Cell], level: Int, quantity: Int128, amount: Int128
    ) throws(PricingError) -> [Explanation.Part] {
        guard level < Self.kinds.count, !cells.isEmpty else { return [] }
        let groups = Dictionary(grouping: cells) { $0.names[level] }
        let names = groups.keys.sorted()
        var weights: [(key: String, weight: Int128)] = []
        for name in names {
            weights.append((name, (groups[name] ?? []).reduce(0 as Int128) { $0 + Int128($1.quantity) }))
        }
        let quantities = try Allocation.shares(of: quantity, by: weights)
        let amounts = try Allocation.shares(of: amount, by: weights)
        var parts: [Explanation.Part] = []
        for (index, name) in names.enumerated() {
            parts.append(
                Explanation.Part(
                    kind: Self.kinds[level], name: name, quantity: Int64(clamping: quantities[index]),
                    amountMinor: amounts[index],
                    parts: try split(
                        groups[name] ?? [], level: level + 1, quantity: quantities[index], amount: amounts[index])))
        }
        return parts
    }
}
