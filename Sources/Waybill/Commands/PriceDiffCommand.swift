import ArgumentParser
import Billing
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

extension PriceCommand {
    /// `waybill price diff`: what a tenant's past months would have cost by two price books.
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff", abstract: "Say what a tenant's past months would have cost by two price books.",
            discussion: """
                A and B are files or stored ids. Each month is rated by the newest version of each, whatever its
                effective date; book#2 or book@2026-01-01 takes another one, by number or by date.
                Example: waybill price diff standard new.yaml --tenant acme --months 6
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: ArgumentHelp("The prices as they are.", valueName: "A"))
        var before: String

        @Argument(help: ArgumentHelp("The prices as they might be.", valueName: "B"))
        var after: String

        @Option(help: "The tenant.")
        var tenant: String

        @Option(help: ArgumentHelp("How many complete months, 1 to 120.", valueName: "count"))
        var months = 12

        @Option(help: ArgumentHelp("The IANA zone in which months begin and end.", valueName: "zone"))
        var zone = "UTC"

        @Option(help: ArgumentHelp("The months before this instant; before now unless given.", valueName: "instant"))
        var asOf: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func validate() throws {
            guard (1...120).contains(months) else { throw ValidationError("--months is \(months): give 1 to 120") }
        }

        func run() async throws {
            let asOf = try TenantPeriod.instant(asOf, "--as-of")
            let (old, new) = (try PriceBookReference(before), try PriceBookReference(after))
            let current: BillingPeriod
            do throws(PricingError) {
                let now = asOf ?? WallClock.now()
                current = try BillingPeriod(containing: now.microseconds, zone: BillingZone(zone))
            } catch {
                throw CommandError(.usage, error.message)
            }
            let comparison = try await database.withStore(connections: 1, logger: Logger.command) {
                store in
                do {
                    return try await compare(old, new, before: current, store)
                } catch let error as PricingError {
                    throw CommandError(.usage, error.message)
                }
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(ForTenant(tenant, comparison)))
            case .table: print(PriceDifferenceText(comparison, tenant: tenant).text)
            }
            if comparison.months.count < months, let first = comparison.months.first {
                Console.write(
                    "\(comparison.months.count) of \(months) months: before \(first.period.startDate) \(tenant) used nothing"
                )
            }
        }

        /// Months in which something was metered, ascending.
        private func compare(
            _ before: PriceBookReference, _ after: PriceBookReference, before current: BillingPeriod,
            _ store: UsageStore
        ) async throws -> PriceDifference {
            let billing = BillingStore(store)
            let newest = { (book: PriceBook) throws -> PriceBook.Version in
                guard let last = book.versions.last else {
                    throw CommandError(.failure, "price book \(book.id) has no version")
                }
                return last
            }
            let old = try await before.version(billing, else: newest)
            let new = try await after.version(billing, else: newest)
            var period = current
            var metered: [(period: BillingPeriod, quantities: [String: Int64])] = []
            for _ in 0..<months {
                period = try period.previous()
                let usage = try await store.monthlyUsage(
                    tenant: tenant, month: String(period.startDate.description.prefix(7)), zone: zone,
                    from: period.startTime, to: period.endTime)
                let counts = usage.dimensions.counts.map { ($0.key.rawValue, $0.value) }
                metered.append((period, Dictionary(uniqueKeysWithValues: counts)))
            }
            // Before the first month with usage nothing was metered.
            while let oldest = metered.last, oldest.quantities.values.allSatisfy({ $0 == 0 }) { metered.removeLast() }
            guard !metered.isEmpty else {
                throw CommandError(
                    .failure,
                    "\(tenant) used nothing in the \(months) months before \(current.startDate): nothing to compare")
            }
            return try PriceDifference(old, new, months: metered.reversed())
        }
    }
}
