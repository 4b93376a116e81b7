import Billing
import Pricing

/// An invoice as a page: for a browser, and for printing. Filled into `invoice.mustache`.
package struct InvoicePage {
    private let paper: InvoicePaper
    private let language: ReportLanguage

    package init(_ paper: InvoicePaper, _ language: ReportLanguage) {
        self.paper = paper
        self.language = language
    }

    /// The whole page; it needs no other file.
    package func html(_ templates: ReportTemplates) throws(ReportError) -> String {
        try templates.render("invoice", fields, in: language, title: title)
    }

    package var title: String {
        let name = paper.number ?? "\(paper.tenant), \(paper.period.month)"
        return "\(paper.title(language)) \(name)"
    }

    private var fields: TemplateFields {
        let fields = TemplateFields()
        fillHead(fields)
        fillLines(fields)
        fillCoverage(fields)
        fillComparison(fields)
        fillReadings(fields)
        fillProof(fields)
        return fields
    }

    // MARK: Head

    private func fillHead(_ fields: TemplateFields) {
        fields.text("heading", paper.title(language))
        fields.text("number", paper.number)
        fields.text("mark", paper.mark(language))
        fields.text("mark_sentence", paper.markSentence(language))
        fields.text("paid_at", paper.paidAt.map { language.dateTime($0) + " UTC" })
        fields.text("issued_on", paper.issuedOn.map { language.date($0) })
        fields.text("tenant", paper.tenant)
        fields.text("contract_id", paper.contractID)
        fields.text("revision", paper.revision > 1 ? String(paper.revision) : nil)
        fields.text("period_title", periodTitle)
        fields.text("local_period", paper.localPeriod(language))
        fields.text("zone", paper.period.zone)
        fields.text("utc_period", paper.utcPeriod(language))
        fields.text("price_book_text", paper.priceBookText(language))
        fields.part("seller", paper.seller.map(party))
        fields.part("buyer", paper.buyer.map(party))
        // The names of a party's fields are known also where there is none.
        fields.part("nobody", party(Party(name: "")))
    }

    private var periodTitle: String {
        paper.period.localStart.day == 1 ? language.month(paper.period.localStart) : paper.localPeriod(language)
    }

    private func party(_ party: Party) -> TemplateFields {
        let fields = TemplateFields()
        fields.text("name", party.name)
        fields.text("tax_id", party.taxID)
        fields.rows("address", ["line"], party.address.map { [$0] })
        return fields
    }

    // MARK: Lines

    private func fillLines(_ fields: TemplateFields) {
        let columns = ["name", "detail", "quantity", "price", "amount"]
        let rows = paper.charges.map { line -> [String?] in
            let details = paper.details(of: line, language)
            return [
                paper.name(of: line, language), details.isEmpty ? nil : details.joined(separator: ", "),
                line.quantity.map { language.count($0) }, line.price.map { language.price($0) },
                language.amount(line.amount),
            ]
        }
        // The last line goes with the sums: a total never stands alone on a page.
        fields.rows("lines", columns, Array(rows.dropLast()))
        fields.rows("last_line", columns, Array(rows.suffix(1)))
        fields.text("subtotal", language.amount(paper.subtotal))
        fields.rows(
            "discounts", ["name", "amount"],
            paper.discounts.map { [paper.name(of: $0, language), language.amount($0.amount)] })
        fields.text("net", paper.hasNet ? language.amount(paper.net) : nil)
        fields.rows(
            "taxes", ["name", "amount"],
            paper.taxes.map { [paper.name(of: $0, language), language.amount($0.amount)] })
        fields.text("total", language.money(paper.total))
        fields.rows(
            "credits", ["name", "amount"],
            paper.credits.map { credit in
                let amount = Money(minorUnits: -credit.amount.minorUnits, currency: credit.amount.currency)
                return [paper.name(of: credit, language), language.amount(amount)]
            })
        fields.text("payable", paper.hasCredits ? language.money(paper.payable) : nil)
        // In large letters at the top; a void invoice is not to be paid.
        fields.text("amount_due", paper.status == .void ? nil : language.money(paper.payable))
        fields.text("amount_due_label", amountDueLabel)
        fields.text("rounding", paper.roundingSentence(language))
    }

    private var amountDueLabel: String {
        if paper.paidAt != nil { return language[.paid] }
        return paper.status == .finalized ? language[.payable] : language[.total]
    }

    // MARK: Completeness

    private func fillCoverage(_ fields: TemplateFields) {
        let words = CoverageWords(
            coverage: paper.coverage, requests: paper.requests, lower: paper.lower, upper: paper.upper,
            asOf: paper.asOf, language: language)
        fields.text("coverage_text", words.sentences.joined(separator: " "))
        fields.rows(
            "gap_list", ["instance", "gap_start", "gap_end", "reason", "bounds"],
            paper.coverage.gaps.prefix(CoverageWords.listed).map { gap in
                [gap.instance, gap.from, gap.to, words.reason(of: gap), words.bounds(of: gap)]
            })
        let more = paper.coverage.gaps.count - CoverageWords.listed
        fields.text("more_gaps", more > 0 ? language.sentence(.moreGaps, ["count": language.count(more)]) : nil)
        fields.markup("daily_chart", paper.days.isEmpty ? nil : dailyChart.svg)
        fields.rows(
            "daily", ["day", "requests"],
            paper.days.map { [$0.date.description, language.count($0.requests)] })
    }

    private var dailyChart: Chart {
        let most = paper.days.max { $0.requests < $1.requests }
        let summary = language.sentence(
            .requestsPerDayText,
            [
                "days": language.count(paper.days.count), "day": most.map { language.date($0.date) } ?? "",
                "most": language.count(most?.requests ?? 0), "total": language.count(paper.requests),
            ])
        let bars = paper.days.map { day in
            DailyBars.Bar(
                label: String(day.date.day), value: Int128(day.requests),
                tooltip: "\(language.date(day.date)): \(language.count(day.requests))")
        }
        return DailyBars(bars).chart(
            id: "requests-per-day", title: language[.requestsPerDay], summary: summary, tick: language.compact)
    }

    private func fillComparison(_ fields: TemplateFields) {
        let comparison = paper.comparison
        fields.text(
            "comparison_text", comparison.map { language.sentence(.comparisonText, ["region": $0.region]) })
        fields.text("comparison_currency", comparison?.currency)
        fields.text("comparison_gateway", comparison?.gateway)
        fields.rows(
            "alternatives", ["name", "cost", "saving", "percent"],
            comparison?.rows.map { row in
                [
                    language.phrase(row.name), language.decimal(row.total), row.saving.map(language.decimal),
                    row.savingPercent.map(language.decimal),
                ]
            } ?? [])
    }

    // MARK: Annex

    private func fillReadings(_ fields: TemplateFields) {
        let columns = ["name", "opening", "opened_at", "closing", "closed_at", "difference", "resets"]
        func cells(_ row: ReadingsAnnex.Row, _ name: String) -> [String?] {
            [
                name, language.count(row.opening), row.openedAt, language.count(row.closing), row.closedAt,
                language.count(row.difference), row.resets > 0 ? language.count(row.resets) : nil,
            ]
        }
        let readings = paper.readings
        fields.flag("has_readings", readings != nil)
        fields.rows("gateway_readings", columns, readings?.gateways.map { cells($0, $0.gateway) } ?? [])
        fields.rows(
            "instance_readings", columns,
            readings?.instances.map { cells($0, "\($0.gateway) / \($0.instance ?? "")") } ?? [])
        fields.text(
            "instances_title",
            readings.map { readings in
                readings.instances.count == readings.instanceCount
                    ? language[.annexByInstance]
                    : language.sentence(
                        .annexLargest,
                        [
                            "shown": language.count(readings.instances.count),
                            "all": language.count(readings.instanceCount),
                        ])
            })
        fields.text("readings_sum", readings.map { language.count($0.difference) })
        let corrections = readings.flatMap { $0.corrections == 0 ? nil : $0 }
        fields.text("corrections", corrections.map { language.count($0.corrections) })
        fields.text("readings_billed", corrections.map { language.count($0.difference + $0.corrections) })
        fields.text(
            "readings_hash_text",
            readings.map { language.sentence(.readingsHash, ["count": language.count($0.readingCount)]) })
        fields.text("readings_digest", readings?.csvDigest)
    }

    private func fillProof(_ fields: TemplateFields) {
        fields.flag("has_seal", paper.seal != nil)
        fields.text("command", paper.number.map { "waybill invoice verify \($0)" })
        fields.text("hash", paper.seal?.hash)
        fields.text("previous_hash", paper.seal?.previousHash)
        fields.text("inputs_digest", paper.inputsDigest)
        fields.text("book_digest", paper.bookDigest)
        fields.text("engine", paper.engine)
    }
}
