import Billing
import Metering
import Pricing
import Reports

/// An explanation for a terminal: sentences, then the largest parts of each level.
struct ExplanationText {
    private static let shown = 8
    private let explanation: Explanation
    /// The readings of the largest quarter hour; empty where its tapes are no longer kept.
    var readings: [MeterReading] = []

    init(_ explanation: Explanation) {
        self.explanation = explanation
    }

    /// The largest quarter hour of the largest day, gateway and service.
    var largest: (service: String, gateway: String, quarterHour: QuarterHour)? {
        guard let service = Self.largest(explanation.parts), let gateway = Self.largest(service.parts),
            let day = Self.largest(gateway.parts), let quarterHour = Self.largest(day.parts),
            let start = Timestamp(quarterHour.name)
        else { return nil }
        return (service.name, gateway.name, QuarterHour(containing: start))
    }

    var text: String {
        let line = explanation.line
        var lines = [
            "Line \(line.number): \(line.name)\(line.tier.map { ", tier \($0)" } ?? ""), "
                + moneyText(line.amountMinor, explanation.currency)
        ]
        lines += explanation.arithmetic.map { "  \($0)" }
        guard !explanation.parts.isEmpty else { return lines.joined(separator: "\n") }
        var table = TextTable([.left, .right, .right])
        add(explanation.parts, depth: 1, to: &table)
        return (lines + ["", table.text] + steps).joined(separator: "\n")
    }

    /// All services and gateways, the days of each gateway's, and of the largest day its quarter hours.
    private func add(_ parts: [Explanation.Part], depth: Int, to table: inout TextTable) {
        let largest = Self.largest(parts)
        let order = parts.first?.kind == .day || parts.first?.kind == .quarterHour ? parts : Self.byAmount(parts)
        let visible = order.count > Self.shown ? Self.byAmount(parts).prefix(Self.shown) : order[...]
        for part in visible.sorted(by: { $0.name < $1.name }) {
            table.add(
                String(repeating: "  ", count: depth) + part.name, Digits.grouped(part.quantity),
                moneyText(part.amountMinor, explanation.currency))
            if part == largest { add(part.parts, depth: depth + 1, to: &table) }
        }
        let rest = parts.count - visible.count
        guard rest > 0 else { return }
        let hidden = Set(visible.map(\.name))
        let others = parts.filter { !hidden.contains($0.name) }
        table.add(
            String(repeating: "  ", count: depth) + "\(rest) more",
            Digits.grouped(others.reduce(0) { $0 + $1.quantity }),
            moneyText(others.reduce(0) { $0 + $1.amountMinor }, explanation.currency))
    }

    private var steps: [String] {
        guard let cell = largest else { return [] }
        guard !readings.isEmpty else {
            return [
                "", "The tapes of \(cell.quarterHour) are no longer kept; waybill invoice readings has the period's.",
            ]
        }
        var lines = ["", "The readings of \(cell.quarterHour) at \(cell.gateway):"]
        for reading in readings {
            for span in reading.spans {
                lines.append(
                    "  \(reading.instance), \(reading.counter): \(Digits.grouped(span.closing)) at \(span.closedAt) less "
                        + "\(Digits.grouped(span.opening)) at \(span.openedAt) = \(Digits.grouped(span.difference))")
            }
        }
        lines.append("  together \(Digits.grouped(readings.reduce(0) { $0 + $1.difference }))")
        return lines
    }

    private static func largest(_ parts: [Explanation.Part]) -> Explanation.Part? { byAmount(parts).first }

    private static func byAmount(_ parts: [Explanation.Part]) -> [Explanation.Part] {
        parts.sorted { ($1.quantity, $0.name) < ($0.quantity, $1.name) }
    }
}

/// A verification for a terminal.
enum VerificationText {
    static func text(_ verification: Verification) -> String {
        var table = TextTable([.left, .left, .left])
        for link in verification.links {
            for (index, finding) in link.findings.enumerated() {
                table.add(index == 0 ? link.name : "", index == 0 ? link.state.rawValue : "", finding)
            }
        }
        return "\(verification.number): \(verification.isBroken ? "BROKEN" : "holds")\n\(table.text)"
    }
}
