import LoadBalancerCosts
import Pricing
import Reports
import Savings
import UsageStore

/// A gateway's month compared, for a savings report.
enum MonthOfSavings {
    /// - Parameter region: nil for `us-east-1`, which the report then calls the default.
    static func read(
        gateway: String, month: String, period: BillingPeriod, region: String?, options: ComparisonOptions,
        from store: UsageStore
    ) async throws -> SavingsReport {
        let metered = try await store.meteredMonth(of: gateway, period)
        return try costFailure {
            let catalogue = try options.pricing.catalogue(over: metered.catalogue(over: .shipped()))
            let request = try options.request(
                catalogue, region: (region ?? "us-east-1", region == nil ? "default" : "--region"), isRated: true)
            let comparison = try metered.comparison(request, catalogue: catalogue)
            return SavingsReport(
                gateway: gateway, month: month, period: period, comparison: comparison,
                curve: try BreakEvenCurve(comparison, catalogue: catalogue))
        }
    }
}
