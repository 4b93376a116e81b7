package import Pricing

/// A version of a price book as an invoice keeps it: its canonical text, the digest of that, and what it says.
package struct FrozenPrice: Hashable, Sendable {
    package let version: PriceBook.Version
    package let canonical: String
    package let digest: String

    package init(_ version: PriceBook.Version) {
        self.version = version
        canonical = version.canonicalText
        digest = Digest.hex(canonical)
    }

    /// Reads a stored copy. A text that does not come out again as it is was changed.
    package init(canonical: String) throws(BillingError) {
        let read: PriceBook.Version
        do {
            read = try PriceBook.Version(canonicalBytes: Array(canonical.utf8))
        } catch {
            throw BillingError(.corrupt, "the price version of an invoice can not be read: \(error.message)")
        }
        guard read.canonicalText == canonical else {
            throw BillingError(.corrupt, "the price version of an invoice does not read back as it was written")
        }
        self.init(read)
    }
}
