package import Billing
import Metering
package import Pricing

extension InvoicePaper {
    /// The paper of a preview without a contract: no parties, no readings.
    ///
    /// `preview.usage.groups` by day give the chart; without them it is left out.
    package init(_ preview: InvoicePreview) throws(PricingError) {
        let rating = preview.rating
        let usage = preview.usage
        let currency = rating.version.currency
        let lines = rating.lines.enumerated().map { Line($0.element, number: $0.offset + 1) }
        var byDay: [String: Int64] = [:]
        for group in usage.groups { byDay[group.day ?? "", default: 0] += group.dimensions[.requests] }
        status = .preview
        revision = 1
        tenant = usage.tenant
        self.currency = currency
        period = Period(
            month: usage.period.month, zone: usage.period.zone, anchorDay: preview.period.anchorDay,
            start: preview.period.start, end: preview.period.end, localStart: preview.period.startDate,
            localEnd: preview.period.endDate)
        book = preview.bookID
        bookVersion = rating.version.effective
        rounding = rating.version.rounding
        self.lines = lines
        taxes = rating.taxes.map {
            Tax(name: $0.name, percent: $0.percent.text, taxable: $0.taxable, amount: $0.amount, corrects: nil)
        }
        credits = []
        subtotal = try Self.sum(lines.filter { $0.kind != .discount }.map(\.amount), currency)
        net = rating.subtotal
        total = rating.total
        payable = rating.total
        requests = usage.requests
        lower = usage.lower
        upper = usage.upper
        days =
            byDay.isEmpty || byDay[""] != nil
            ? [] : preview.period.localDays.map { ($0.date, byDay[$0.date.description] ?? 0) }
        coverage = InvoiceCoverage(
            percent: usage.coverage.percent,
            gaps: usage.coverage.gaps.map {
                InvoiceCoverage.Gap(
                    gateway: $0.gateway, instance: $0.instance, from: $0.from, to: $0.to, reason: $0.reason,
                    lower: $0.lower, upper: $0.upper)
            })
        asOf = usage.period.asOf
        engine = InvoiceDocument.engine
    }
}

extension InvoicePaper.Line {
    fileprivate init(_ line: Rating.Line, number: Int) {
        self.number = number
        kind = InvoiceLine.Kind(rawValue: line.kind.rawValue) ?? .usage
        name = line.name
        dimension = line.dimension
        tier = line.tier
        quantity = line.quantity
        blocks = line.blocks
        price = line.price
        flat =
            line.flatMinor == 0
            ? nil : Money(minorUnits: Int128(line.flatMinor), currency: line.amount.currency)
        amount = line.amount
        shares = line.shares.map { ($0.line + 1, $0.amount) }
    }
}
