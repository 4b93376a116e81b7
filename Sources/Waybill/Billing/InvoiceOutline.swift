import Billing
import Pricing
import Reports

/// An invoice in outline, for a terminal: what a person wants to see right after a command.
struct InvoiceOutline {
    private let invoice: Invoice

    init(_ invoice: Invoice) {
        self.invoice = invoice
    }

    var text: String {
        var parts = [head, lines.text]
        parts.append(coverage)
        if invoice.document.readings.readingCount > 0 { parts.append(readings) }
        if let seal = invoice.seal {
            parts.append(
                "Inputs SHA-256 \(invoice.document.inputsDigest)\nChain entry \(seal.position), hash \(seal.hash)\n"
                    + "Check it: waybill invoice verify \(invoice.document.number ?? "")")
        }
        return parts.joined(separator: "\n\n")
    }

    private var head: String {
        let document = invoice.document
        let title =
            switch invoice.status {
            case .preview: "Invoice preview"
            case .draft: "Draft \(document.id ?? "")"
            case .finalized: "Invoice \(document.number ?? "")"
            case .void: "VOID invoice \(document.number ?? "")"
            }
        var lines = [
            "\(title) for \(document.tenant), \(document.period.month) (\(document.period.zone))",
            "\(document.seller.name) to \(document.buyer.name)",
            "\(document.period.localStart) to \(document.period.localEnd), "
                + "\(document.period.start) to \(document.period.end) (\(document.period.hours) h)",
            "price book \(document.price.book) of \(document.price.version), rounded \(document.price.rounding) once a line",
        ]
        for event in invoice.events {
            lines.append("\(event.kind.rawValue) \(event.at) by \(event.by): \(event.reason)")
        }
        return lines.joined(separator: "\n")
    }

    private var lines: TextTable {
        var table = TextTable([.right, .left, .right, .left, .right])
        table.add("", "", "quantity", "price", "amount")
        table.addRule()
        for line in invoice.document.lines {
            table.add(
                String(line.number), line.name + (line.tier.map { ", tier \($0)" } ?? ""),
                line.quantity.map { Digits.grouped($0) } ?? "", line.price ?? "", amount(line.amountMinor))
        }
        table.addRule()
        table.add("", "Subtotal", "", "", amount(invoice.document.subtotalMinor))
        for tax in invoice.document.taxes {
            table.add("", "\(tax.name) \(tax.percent) %", "", "", amount(tax.amountMinor))
        }
        table.add("", "Total", "", "", moneyText(invoice.document.totalMinor, invoice.document.currency))
        for credit in invoice.document.credits { table.add("", credit.name, "", "", amount(-credit.amountMinor)) }
        if !invoice.document.credits.isEmpty {
            table.add("", "To pay", "", "", moneyText(invoice.document.payableMinor, invoice.document.currency))
        }
        return table
    }

    private var coverage: String {
        let coverage = invoice.document.coverage
        var lines = [
            "Coverage \(coverage.percent) % of the instances' time"
                + (coverage.watermark.map { ", reported up to \($0)" } ?? "") + "."
                + (coverage.isIncomplete ? " Grace ran out before all gateways had reported." : "")
        ]
        for gap in coverage.gaps.prefix(10) {
            let upper = gap.upper.map { " to \(Digits.grouped($0))" } ?? " or more"
            lines.append(
                "  \(gap.instance), \(gap.from) – \(gap.to): \(gap.reason.replacing("_", with: " ")), "
                    + "\(Digits.grouped(gap.lower))\(upper) requests")
        }
        if coverage.gaps.count > 10 { lines.append("  and \(coverage.gaps.count - 10) more gaps") }
        for crossing in coverage.crossings {
            lines.append(
                crossing.edge == .start
                    ? "  \(Digits.grouped(crossing.requests)) requests of \(crossing.service) were read in this period and "
                        + "may have begun before it (since \(crossing.since))"
                    : "  \(Digits.grouped(crossing.requests)) requests of \(crossing.service) were read after this period "
                        + "and may have begun in it (since \(crossing.since)); they are billed there")
        }
        return lines.joined(separator: "\n")
    }

    private var readings: String {
        let annex = invoice.document.readings
        var table = TextTable([.left, .right, .right, .right])
        table.add("Meter readings", "previous", "current", "difference")
        table.addRule()
        for row in annex.gateways {
            table.add(
                row.gateway, Digits.grouped(row.opening), Digits.grouped(row.closing), Digits.grouped(row.difference))
        }
        for row in annex.instances {
            table.add(
                "  \(row.instance ?? "")" + (row.resets > 0 ? " (\(row.resets) resets)" : ""),
                Digits.grouped(row.opening), Digits.grouped(row.closing), Digits.grouped(row.difference))
        }
        table.addRule()
        if annex.corrections != 0 { table.add("corrections", "", "", Digits.grouped(annex.corrections)) }
        table.add("billed", "", "", Digits.grouped(annex.difference + annex.corrections))
        return table.text + "\n\(annex.readingCount) readings in all, SHA-256 \(annex.csvDigest)"
    }

    private func amount(_ minorUnits: Int128) -> String {
        guard let currency = try? Currency(invoice.document.currency) else { return "\(minorUnits)" }
        return Money(minorUnits: minorUnits, currency: currency).grouped
    }
}
