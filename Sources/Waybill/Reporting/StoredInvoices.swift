import Billing
import Pricing
import UsageStore

/// Invoices of the database for reports.
enum StoredInvoices {
    /// How many of a month are written at most.
    static let most: Int64 = 1_000_000

    /// An invoice by number or id.
    static func invoice(_ reference: String, from store: UsageStore) async throws -> Invoice {
        do {
            return try await BillingStore(store).invoice(reference, now: WallClock.now())
        } catch let error as BillingError {
            throw error.asCommandError
        }
    }

    /// Finalized and void invoices of the periods that start in a month; of one tenant, or of all.
    static func invoices(month: String, tenant: String? = nil, from store: UsageStore) async throws -> [Invoice] {
        do {
            return try await BillingStore(store).invoices(InvoiceFilter(tenant: tenant, month: month, limit: most))
        } catch let error as BillingError {
            throw error.asCommandError
        }
    }
}

extension InvoicePeriod {
    /// The period as pricing knows it.
    func billing() throws(PricingError) -> BillingPeriod {
        try BillingPeriod(month: month, zone: zone, anchorDay: anchorDay)
    }
}
