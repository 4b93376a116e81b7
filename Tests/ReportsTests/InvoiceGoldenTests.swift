import Billing
import Foundation
import Reports
import Testing

@Suite("Golden invoices")
struct InvoiceGoldenTests {
    static let samples: [(String, SampleInvoice)] = [
        ("invoice", SampleInvoice()), ("invoice-empty", .none),
        ("invoice-void", SampleInvoice(instances: 3, hasGaps: false, status: .void)),
        ("invoice-draft", SampleInvoice(instances: 3, hasCredit: false, status: .draft)),
    ]

    @Test("Text and page are as they were looked at, in English and German", arguments: samples, ["en", "de"])
    func textAndPage(_ sample: (String, SampleInvoice), _ code: String) throws {
        let templates = try Templates.shipped()
        let language = try templates.language(code)
        let paper = try sample.1.paper()
        try Golden.check(InvoiceText(paper, language).text + "\n", "\(sample.0).\(code).txt")
        try Golden.check(try InvoicePage(paper, language).html(templates), "\(sample.0).\(code).html")
    }

    @Test("CSV and FOCUS are as they were looked at", arguments: samples)
    func tables(_ sample: (String, SampleInvoice)) throws {
        let paper = try sample.1.paper()
        try Golden.check(InvoiceCSV(paper).text, "\(sample.0).csv")
        let focus = FocusReport([paper])
        try Golden.check(try focus.csv(.costAndUsage, .v1_4), "\(sample.0).focus-1.4.csv")
        try Golden.check(try focus.csv(.costAndUsage, .v1_2), "\(sample.0).focus-1.2.csv")
        try Golden.check(try focus.csv(.invoiceDetail, .v1_4), "\(sample.0).focus-invoice-detail.csv")
    }

    @Test("JSON is as it was looked at", arguments: samples)
    func json(_ sample: (String, SampleInvoice)) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(try sample.1.invoice()), as: UTF8.self)
        try Golden.check(json + "\n", "\(sample.0).json")
    }
}
