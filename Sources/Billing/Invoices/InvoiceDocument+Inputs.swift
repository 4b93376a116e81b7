import Pricing

/// What distinguishes a stored invoice from a preview: it changes no amount.
package struct InvoiceIdentity: Hashable, Sendable {
    /// A UUIDv7; nil in a preview.
    package var id: String?
    package var revision: Int
    /// From finalize on.
    package var number: String?
    package var issuedOn: String?
    package var issuedAt: String?

    package static let preview = InvoiceIdentity(id: nil, revision: 1)

    package init(
        id: String?, revision: Int, number: String? = nil, issuedOn: String? = nil, issuedAt: String? = nil
    ) {
        self.id = id
        self.revision = revision
        self.number = number
        self.issuedOn = issuedOn
        self.issuedAt = issuedAt
    }
}

extension InvoiceDocument {
    /// The invoice of frozen inputs: a pure function. Preview, finalize and verify all call this one.
    ///
    /// - Parameter parts: the inputs' parts where the caller has made them already.
    package init(
        _ inputs: InvoiceInputs, _ identity: InvoiceIdentity = .preview,
        parts: [(part: InputPart, text: String)]? = nil
    ) throws(BillingError) {
        let quantities = try inputs.quantities()
        let rating: Rating
        do {
            let rated = try RatedPeriod(
                start: try LocalDate(inputs.period.localStart), days: Int64(inputs.period.days),
                billedDays: Int64(inputs.period.billedDays))
            rating = try inputs.price.version.rate(quantities, over: rated)
        } catch {
            throw BillingError(.invalid, "contract \(inputs.terms.id): \(error.message)")
        }
        id = identity.id
        revision = identity.revision
        number = identity.number
        issuedOn = identity.issuedOn
        issuedAt = identity.issuedAt
        tenant = inputs.terms.tenant
        contractID = inputs.terms.id
        seller = inputs.terms.seller
        buyer = inputs.terms.buyer
        currency = inputs.price.version.currency.code
        period = inputs.period
        price = InvoicePrice(
            book: inputs.price.version.bookID, version: inputs.price.version.effective.description,
            digest: inputs.price.digest, rounding: inputs.price.version.rounding.rawValue)
        let bill = try Bill(rating, inputs)
        lines = bill.lines
        subtotalMinor = bill.subtotal
        taxes = bill.taxes
        totalMinor = bill.total
        credits = bill.credits
        payableMinor = bill.payable
        coverage = inputs.coverage
        usage = try InvoiceUsage(inputs, quantities)
        readings = ReadingsAnnex(inputs.readings, billed: quantities["requests"] ?? 0)
        let parts = if let parts { parts } else { try inputs.parts() }
        self.inputs = InvoiceInputs.digests(parts)
        inputsDigest = InvoiceInputs.digest(of: self.inputs)
    }
}

/// The money of an invoice: lines, taxes, credits.
private struct Bill {
    var lines: [InvoiceLine]
    var subtotal: Int128
    var taxes: [InvoiceTax]
    var total: Int128
    var credits: [InvoiceCredit]
    var payable: Int128

    init(_ rating: Rating, _ inputs: InvoiceInputs) throws(BillingError) {
        lines = rating.lines.enumerated().map { InvoiceLine($0.element, number: $0.offset + 1) }
        taxes = rating.taxes.map { tax in
            InvoiceTax(
                name: tax.name, percent: tax.percent.text, taxableMinor: tax.taxable.minorUnits,
                amountMinor: tax.amount.minorUnits, correctsPeriod: nil)
        }
        for adjustment in inputs.adjustments {
            lines.append(InvoiceLine(adjustment, number: lines.count + 1))
            taxes += adjustment.taxes
        }
        subtotal = try Self.sum(lines.map(\.amountMinor))
        total = try Self.sum([subtotal] + taxes.map(\.amountMinor))
        credits = []
        payable = total
        guard total > 0, !inputs.credits.isEmpty else { return }
        do throws(PricingError) {
            (credits, payable) = try Self.drawn(inputs, total, rating.version.currency)
        } catch {
            throw BillingError(.invalid, "contract \(inputs.terms.id): \(error.message)")
        }
    }

    private static func drawn(
        _ inputs: InvoiceInputs, _ total: Int128, _ currency: Currency
    ) throws(PricingError) -> ([InvoiceCredit], Int128) {
        var offered: [Credit] = []
        for credit in inputs.credits {
            let remaining = Money(minorUnits: credit.amountMinor, currency: currency)
            var expires: LocalDate?
            if let date = credit.expires { expires = try LocalDate(date) }
            offered.append(Credit(id: credit.id, remaining: remaining, expires: expires))
        }
        let drawn = try CreditApplication(
            of: offered, to: Money(minorUnits: total, currency: currency), on: try LocalDate(inputs.period.localEnd))
        let credits = drawn.draws.compactMap { draw in
            inputs.credits.first { $0.id == draw.creditID }.map { credit in
                InvoiceCredit(
                    id: credit.id, name: credit.name, expires: credit.expires, amountMinor: draw.amount.minorUnits)
            }
        }
        return (credits, drawn.payable.minorUnits)
    }

    static func sum(_ amounts: [Int128]) throws(BillingError) -> Int128 {
        var sum: Int128 = 0
        for amount in amounts {
            let (next, overflow) = sum.addingReportingOverflow(amount)
            guard !overflow else { throw BillingError(.invalid, "an invoice is beyond 2^127 minor units") }
            sum = next
        }
        return sum
    }
}

extension InvoiceLine {
    /// The line of an adjustment, naming the period that it corrects.
    fileprivate init(_ adjustment: Adjustment, number: Int) {
        self.number = number
        kind = .adjustment
        name = "Adjustment for the period from \(adjustment.period), invoice \(adjustment.invoiceNumber)"
        lineClass = nil
        dimension = nil
        tier = nil
        quantity = nil
        blocks = nil
        priceMinor = nil
        perUnits = nil
        price = nil
        flatMinor = 0
        amountMinor = adjustment.netMinor
        shares = []
        correctsPeriod = adjustment.period
        correctsInvoice = adjustment.invoiceNumber
    }
}
