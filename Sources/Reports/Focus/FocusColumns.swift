/// The datasets of FOCUS, the FinOps Open Cost and Usage Specification, with the columns that Waybill fills.
package enum FocusDataset: String, CaseIterable, Sendable {
    case costAndUsage = "cost-and-usage"
    case invoiceDetail = "invoice-detail"

    package func columns(_ version: FocusVersion) -> [String] {
        switch (self, version) {
        case (.costAndUsage, .v1_4): FocusColumns.costAndUsage
        case (.costAndUsage, .v1_2): FocusColumns.costAndUsage1_2
        case (.invoiceDetail, _): FocusColumns.invoiceDetail
        }
    }
}

/// The versions of FOCUS: 1.4, and 1.2 for today's importers.
package enum FocusVersion: String, CaseIterable, Sendable {
    case v1_4 = "1.4"
    case v1_2 = "1.2"
}

/// Mandatory columns, and the conditional ones whose condition Waybill fulfils: it measures usage, publishes unit
/// prices, issues payable invoices, knows sub accounts (tenants) and sets tags.
enum FocusColumns {
    static let costAndUsage = [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
        "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
        "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
        "ContractedUnitPrice", "EffectiveCost", "HostProviderName", "InvoiceDetailId", "InvoiceId",
        "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit",
        "ServiceCategory", "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuMeter",
        "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
    ]

    /// 1.2 calls the seller ProviderName and PublisherName, and has no invoice details.
    static let costAndUsage1_2 =
        (costAndUsage.filter { !["HostProviderName", "InvoiceDetailId", "ServiceProviderName"].contains($0) }
        + ["ProviderName", "PublisherName"]).sorted()

    static let invoiceDetail = [
        "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
        "ChargeCategory", "InvoiceDetailCreated", "InvoiceDetailDescription", "InvoiceDetailGrain", "InvoiceDetailId",
        "InvoiceDetailLastUpdated", "InvoiceId", "InvoiceIssueDate", "InvoiceIssueStatus", "InvoiceIssuerName",
        "PaymentDueDate", "PaymentTerms", "ReferenceInvoiceId",
    ]
}
