/// An entry of a series' hash chain: what was issued, or what happened to it.
package struct ChainLink: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case invoice
        case creditNote = "credit_note"
        case void
        case paid
    }

    package var series: String
    /// From 1, without a gap.
    package var position: Int64
    package var kind: Kind
    /// The number of the invoice or credit note.
    package var number: String
    /// Its id.
    package var subject: String
    /// SHA-256, hexadecimal, of the document without its number, or of the event.
    package var documentDigest: String
    /// RFC 3339, UTC.
    package var enteredAt: String
    package var enteredBy: String
    package var previousHash: String
    package var hash: String

    package init(
        series: String, position: Int64, kind: Kind, number: String, subject: String, documentDigest: String,
        enteredAt: String, enteredBy: String, previousHash: String, hash: String? = nil
    ) {
        self.series = series
        self.position = position
        self.kind = kind
        self.number = number
        self.subject = subject
        self.documentDigest = documentDigest
        self.enteredAt = enteredAt
        self.enteredBy = enteredBy
        self.previousHash = previousHash
        self.hash = ""
        self.hash = hash ?? expectedHash
    }

    /// SHA-256 over all fields but the hash itself, one a line. A field can not hold a line break that would let two
    /// entries read alike: `enteredBy`, the only free text, comes last but one, and its length stands before it.
    package var expectedHash: String {
        Digest.hex(
            """
            waybill-chain/1
            \(series)
            \(position)
            \(kind.rawValue)
            \(number)
            \(subject)
            \(documentDigest)
            \(enteredAt)
            \(enteredBy.utf8.count) \(enteredBy)
            \(previousHash)

            """)
    }

    /// The seal that an invoice bears.
    package var seal: InvoiceSeal {
        InvoiceSeal(position: position, documentDigest: documentDigest, previousHash: previousHash, hash: hash)
    }

    private enum CodingKeys: String, CodingKey {
        case series, position, kind, number, subject, hash
        case documentDigest = "document_digest"
        case enteredAt = "entered_at"
        case enteredBy = "entered_by"
        case previousHash = "previous_hash"
    }
}

extension InvoiceDocument {
    /// The digest that the chain holds: of the canonical bytes without the number, which the chain holds itself. So an
    /// invoice is complete before its series is locked.
    package func sealedText() throws(BillingError) -> String {
        var document = self
        document.number = nil
        return try CanonicalCoding.text(document)
    }
}
