extension BillingError.Code {
    /// No tenant of that name.
    package static let unknownTenant = Self("unknown_tenant")
    /// No contract with that id.
    package static let unknownContract = Self("unknown_contract")
    /// A second contract of a tenant over the same time.
    package static let contractOverlaps = Self("contract_overlaps", isConflict: true)
    /// No invoice with that id or number.
    package static let unknownInvoice = Self("unknown_invoice")
    /// A period that is not over, or whose gateways have not reported yet.
    package static let notDue = Self("not_due", isConflict: true)
    /// The period has an invoice that is not void.
    package static let alreadyInvoiced = Self("already_invoiced", isConflict: true)
    /// The invoice is not in a state for what is asked.
    package static let wrongStatus = Self("wrong_status", isConflict: true)
    /// A credit above what is left of an invoice.
    package static let overCredited = Self("over_credited", isConflict: true)
    /// A key or a bundle that can not be read.
    package static let unreadable = Self("unreadable")
}
