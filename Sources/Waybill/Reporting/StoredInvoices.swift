import Billing
import Pricing
import UsageStore

/// Invoices of the database for reports.
enum StoredInvoices {
    /// An invoice by number or id.
    static func invoice(_ reference: String, from store: UsageStore) async throws -> Invoice {
        do {
            return try await BillingStore(store).invoice(reference, now: WallClock.now())
        } catch let error as BillingError {
            throw error.asCommandError
        }
    }

    /// A tenant's finalized and void invoices of the periods that start in a month.
    static func invoices(month: String, tenant: String, from store: UsageStore) async throws -> [Invoice] {
        do {
            return try await BillingStore(store).invoices(InvoiceFilter(tenant: tenant, month: month))
        } catch let error as BillingError {
            throw error.asCommandError
        }
    }

    /// The names of all tenants' invoices of the periods that start in a month.
    static func names(month: String, from store: UsageStore) async throws -> [InvoiceName] {
        do {
            return try await BillingStore(store).invoiceNames(month: month)
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
