import Metering
import Pricing
import UsageStore

/// What `price list`, `price show` and `GET /v1/price-books` answer:
///
/// ```json
/// {"id":"standard","currency":"USD","rounding":"half_up","versions":[
///   {"number":1,"effective":"2026-01-01","digest":"9f…","imported_at":"…","imported_by":"…","prices":{…}}]}
/// ```
/// `prices` is the canonical form: a price book of this one version.
extension StoredPriceBook: Encodable {
    private enum CodingKeys: String, CodingKey {
        case id, currency, rounding, versions
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(book.id, forKey: .id)
        try container.encode(book.currency.code, forKey: .currency)
        try container.encode(book.rounding.rawValue, forKey: .rounding)
        try container.encode(versions, forKey: .versions)
    }
}

extension StoredPriceVersion: Encodable {
    private enum CodingKeys: String, CodingKey {
        case priceBook, number, effective, digest, importedAt, importedBy, prices
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version.bookID, forKey: .priceBook)
        try container.encode(number, forKey: .number)
        try container.encode(version.effective.description, forKey: .effective)
        try container.encode(digestText, forKey: .digest)
        try container.encode(Timestamp(importedAt).description, forKey: .importedAt)
        try container.encode(importedBy, forKey: .importedBy)
        try container.encode(version, forKey: .prices)
    }
}
