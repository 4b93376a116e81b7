import FoundationEssentials
import Metering
import Pricing

/// An invoice that is complete but for its number: all that can be done before its series is locked.
struct PreparedInvoice: Sendable {
    var due: DuePeriod
    var inputs: InvoiceInputs
    var parts: [(part: InputPart, text: String)]
    /// Without its number.
    var document: InvoiceDocument
    var text: String
    var textDigest: String
    /// What came late for earlier invoices and is settled with this one.
    var late: [LateUsageFinding]
    var issuedAt: Timestamp

    init(_ due: DuePeriod, _ inputs: InvoiceInputs, late: [LateUsageFinding], now: Timestamp) throws {
        self.due = due
        self.inputs = inputs
        self.late = late
        issuedAt = now
        parts = try inputs.parts()
        document = try InvoiceDocument(
            inputs,
            InvoiceIdentity(
                id: due.invoiceID.text, revision: due.revision,
                issuedOn: try due.period.zone.date(at: now.microseconds).description, issuedAt: now.description),
            parts: parts)
        text = try document.sealedText()
        textDigest = Digest.hex(text)
        guard document.totalMinor >= 0 else {
            throw BillingError(
                .invalid,
                "the invoice would come to \(document.totalMinor) minor units; discounts and credits can not make it negative"
            )
        }
    }
}
