package import Pricing

/// An invoice with all that is known of it: the document on paper, the seal that a finalized one bears, and what
/// happened to it since.
///
/// The fields of the document can be read from the invoice itself: `invoice.lines` is `invoice.document.lines`.
@dynamicMemberLookup
package struct Invoice: Hashable, Sendable {
    /// open (nothing stored: a preview) → draft → finalized → void.
    package enum Status: String, Hashable, Sendable, Codable, CaseIterable {
        /// Computed now, of a period that may still run; nothing is stored.
        case preview
        /// The period is over; it has an id and waits for the gateways' watermark or the end of grace.
        case draft
        /// It has a number and never changes.
        case finalized
        /// Finalized, and made void by an event. It keeps its number.
        case void
    }

    package var document: InvoiceDocument
    package var status: Status
    /// Of a finalized or void one.
    package var seal: InvoiceSeal?
    /// In the order in which they happened.
    package var events: [InvoiceEvent]

    package init(
        document: InvoiceDocument, status: Status, seal: InvoiceSeal? = nil, events: [InvoiceEvent] = []
    ) {
        self.document = document
        self.status = status
        self.seal = seal
        self.events = events
    }

    package subscript<Value>(dynamicMember path: KeyPath<InvoiceDocument, Value>) -> Value {
        document[keyPath: path]
    }

    /// When it was marked paid; nil while it is not.
    package var paidAt: String? { events.last { $0.kind == .paid }?.at }

    /// Minor units as money of the invoice's currency. Throws for a currency that is not in ISO 4217.
    package func money(_ minorUnits: Int128) throws(PricingError) -> Money {
        Money(minorUnits: minorUnits, currency: try Currency(document.currency))
    }
}

/// What makes a finalized invoice provable. All digests are SHA-256, hexadecimal.
package struct InvoiceSeal: Hashable, Sendable, Codable {
    /// Its place in the series' chain, from 1.
    package var position: Int64
    /// Of the document's canonical bytes.
    package var documentDigest: String
    /// The hash of the entry before it; 64 zeros for the first.
    package var previousHash: String
    /// Of position, kind, document digest and previous hash: the next entry builds on it.
    package var hash: String

    package init(position: Int64, documentDigest: String, previousHash: String, hash: String) {
        self.position = position
        self.documentDigest = documentDigest
        self.previousHash = previousHash
        self.hash = hash
    }

    private enum CodingKeys: String, CodingKey {
        case position, hash
        case documentDigest = "document_digest"
        case previousHash = "previous_hash"
    }
}

/// What happened to a finalized invoice.
package struct InvoiceEvent: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case void, paid
    }

    package var kind: Kind
    /// RFC 3339, UTC.
    package var at: String
    package var by: String
    package var reason: String

    package init(kind: Kind, at: String, by: String, reason: String) {
        self.kind = kind
        self.at = at
        self.by = by
        self.reason = reason
    }
}

extension Invoice: Codable {
    private enum CodingKeys: String, CodingKey { case status, seal, events }

    package init(from decoder: any Decoder) throws {
        document = try InvoiceDocument(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decode(Status.self, forKey: .status)
        seal = try container.decodeIfPresent(InvoiceSeal.self, forKey: .seal)
        events = try container.decode([InvoiceEvent].self, forKey: .events)
    }

    /// The document's keys with `status`, `seal` and `events` beside them.
    package func encode(to encoder: any Encoder) throws {
        try document.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(status, forKey: .status)
        try container.encodeIfPresent(seal, forKey: .seal)
        try container.encode(events, forKey: .events)
    }
}
