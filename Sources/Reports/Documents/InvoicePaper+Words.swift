import Billing
import Metering
import Pricing

/// What paper and terminal say in the same words.
extension InvoicePaper {
    func title(_ language: ReportLanguage) -> String {
        switch status {
        case .preview: language[.invoicePreview]
        case .draft: language[.invoiceDraft]
        case .finalized, .void: language[.invoice]
        }
    }

    /// Across the page; nil on an invoice in force.
    func mark(_ language: ReportLanguage) -> String? {
        switch status {
        case .preview: language[.markPreview]
        case .draft: language[.markDraft]
        case .void: language[.markVoid]
        case .finalized: nil
        }
    }

    /// What the mark means.
    func markSentence(_ language: ReportLanguage) -> String? {
        switch status {
        case .preview: language[.previewText]
        case .draft: language[.draftText]
        case .void: language.sentence(.voidText, ["date": language.dateTime(voidedAt ?? "")])
        case .finalized: nil
        }
    }

    /// `1 November 2026 to 30 November 2026`: first and last local day.
    func localPeriod(_ language: ReportLanguage) -> String {
        let last = LocalDate(dayNumber: period.localEnd.dayNumber - 1) ?? period.localEnd
        return "\(language.date(period.localStart)) \(language[.until]) \(language.date(last))"
    }

    func utcPeriod(_ language: ReportLanguage) -> String { "\(period.start) \(language[.until]) \(period.end)" }

    func name(of line: Line, _ language: ReportLanguage) -> String {
        switch line.kind {
        case .baseFee: return language[.baseFee]
        case .minimum: return language[.minimum]
        case .maximum: return language[.maximum]
        case .adjustment:
            guard let corrects = line.corrects else { return line.name }
            return language.sentence(
                .adjustmentFor, ["period": language.date(corrects.period), "number": corrects.invoice])
        case .usage, .discount:
            guard let tier = line.tier else { return line.name }
            return line.name + ", " + language.sentence(.tier, ["number": String(tier)])
        }
    }

    /// What else belongs to a line: blocks, the fee for entering a tier.
    func details(of line: Line, _ language: ReportLanguage) -> [String] {
        var details: [String] = []
        if let blocks = line.blocks { details.append(language.sentence(.blocks, ["count": language.count(blocks)])) }
        if let flat = line.flat { details.append(language.sentence(.flatFee, ["amount": language.money(flat)])) }
        return details
    }

    func name(of tax: Tax, _ language: ReportLanguage) -> String {
        language.sentence(
            .taxOn,
            ["name": tax.name, "percent": language.percent(tax.percent), "amount": language.amount(tax.taxable)])
    }

    func name(of credit: Credit, _ language: ReportLanguage) -> String { language.phrase(credit.name) }

    func roundingSentence(_ language: ReportLanguage) -> String {
        switch rounding {
        case .halfUp: language[.roundedHalfUp]
        case .halfEven: language[.roundedHalfEven]
        case .down: language[.roundedDown]
        case .up: language[.roundedUp]
        }
    }

    func priceBookText(_ language: ReportLanguage) -> String {
        language.sentence(.priceBookOf, ["name": book, "date": language.date(bookVersion)])
    }

    /// The sum above the discounts stands for itself only where there are any.
    var hasNet: Bool { !discounts.isEmpty }
    var hasCredits: Bool { !credits.isEmpty }
}

/// How complete a count is, in words.
struct CoverageWords {
    let coverage: InvoiceCoverage
    let requests: Int64
    let lower: Int64
    let upper: Int64?
    let asOf: String?
    let language: ReportLanguage

    /// Gaps that are listed; the others are counted.
    static let listed = 20

    var sentences: [String] {
        var sentences: [String] = []
        let isComplete = coverage.percent == "100.00" && coverage.gaps.isEmpty
        sentences.append(
            isComplete
                ? language[.coverageComplete]
                : language.sentence(.coverageIncomplete, ["percent": language.percent(coverage.percent)]))
        if coverage.isIncomplete { sentences.append(language[.coverageGrace]) }
        if !coverage.gaps.isEmpty {
            let values = [
                "lower": language.count(lower), "upper": upper.map { language.count($0) } ?? "",
                "billed": language.count(requests),
            ]
            sentences.append(language.sentence(upper == nil ? .coverageLower : .coverageBounds, values))
        }
        let carried = coverage.crossings.filter { $0.edge == .start }.reduce(Int64(0)) { $0 + $1.requests }
        if carried > 0 { sentences.append(language.sentence(.carriedOver, ["count": language.count(carried)])) }
        let later = coverage.crossings.filter { $0.edge == .end }.reduce(Int64(0)) { $0 + $1.requests }
        if later > 0 { sentences.append(language.sentence(.carriedOn, ["count": language.count(later)])) }
        if let asOf { sentences.append(language.sentence(.asOf, ["time": language.dateTime(asOf) + " UTC"])) }
        return sentences
    }

    func reason(of gap: InvoiceCoverage.Gap) -> String {
        switch Gap.Reason(rawValue: gap.reason) {
        case .tailLost: language[.gapTailLost]
        case .lateStart: language[.gapLateStart]
        case .streamDown: language[.gapStreamDown]
        case .udpDrop: language[.gapUdpDrop]
        case .reset: language[.gapReset]
        case .refused: language[.gapRefused]
        case .undecidedEpoch: language[.gapUndecidedEpoch]
        case .identityConflict: language[.gapIdentityConflict]
        case nil: gap.reason.replacing("_", with: " ")
        }
    }

    func bounds(of gap: InvoiceCoverage.Gap) -> String {
        let lower = language.count(gap.lower)
        guard let upper = gap.upper else { return language.sentence(.gapAtLeast, ["lower": lower]) }
        return language.sentence(.gapBetween, ["lower": lower, "upper": language.count(upper)])
    }
}
