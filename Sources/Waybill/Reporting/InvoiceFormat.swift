import ArgumentParser
import Billing
import Foundation
import Pricing
import Reports

/// How an invoice is written.
enum InvoiceFormat: String, CaseIterable, ExpressibleByArgument {
    case text, html, pdf, csv, json, focus

    /// What its files end with.
    var ending: String {
        switch self {
        case .text: "txt"
        case .focus: "focus.csv"
        default: rawValue
        }
    }
}

extension FocusDataset: ExpressibleByArgument {}
extension FocusVersion: ExpressibleByArgument {}

/// An invoice with what it is rendered from: its paper, and the value that is its JSON.
struct PrintableInvoice: Sendable {
    private(set) var paper: InvoicePaper
    let json: @Sendable () throws -> String

    init(_ invoice: Invoice) throws {
        paper = try reportFailure { try InvoicePaper(invoice) }
        json = { try JSONEncoder.waybill.text(invoice) }
    }

    init(_ preview: InvoicePreview) throws {
        paper = try reportFailure { try InvoicePaper(preview) }
        json = { try JSONEncoder.waybill.text(preview) }
    }

    /// The name of a file for it: a void invoice has another than it had before.
    static func name(of invoice: InvoiceName) -> String { invoice.number + (invoice.isVoid ? "-void" : "") }

    /// The same with what load balancers would have cost beside it.
    func with(_ comparison: PaperComparison?) -> PrintableInvoice {
        var printable = self
        printable.paper.comparison = comparison
        return printable
    }

    /// Every format but PDF, which is printed from HTML.
    func text(
        _ format: InvoiceFormat, _ templates: ReportTemplates, _ language: ReportLanguage, style: TextStyle = .plain,
        focus: (dataset: FocusDataset, version: FocusVersion) = (.costAndUsage, .v1_4)
    ) throws -> String {
        try reportFailure {
            switch format {
            case .text: InvoiceText(paper, language, style: style).text + "\n"
            case .html, .pdf: try InvoicePage(paper, language).html(templates)
            case .csv: InvoiceCSV(paper).text
            case .json: try json() + "\n"
            case .focus: try FocusReport([paper]).csv(focus.dataset, focus.version)
            }
        }
    }
}
