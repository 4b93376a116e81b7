import Billing
import Foundation
import Reports
import TestSupport
import Testing

@Suite(
    "Printing",
    .enabled(
        if: Program.find("weasyprint") != nil && Program.find("pdftotext") != nil,
        "scripts/setup installs weasyprint and poppler-utils"))
struct PrintingTests {
    /// The words of each page.
    private func pages(_ sample: SampleInvoice, _ code: String = "en") async throws -> [[String]] {
        let templates = try Templates.shipped()
        let html = try InvoicePage(try sample.paper(), try templates.language(code)).html(templates)
        let path = NSTemporaryDirectory() + "invoice-\(UUID().uuidString).pdf"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let printer = try WeasyPrint.find(script: Shipped.path("reports/print.py"))
        defer { printer.stop() }
        try await printer.print(html, to: path)
        let text = try Program.run(try #require(Program.find("pdftotext")), ["-layout", path, "-"])
        try #require(text.status == 0)
        return text.said.split(separator: "\u{0C}", omittingEmptySubsequences: false).dropLast().map { page in
            page.split(separator: "\n").map {
                $0.split(separator: " ").joined(separator: " ")
            }
        }
    }

    @Test("The words of the PDF are as they were looked at")
    func golden() async throws {
        let pages = try await pages(SampleInvoice())
        // Where lines break depends on the fonts of the machine; the words do not.
        let words = pages.joined().joined(separator: " ").split(separator: " ")
            .filter { $0.wholeMatch(of: /[0-9A-Za-z.,:-]+/) != nil }
        let amounts = words.filter { $0.contains(/\d[.,]\d\d$/) }
        try Golden.check(amounts.joined(separator: "\n") + "\n", "invoice.en.pdf-amounts.txt")
    }

    @Test("Every page says which of how many it is, heads are repeated, and no sum stands alone", arguments: [0, 250])
    func breaks(_ furtherCharges: Int) async throws {
        var sample = SampleInvoice(instances: 40)
        sample.furtherCharges = furtherCharges
        let pages = try await pages(sample)
        #expect(furtherCharges < 250 || pages.count >= 9)
        for (index, page) in pages.enumerated() {
            #expect(page.contains { $0.hasSuffix("Page \(index + 1) of \(pages.count)") }, "\(page)")
            let isLine = { (line: String) in line.hasPrefix("Further charge") || line.hasPrefix("Gateway requests,") }
            if page.contains(where: isLine) {
                #expect(page.contains { $0.hasPrefix("Description Quantity Price Amount") }, "page \(index + 1)")
            }
            if let sum = page.firstIndex(where: { $0.hasPrefix("Subtotal") }) {
                #expect(
                    sum > 0
                        && (page[..<sum].contains(where: isLine) || page[..<sum].contains { $0.contains("Adjustment") })
                )
                #expect(page.contains { $0.hasPrefix("Amount due") })
            }
        }
    }

    @Test("A void invoice is marked on each of its pages")
    func marked() async throws {
        var sample = SampleInvoice(instances: 40, status: .void)
        sample.furtherCharges = 60
        for page in try await pages(sample) { #expect(page.contains { $0.contains("VOID") }) }
    }

    @Test("A page that can not be printed is an error that names the file, and leaves none behind")
    func failure() async throws {
        let printer = try WeasyPrint.find(script: Shipped.path("reports/print.py"))
        defer { printer.stop() }
        await #expect(throws: ReportError.self) { try await printer.print("<p>x", to: "/nowhere/at/all.pdf") }
        // The printer goes on.
        let path = NSTemporaryDirectory() + "after-\(UUID().uuidString).pdf"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await printer.print("<p>x", to: path)
        #expect(FileManager.default.contents(atPath: path)?.prefix(5) == Data("%PDF-".utf8))
    }

    @Test("A page fetches nothing: no file and no address")
    func fetching() async throws {
        let printer = try WeasyPrint.find(script: Shipped.path("reports/print.py"))
        defer { printer.stop() }
        let secret = NSTemporaryDirectory() + "secret-\(UUID().uuidString).html"
        try Data("secret words".utf8).write(to: URL(fileURLWithPath: secret))
        let path = NSTemporaryDirectory() + "page-\(UUID().uuidString).pdf"
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: secret)
        }
        try await printer.print(
            "<link rel=attachment href='file://\(secret)'><img src='file://\(secret)'><p>page", to: path)
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        #expect(bytes.range(of: Data("EmbeddedFile".utf8)) == nil)
    }
}

@Suite("Without WeasyPrint")
struct MissingPrinterTests {
    @Test("Its absence is said with what to do")
    func missing() {
        let error = #expect(throws: ReportError.self) {
            try WeasyPrint.find(script: "print.py", environment: ["PATH": "/nowhere"])
        }
        #expect(error?.message.contains("apt-get install weasyprint") == true)
        let named = #expect(throws: ReportError.self) {
            try WeasyPrint.find(script: "print.py", environment: ["WAYBILL_WEASYPRINT": "/nowhere/weasyprint"])
        }
        #expect(named?.message.contains("/nowhere/weasyprint") == true)
    }
}
