import Billing
import Metering
import Pricing
import UsageStore

/// A tenant's period with its prices and the history around it: what `forecast` and `simulate` start from.
struct TenantPeriod {
    /// Past periods that are read, beside the one that is asked for.
    static let months = 14

    let history: UsageHistory
    let period: BillingPeriod
    let version: PriceBook.Version

    /// - Parameters:
    ///   - month: as 2026-11; the month that contains `asOf` without one.
    ///   - asOf: the instant up to which usage is taken; nil for now, by the database's clock.
    ///   - priceBook: a file or a stored id; the shipped example without one.
    static func read(
        tenant: String, month: String?, zone: String, asOf: Timestamp?, priceBook: String?, from store: UsageStore
    ) async throws -> TenantPeriod {
        do {
            let zone = try BillingZone(zone)
            let now = asOf ?? WallClock.now()
            let period =
                try month.map { try BillingPeriod(month: $0, zone: zone.identifier) }
                ?? BillingPeriod(containing: now.microseconds, zone: zone)
            var first = period
            for _ in 0..<months { first = try first.previous() }
            let reference = try PriceBookReference(
                priceBook ?? ConfigurationFiles.file(PriceBookReference.shipped))
            let version = try await reference.version(BillingStore(store)) { book in
                try book.version(inForceOn: period.startDate)
            }
            let read = try await store.history(of: tenant, from: first.startTime, to: period.endTime)
            let end = min(asOf ?? read.now, period.endTime)
            let start = min(max(first.startTime, read.firstRecord ?? end), end)
            return TenantPeriod(
                history: UsageHistory(read, start: start, end: end), period: period, version: version)
        } catch let error as PricingError {
            throw CommandError(.usage, error.message)
        }
    }

    static func instant(_ text: String?, _ option: String) throws -> Timestamp? {
        guard let text else { return nil }
        do {
            return Timestamp(microseconds: try RFC3339.microseconds(text))
        } catch {
            throw CommandError(.usage, "\(option): \(error.message)")
        }
    }
}

extension UsageHistory {
    /// The records of a tenant between two instants.
    init(_ read: TenantHistory, start: Timestamp, end: Timestamp) {
        self.init(
            start: start.microseconds, end: end.microseconds,
            records: read.records.map { record in
                (
                    record.quarterHour.microseconds,
                    Dictionary(uniqueKeysWithValues: record.counts.map { ($0.key.rawValue, $0.value) })
                )
            })
    }
}
