package import Billing
package import Pricing

extension InvoicePaper {
    /// The paper of an invoice, of whatever status. Throws for a currency, date or price that can not be read.
    package init(_ invoice: Invoice) throws(PricingError) {
        let document = invoice.document
        let currency = try Currency(document.currency)
        func money(_ minor: Int128) -> Money { Money(minorUnits: minor, currency: currency) }
        var lines: [Line] = []
        for line in document.lines { lines.append(try Line(line, currency)) }
        var taxes: [Tax] = []
        for tax in document.taxes {
            var corrects: LocalDate?
            if let period = tax.correctsPeriod { corrects = try LocalDate(period) }
            taxes.append(
                Tax(
                    name: tax.name, percent: tax.percent, taxable: money(tax.taxableMinor),
                    amount: money(tax.amountMinor), corrects: corrects))
        }
        var days: [(date: LocalDate, requests: Int64)] = []
        for day in document.usage.days { days.append((try LocalDate(day.date), day.requests)) }
        status = invoice.status
        number = document.number
        id = document.id
        revision = document.revision
        if let date = document.issuedOn { issuedOn = try LocalDate(date) }
        issuedAt = document.issuedAt
        voidedAt = invoice.events.last { $0.kind == .void }?.at
        paidAt = invoice.paidAt
        tenant = document.tenant
        contractID = document.contractID
        seller = document.seller
        buyer = document.buyer
        self.currency = currency
        period = Period(
            month: document.period.month, zone: document.period.zone, anchorDay: document.period.anchorDay,
            start: document.period.start, end: document.period.end,
            localStart: try LocalDate(document.period.localStart),
            localEnd: try LocalDate(document.period.localEnd))
        book = document.price.book
        bookVersion = try LocalDate(document.price.version)
        bookDigest = document.price.digest
        rounding = RoundingMode(rawValue: document.price.rounding) ?? .halfUp
        self.lines = lines
        self.taxes = taxes
        credits = document.credits.map { Credit(id: $0.id, name: $0.name, amount: money($0.amountMinor)) }
        subtotal = try Self.sum(lines.filter { $0.kind != .discount }.map(\.amount), currency)
        net = money(document.subtotalMinor)
        total = money(document.totalMinor)
        payable = money(document.payableMinor)
        requests = document.usage.requests
        lower = document.usage.lower
        upper = document.usage.upper
        self.days = days
        coverage = document.coverage
        asOf = nil
        readings = document.readings.readingCount > 0 ? document.readings : nil
        seal = invoice.seal
        inputsDigest = document.inputsDigest
        engine = document.engine
    }
}

extension InvoicePaper.Line {
    fileprivate init(_ line: InvoiceLine, _ currency: Currency) throws(PricingError) {
        number = line.number
        kind = line.kind
        name = line.name
        dimension = line.dimension
        tier = line.tier
        quantity = line.quantity
        blocks = line.blocks
        if let amount = line.priceMinor, let units = line.perUnits {
            guard let amount = ExactAmount(amount) else {
                throw PricingError(.invalidPriceBook, "line \(line.number) has the price \"\(amount)\", which is none")
            }
            price = UnitPrice(amount: amount, perUnits: units, currency: currency)
        }
        flat = line.flatMinor == 0 ? nil : Money(minorUnits: Int128(line.flatMinor), currency: currency)
        amount = Money(minorUnits: line.amountMinor, currency: currency)
        shares = line.shares.map { ($0.line, Money(minorUnits: $0.amountMinor, currency: currency)) }
        if let period = line.correctsPeriod { corrects = (try LocalDate(period), line.correctsInvoice ?? "") }
    }
}
