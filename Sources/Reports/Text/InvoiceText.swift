import Billing
import Metering
import Pricing

/// An invoice for a terminal: 80 columns, wider only where a figure needs it.
package struct InvoiceText {
    private let paper: InvoicePaper
    private let language: ReportLanguage
    private let style: TextStyle

    package init(_ paper: InvoicePaper, _ language: ReportLanguage, style: TextStyle = .plain) {
        self.paper = paper
        self.language = language
        self.style = style
    }

    package var text: String {
        var parts = [head]
        if let sentence = paper.markSentence(language) {
            parts.append(wrapped(sentence).map(style.warning).joined(separator: "\n"))
        }
        if let parties { parts.append(parties) }
        parts.append(facts)
        parts.append(lines)
        parts.append(coverage)
        if let comparison { parts.append(comparison) }
        if let readings { parts.append(readings) }
        if let proof { parts.append(proof) }
        return parts.joined(separator: "\n\n")
    }

    // MARK: Head

    private var head: String {
        var title = paper.title(language)
        if let number = paper.number { title += " " + SafeText.line(number) }
        if let mark = paper.mark(language), paper.status == .void || paper.status == .draft { title += "  \(mark)" }
        if paper.paidAt != nil { title += "  \(language[.paid].uppercased())" }
        let lines = wrapped(title).map(style.bold)
        return lines.joined(separator: "\n") + "\n" + style.faint(String(repeating: "═", count: TerminalText.width))
    }

    private var parties: String? {
        guard paper.seller != nil || paper.buyer != nil else { return nil }
        let left = party(paper.seller, language[.from])
        let right = party(paper.buyer, language[.billTo])
        return (0..<max(left.count, right.count)).map { index in
            let from = index < left.count ? left[index] : ""
            let to = index < right.count ? right[index] : ""
            let line = TerminalText.padded(from, to: 42) + to
            return index == 0 ? style.faint(line) : Self.trimmed(line)
        }
        .joined(separator: "\n")
    }

    private func party(_ party: Party?, _ label: String) -> [String] {
        guard let party else { return [label, "–"] }
        var lines = [label] + TerminalText.wrapped(party.name, to: 38)
        for line in party.address { lines += TerminalText.wrapped(line, to: 38) }
        if let taxID = party.taxID { lines += TerminalText.wrapped("\(language[.taxID]) \(taxID)", to: 38) }
        return lines
    }

    private var facts: String {
        var facts: [(String, String)] = []
        if let issued = paper.issuedOn { facts.append((language[.issued], language.date(issued))) }
        facts.append((language[.customer], paper.tenant))
        if let contract = paper.contractID { facts.append((language[.contract], contract)) }
        facts.append((language[.period], "\(paper.localPeriod(language)) (\(paper.period.zone))"))
        facts.append(("", paper.utcPeriod(language)))
        facts.append((language[.priceBook], paper.priceBookText(language)))
        return table(facts)
    }

    // MARK: Lines

    private var lines: String {
        var rows: [[String]] = []
        for line in paper.charges {
            rows.append([
                paper.name(of: line, language), line.quantity.map { language.count($0) } ?? "",
                line.price.map { language.price($0) } ?? "", language.amount(line.amount),
            ])
            for detail in paper.details(of: line, language) { rows.append(["  " + detail, "", "", ""]) }
        }
        if rows.isEmpty { rows.append([language[.noLines], "", "", ""]) }
        var sums: [[String]] = [[language[.subtotal], "", "", language.amount(paper.subtotal)]]
        for line in paper.discounts {
            sums.append([paper.name(of: line, language), "", "", language.amount(line.amount)])
        }
        if paper.hasNet { sums.append([language[.net], "", "", language.amount(paper.net)]) }
        for tax in paper.taxes { sums.append([paper.name(of: tax, language), "", "", language.amount(tax.amount)]) }
        sums.append([language[.total], "", "", language.money(paper.total)])
        for credit in paper.credits {
            let amount = Money(minorUnits: -credit.amount.minorUnits, currency: credit.amount.currency)
            sums.append([paper.name(of: credit, language), "", "", language.amount(amount)])
        }
        if paper.hasCredits { sums.append([language[.payable], "", "", language.money(paper.payable)]) }
        let heads = [language[.description], language[.quantity], language[.price], language[.amount]].map {
            $0.lowercased()
        }
        return LineTable(heads: heads, rows: rows, sums: sums, style: style).text + "\n\n"
            + style.faint(paper.roundingSentence(language))
    }

    // MARK: Completeness

    private var coverage: String {
        let words = CoverageWords(
            coverage: paper.coverage, requests: paper.requests, lower: paper.lower, upper: paper.upper,
            asOf: paper.asOf, language: language)
        var lines = wrapped(words.sentences.joined(separator: " "))
        for gap in paper.coverage.gaps.prefix(CoverageWords.listed) {
            lines.append(
                contentsOf: hanging(
                    "\(gap.instance), \(gap.from) – \(gap.to): \(words.reason(of: gap)), \(words.bounds(of: gap))"))
        }
        let more = paper.coverage.gaps.count - CoverageWords.listed
        if more > 0 { lines.append("  " + language.sentence(.moreGaps, ["count": language.count(more)])) }
        return lines.joined(separator: "\n")
    }

    private var comparison: String? {
        guard let comparison = paper.comparison else { return nil }
        var table = TextTable([.left, .right, .right, .right])
        table.add("", "\(language[.total].lowercased()) \(comparison.currency)", "±", "%")
        for row in comparison.rows {
            table.add(
                SafeText.line(language.phrase(row.name)), language.decimal(row.total),
                row.saving.map(language.decimal) ?? "", row.savingPercent.map(language.decimal) ?? "")
        }
        return style.bold(language[.comparison]) + "\n" + table.text + "\n"
            + wrapped(language.sentence(.comparisonText, ["region": comparison.region])).joined(separator: "\n")
    }

    // MARK: Annex

    private var readings: String? {
        guard let readings = paper.readings else { return nil }
        var table = TextTable([.left, .right, .right, .right])
        table.add(
            language[.gateway].lowercased(), language[.opening].lowercased(), language[.closing].lowercased(),
            language[.difference].lowercased())
        table.addRule()
        func add(_ row: ReadingsAnnex.Row, _ name: String) {
            table.add(
                TerminalText.wrapped(name, to: 28).first ?? "", language.count(row.opening),
                language.count(row.closing), language.count(row.difference))
        }
        for row in readings.gateways { add(row, row.gateway) }
        table.addRule()
        for row in readings.instances { add(row, row.instance ?? row.gateway) }
        if readings.corrections != 0 {
            table.addRule()
            table.add(language[.corrections], "", "", language.count(readings.corrections))
            table.add(language[.billed], "", "", language.count(readings.difference + readings.corrections))
        }
        let hash = language.sentence(.readingsHash, ["count": language.count(readings.readingCount)])
        return style.bold(language[.annex]) + "\n" + table.text + "\n" + hash + "\n  " + readings.csvDigest
    }

    private var proof: String? {
        guard let seal = paper.seal, let number = paper.number else { return nil }
        let facts = [
            (language[.verifyCommand], "waybill invoice verify \(number)"), (language[.invoiceHash], seal.hash),
            (language[.previousHash], seal.previousHash), (language[.inputsHash], paper.inputsDigest ?? ""),
        ]
        let lines = facts.map { style.faint($0.0) + "\n  " + SafeText.line($0.1) }
        return style.bold(language[.verification]) + "\n" + lines.joined(separator: "\n")
    }

    // MARK: Layout

    private func table(_ facts: [(String, String)]) -> String {
        let width = facts.map { TerminalText.columns($0.0) }.max() ?? 0
        return facts.flatMap { label, value in
            TerminalText.wrapped(value, to: TerminalText.width - width - 2).enumerated().map { index, line in
                style.faint(TerminalText.padded(index == 0 ? label : "", to: width)) + "  " + line
            }
        }
        .joined(separator: "\n")
    }

    private func wrapped(_ text: String) -> [String] { TerminalText.wrapped(text) }

    private func hanging(_ text: String) -> [String] {
        TerminalText.wrapped(text, to: TerminalText.width - 4).enumerated().map { ($0 == 0 ? "  " : "    ") + $1 }
    }

    private static func trimmed(_ line: String) -> String { String(line.reversed().drop { $0 == " " }.reversed()) }
}
