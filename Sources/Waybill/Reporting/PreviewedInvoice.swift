import Billing
import Metering
import Pricing
import UsageStore

/// The preview of a tenant's month, with its days for the chart.
enum PreviewedInvoice {
    static func read(
        tenant: String, month: String, period: BillingPeriod, priceBook: String?, from store: UsageStore
    ) async throws -> InvoicePreview {
        let path = try priceBook ?? ConfigurationFiles.file(PriceBookReference.shipped)
        let book = try PriceBook.read(path)
        let usage = try await store.monthlyUsage(
            tenant: tenant, month: month, zone: period.zone.identifier, from: period.startTime, to: period.endTime,
            groupBy: [.day])
        do {
            return try InvoicePreview(usage: usage, book: book, period: period)
        } catch {
            throw CommandError(.failure, "\(path): \(error.message)")
        }
    }
}
