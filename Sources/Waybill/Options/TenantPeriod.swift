import Billing
import Metering
import Pricing
import UsageStore

/// A tenant's period with its prices and the history around it: what `forecast` and `simulate` start from.
struct TenantPeriod {
    let history: UsageHistory
    let period: BillingPeriod
    let version: PriceBook.Version

    /// What is asked for, understood before the database is opened.
    struct Question {
        /// Past periods that are read, beside the one that is asked for.
        static let months = 14

        let tenant: String
        let period: BillingPeriod
        /// The instant up to which usage is taken; nil for now, by the database's clock.
        let asOf: Timestamp?
        let priceBook: PriceBookReference

        /// - Parameters:
        ///   - month: as 2026-11; the month that contains `asOf` without one.
        ///   - priceBook: a file or a stored id; the shipped example without one.
        init(tenant: String, month: String?, zone: String, asOf: String?, priceBook: String?) throws {
            do {
                let zone = try BillingZone(zone)
                self.asOf = try TenantPeriod.instant(asOf, "--as-of")
                period =
                    try month.map { try BillingPeriod(month: $0, zone: zone.identifier) }
                    ?? BillingPeriod(containing: (self.asOf ?? WallClock.now()).microseconds, zone: zone)
            } catch let error as PricingError {
                throw CommandError(.usage, error.message)
            }
            self.tenant = tenant
            self.priceBook = try PriceBookReference(
                priceBook ?? ConfigurationFiles.file(PriceBookReference.shipped))
        }

        /// The answer of the database.
        func answer(_ store: UsageStore) async throws -> TenantPeriod {
            do {
                let version = try await priceBook.version(BillingStore(store)) { book in
                    try book.version(inForceOn: period.startDate)
                }
                var first = period
                for _ in 0..<Self.months { first = try first.previous() }
                let read = try await store.history(of: tenant, from: first.startTime, to: period.endTime)
                let end = min(asOf ?? read.now, period.endTime)
                let start = min(max(first.startTime, read.firstRecord ?? end), end)
                return TenantPeriod(
                    history: UsageHistory(read, start: start, end: end), period: period, version: version)
            } catch let error as PricingError {
                throw CommandError(.usage, error.message)
            }
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
