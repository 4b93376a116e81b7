import Billing
package import Pricing

/// Invoices in the columns of FOCUS, as CSV.
///
/// A preview and a draft have no number: InvoiceId is null in Cost and Usage, and Invoice Detail names the draft's id
/// and says `Open`; a preview is in no Invoice Detail. A void invoice keeps its rows; Invoice Detail says `Voided`.
package struct FocusReport {
    /// One service, one category: requests through a gateway.
    static let serviceName = "API Gateway"

    private let papers: [InvoicePaper]

    package init(_ papers: [InvoicePaper]) {
        self.papers = papers
    }

    package func csv(_ dataset: FocusDataset, _ version: FocusVersion) throws(PricingError) -> String {
        let columns = dataset.columns(version)
        var table = CSVTable(columns)
        for paper in papers {
            for charge in try FocusCharge.all(paper) {
                let cells: [String: CSVTable.Cell] =
                    switch dataset {
                    case .costAndUsage: try cost(charge, paper)
                    case .invoiceDetail: detail(charge, paper)
                    }
                table.add(columns.map { cells[$0] ?? .exact(nil) })
            }
        }
        return table.text
    }

    // MARK: Cost and Usage

    private func cost(_ charge: FocusCharge, _ paper: InvoicePaper) throws(PricingError) -> [String: CSVTable.Cell] {
        let seller = paper.seller?.name ?? "Waybill"
        let (start, end) = try chargePeriod(charge, paper)
        var cells = account(paper)
        cells["BilledCost"] = .exact(charge.billed.decimal)
        cells["EffectiveCost"] = .exact(charge.billed.decimal)
        cells["ListCost"] = .exact(charge.listCost)
        cells["ContractedCost"] = .exact(charge.listCost)
        cells["BillingAccountName"] = .text(paper.buyer?.name ?? paper.tenant)
        cells["ChargeCategory"] = .exact(charge.category.rawValue)
        cells["ChargeClass"] = .exact(charge.corrects == nil ? nil : "Correction")
        cells["ChargeDescription"] = .text(charge.tier.map { "\(charge.name), tier \($0)" } ?? charge.name)
        cells["ChargeFrequency"] = .exact(charge.frequency)
        cells["ChargePeriodStart"] = .exact(start)
        cells["ChargePeriodEnd"] = .exact(end)
        cells["InvoiceId"] = .text(paper.number)
        cells["InvoiceDetailId"] = .text(paper.number.map { "\($0)/\(charge.key)" })
        cells["InvoiceIssuerName"] = .text(seller)
        cells["ServiceProviderName"] = .text(seller)
        cells["HostProviderName"] = .text(seller)
        cells["ProviderName"] = .text(seller)
        cells["PublisherName"] = .text(seller)
        cells["ServiceCategory"] = .exact("Networking")
        cells["ServiceSubcategory"] = .exact("Application Networking")
        cells["ServiceName"] = .exact(Self.serviceName)
        cells["SubAccountId"] = .text(paper.tenant)
        cells["SubAccountName"] = .text(paper.tenant)
        cells["Tags"] = .exact("{}")
        price(charge, paper, &cells)
        return cells
    }

    private func price(_ charge: FocusCharge, _ paper: InvoicePaper, _ cells: inout [String: CSVTable.Cell]) {
        guard charge.category == .usage, charge.corrects == nil else { return }
        let sku = "\(paper.book)/\(charge.name)"
        cells["SkuId"] = .text(sku)
        // A fee is metered by the month.
        cells["SkuMeter"] = .text(charge.dimension ?? "months")
        cells["PricingCategory"] = .exact("Standard")
        cells["ConsumedQuantity"] = .exact(charge.consumed.map(String.init))
        let unit = charge.pricingUnit?.split(separator: " ").last
        cells["ConsumedUnit"] = .exact(charge.consumed == nil ? nil : unit.map(String.init))
        cells["PricingQuantity"] = .exact(charge.pricingQuantity)
        cells["PricingUnit"] = .exact(charge.pricingUnit)
        // A price is named where it can be given exactly.
        guard let price = charge.unitPrice else { return }
        cells["SkuPriceId"] = .text("\(sku)/\(paper.bookVersion)" + (charge.tier.map { "/tier \($0)" } ?? ""))
        cells["ListUnitPrice"] = .exact(price)
        cells["ContractedUnitPrice"] = .exact(price)
    }

    /// The invoice's period, or the one that the charge corrects.
    private func chargePeriod(_ charge: FocusCharge, _ paper: InvoicePaper) throws(PricingError) -> (String, String) {
        guard let corrected = charge.corrects?.period else { return (paper.period.start, paper.period.end) }
        let zone = try BillingZone(paper.period.zone)
        let period = try BillingPeriod(
            containing: zone.start(of: corrected), zone: zone, anchorDay: paper.period.anchorDay)
        return (period.start, period.end)
    }

    // MARK: Invoice Detail

    private func detail(_ charge: FocusCharge, _ paper: InvoicePaper) -> [String: CSVTable.Cell] {
        let id = paper.number ?? paper.id ?? ""
        let issued = paper.issuedAt.map(Self.seconds)
        var cells = account(paper)
        cells["BilledCost"] = .exact(charge.billed.decimal)
        cells["ChargeCategory"] = .exact(charge.category.rawValue)
        cells["InvoiceDetailId"] = .text("\(id)/\(charge.key)")
        cells["InvoiceDetailDescription"] = .text(charge.tier.map { "\(charge.name), tier \($0)" } ?? charge.name)
        cells["InvoiceDetailGrain"] = .exact("{\"x_Line\":\"\(charge.key)\"}")
        cells["InvoiceDetailCreated"] = .exact(issued ?? paper.period.end)
        cells["InvoiceDetailLastUpdated"] = .exact(paper.voidedAt.map(Self.seconds) ?? issued ?? paper.period.end)
        cells["InvoiceId"] = .text(id)
        cells["InvoiceIssueDate"] = .exact(issued)
        cells["InvoiceIssueStatus"] = .exact(
            paper.status == .void ? "Voided" : paper.status == .finalized ? "Issued" : "Open")
        cells["InvoiceIssuerName"] = .text(paper.seller?.name ?? "Waybill")
        cells["PaymentTerms"] = .exact("Unspecified")
        let reference = charge.corrects?.invoice ?? ""
        cells["ReferenceInvoiceId"] = .text(reference.isEmpty ? id : reference)
        return cells
    }

    private func account(_ paper: InvoicePaper) -> [String: CSVTable.Cell] {
        [
            "BillingAccountId": .text(paper.contractID ?? paper.tenant),
            "BillingCurrency": .exact(paper.currency.code),
            "BillingPeriodStart": .exact(paper.period.start), "BillingPeriodEnd": .exact(paper.period.end),
        ]
    }

    /// FOCUS writes whole seconds: `2026-12-01T09:30:00Z`.
    private static func seconds(_ instant: String) -> String { instant.prefix(19) + "Z" }
}
