/// A named list of prices in one currency: immutable versions, each in force from its effective date to the next's.
///
/// ```yaml
/// id: standard
/// currency: USD
/// rounding: half_up                  # half_up | half_even | down | up; half_up unless told
/// versions:
/// - effective: 2026-01-01            # a local date of the contract's zone
///   base_fee: {amount_minor: 0, prorate: days}
///   minimum: {amount_minor: 0, prorate: days}
///   maximum: null
///   charges: […]                     # see ``Charge``
///   discounts: […]                   # see ``Discount``
///   taxes: […]                       # see ``TaxRate``
/// ```
package struct PriceBook: Hashable, Sendable {
    /// The name that contracts pin.
    package let id: String
    /// The currency of every amount.
    package let currency: Currency
    /// How every line is rounded.
    package let rounding: RoundingMode
    /// Ascending by effective date, never empty.
    package let versions: [Version]

    /// The book of versions that were stored one by one, ascending by effective date; nil without one. Currency and
    /// rounding are the last one's: they are the same in all.
    package init?(storedVersions versions: [Version]) {
        guard let last = versions.last else { return nil }
        self.init(id: last.bookID, currency: last.currency, rounding: last.rounding, versions: versions)
    }

    init(id: String, currency: Currency, rounding: RoundingMode, versions: [Version]) {
        self.id = id
        self.currency = currency
        self.rounding = rounding
        self.versions = versions
    }

    /// The version in force on a date: the latest that is effective on it or before.
    package func version(inForceOn date: LocalDate) throws(PricingError) -> Version {
        guard let version = versions.last(where: { $0.effective <= date }) else {
            throw PricingError(
                .noVersionInForce,
                "price book \"\(id)\" has no version in force on \(date): its first is effective "
                    + "\(versions.first?.effective.description ?? "never"); add an earlier version or ask for a later date"
            )
        }
        return version
    }

    /// Refuses an import that would change what is already stored: each stored version must come again unchanged, and
    /// new versions must be effective after the last stored one.
    package func checkSucceeds(_ stored: PriceBook) throws(PricingError) {
        for old in stored.versions {
            guard let new = versions.first(where: { $0.effective == old.effective }) else {
                throw PricingError(
                    .versionChanged,
                    "price book \"\(id)\" lacks the stored version of \(old.effective); keep it in the file")
            }
            guard new.canonicalBytes == old.canonicalBytes else {
                throw PricingError(
                    .versionChanged,
                    "price book \"\(id)\" changes the stored version of \(old.effective), which may have been invoiced; "
                        + "put it back and add a version with a later effective date")
            }
        }
        guard let last = stored.versions.last?.effective else { return }
        for new in versions
        where new.effective < last && !stored.versions.contains(where: { $0.effective == new.effective }) {
            throw PricingError(
                .versionChanged,
                "price book \"\(id)\" adds a version of \(new.effective), before the stored one of \(last); "
                    + "a new version is effective after \(last)")
        }
    }
}
