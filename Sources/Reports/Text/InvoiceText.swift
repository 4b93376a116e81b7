package import Billing
import Metering
import Pricing

/// An invoice as text for a terminal.
package struct InvoiceText {
    private let invoice: InvoicePreview

    package init(_ invoice: InvoicePreview) {
        self.invoice = invoice
    }

    package var text: String {
        let rating = invoice.rating
        var table = TextTable([.left, .right, .left, .right])
        table.add("", "quantity", "price", "amount")
        table.addRule()
        for line in rating.lines {
            let tier = line.tier.map { ", tier \($0)" } ?? ""
            table.add(
                line.name + tier, line.quantity.map { Digits.grouped($0) } ?? "", line.price?.description ?? "",
                line.amount.grouped)
        }
        table.addRule()
        table.add("Subtotal", "", "", rating.subtotal.grouped)
        for tax in rating.taxes { table.add("\(tax.name) \(tax.percent.text) %", "", "", tax.amount.grouped) }
        table.add("Total", "", "", rating.total.description)
        return """
            Invoice preview for \(invoice.usage.tenant), \(invoice.usage.period.month) (\(invoice.usage.period.zone))
            \(invoice.period.start) to \(invoice.period.end), price book \(invoice.bookID) of \(rating.version.effective), \
            rounded \(rating.version.rounding.rawValue) once a line

            \(table.text)

            \(CoverageText(invoice.usage).text)
            """
    }
}
