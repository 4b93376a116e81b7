import Billing
import Metering
import Pricing
import UsageStore

/// A tenant's period with its prices and the history around it: what `forecast` and `simulate` start from.
struct TenantPeriod {
    let history: UsageHistory
    let period: BillingPeriod
    /// The days of it that are billed.
    let rated: RatedPeriod
    let version: PriceBook.Version
    /// Whether nothing says what the tenant pays, so that the shipped example does.
    let isExample: Bool

    /// What is asked for, understood before the database is opened. What is left open is the contract's.
    struct Question {
        /// Past periods that are read, beside the one that is asked for.
        static let months = 14

        let tenant: String
        /// As 2026-11; nil for the period that contains `asOf`.
        let month: String?
        /// Nil for the contract's, else UTC.
        let zone: BillingZone?
        /// The instant up to which usage is taken; nil for now, by the database's clock.
        let asOf: Timestamp?
        /// Nil for the contract's, else the shipped example.
        let priceBook: PriceBookReference?

        init(tenant: String, month: String?, zone: String?, asOf: String?, priceBook: String?) throws {
            do {
                self.zone = try zone.map { name throws(PricingError) in try BillingZone(name) }
                if let month { _ = try BillingPeriod(month: month, zone: zone ?? "UTC") }
            } catch {
                throw CommandError(.usage, error.message)
            }
            self.tenant = tenant
            self.month = month
            self.asOf = try TenantPeriod.instant(asOf, "--as-of")
            self.priceBook = try priceBook.map { try PriceBookReference($0) }
        }

        /// The answer of the database.
        func answer(_ store: UsageStore) async throws -> TenantPeriod {
            do {
                let billing = BillingStore(store)
                let contract = try await contract(billing)
                let period = try period(contract)
                var first = period
                for _ in 0..<Self.months { first = try first.previous() }
                let read = try await store.history(of: tenant, from: first.startTime, to: period.endTime)
                let end = min(asOf ?? read.now, period.endTime)
                let start = min(max(first.startTime, read.firstRecord ?? end), end)
                return TenantPeriod(
                    history: UsageHistory(read, start: start, end: end), period: period,
                    rated: try contract?.rated(period) ?? period.rated(),
                    version: try await version(contract, period, billing),
                    isExample: priceBook == nil && contract == nil)
            } catch let error as PricingError {
                throw CommandError(.usage, error.message)
            }
        }

        private var now: Timestamp { asOf ?? WallClock.now() }

        /// The contract that bills the period, by its own zone and anchor.
        private func contract(_ billing: BillingStore) async throws -> ContractTerms? {
            try await billing.contracts(tenant: tenant).last { try $0.covers(try period($0)) }
        }

        private func period(_ contract: ContractTerms?) throws -> BillingPeriod {
            let place = try zone ?? BillingZone(contract?.zone ?? "UTC")
            // Another zone than the contract's has no anchor either: a calendar month in it is asked for.
            let anchor = zone == nil ? contract?.anchorDay ?? 1 : 1
            guard let month else {
                return try BillingPeriod(containing: now.microseconds, zone: place, anchorDay: anchor)
            }
            return try BillingPeriod(month: month, zone: place.identifier, anchorDay: anchor)
        }

        private func version(
            _ contract: ContractTerms?, _ period: BillingPeriod, _ billing: BillingStore
        ) async throws -> PriceBook.Version {
            if let contract, priceBook == nil {
                let book = try await billing.priceBook(id: contract.priceBook).book
                let pinned = book.versions.first { $0.effective.description == contract.pinnedVersion }
                return try pinned ?? book.version(inForceOn: period.startDate)
            }
            let reference =
                try priceBook ?? PriceBookReference(ConfigurationFiles.file(PriceBookReference.shipped))
            return try await reference.version(billing) { try $0.version(inForceOn: period.startDate) }
        }
    }

    /// Says whose prices these are when they are nobody's.
    func noteExample(_ tenant: String) {
        guard isExample else { return }
        Console.write(
            "note: \(tenant) has no contract in this period: these are the prices of the shipped example "
                + "(\(version.bookID)); --price-book names yours")
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
