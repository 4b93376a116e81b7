import Billing
import Foundation
import Reports
import Testing

@Suite("Invoices with hostile names and sizes")
struct HostileInvoiceTests {
    static let names = [
        "<script>alert('x')</script>", "=HYPERLINK(\"http://evil.example\",\"click\")", "+1+1", "-2+3", "@SUM(A1)",
        "\t=1+1", "  =1+1", "＝1+1", "\u{202E}gnirtS desreveR", "شركة الاختبار المحدودة", "בדיקה בע״מ",
        "株式会社テスト・ゲートウェイ", "e\u{301}\u{323} & sons <\u{338}b>", "\u{1B}[31mred\u{1B}[0m", "a\r\nb\u{0}c",
        "👩‍👩‍👧‍👦 family", String(repeating: "long name ", count: 30), String(repeating: "W", count: 300), "{{{css}}}",
        "{zone}{amount}",
    ]

    private func sample(_ name: String) -> SampleInvoice {
        var sample = SampleInvoice(instances: 2)
        sample.buyer = Party(name: name, address: [name, name], taxID: name)
        sample.seller = Party(name: name, address: [name])
        sample.tenant = name
        return sample
    }

    @Test("A page holds no markup from a name, and no script", arguments: names)
    func page(_ name: String) throws {
        let templates = try Templates.shipped()
        let language = try templates.language("en")
        let html = try InvoicePage(try sample(name).paper(), language).html(templates)
        let plain = try InvoicePage(try sample("Plain").paper(), language).html(templates)
        // The same tags as with a plain name: nothing was added.
        #expect(Self.tags(html) == Self.tags(plain))
        #expect(!html.lowercased().contains("<script"))
        #expect(!html.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || (0x202A...0x202E).contains($0.value) })
    }

    @Test("A terminal gets no control character, and no line wider than 80 columns", arguments: names, ["en", "de"])
    func terminal(_ name: String, _ code: String) throws {
        let language = try Templates.shipped().language(code)
        let text = InvoiceText(try sample(name).paper(), language).text
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 0x7F })
        for line in text.split(separator: "\n") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    @Test("No cell of a table begins a formula", arguments: names)
    func formulas(_ name: String) throws {
        let paper = try sample(name).paper()
        let focus = FocusReport([paper])
        for csv in [
            InvoiceCSV(paper).text, try focus.csv(.costAndUsage, .v1_4), try focus.csv(.invoiceDetail, .v1_4),
        ] {
            let rows = try CSVRows(csv).rows
            #expect(Set(rows.map(\.count)).count == 1)
            for cell in rows.joined() {
                let first = cell.unicodeScalars.first { !$0.properties.isWhitespace }
                let isNumber = Double(cell) != nil
                #expect(isNumber || !"=+-@\u{FF1D}".unicodeScalars.contains(first ?? "x"), "\(cell)")
            }
        }
    }

    @Test("An invoice without a line is an invoice, in every format")
    func noLines() throws {
        let templates = try Templates.shipped()
        let language = try templates.language("en")
        var sample = SampleInvoice.none
        sample.hasBaseFee = false
        let paper = try sample.paper()
        #expect(paper.lines.isEmpty)
        #expect(InvoiceText(paper, language).text.contains("Nothing was used in this period."))
        #expect(try InvoicePage(paper, language).html(templates).contains("Nothing was used in this period."))
        #expect(try CSVRows(InvoiceCSV(paper).text).rows.count == 1)
        #expect(try CSVRows(FocusReport([paper]).csv(.costAndUsage, .v1_4)).rows.count == 1)
    }

    @Test("An invoice of 10,000 lines is rendered whole")
    func manyLines() throws {
        let templates = try Templates.shipped()
        let language = try templates.language("en")
        var sample = SampleInvoice(instances: 3)
        sample.furtherCharges = 10_000
        let paper = try sample.paper()
        #expect(paper.lines.count > 10_000)
        let html = try InvoicePage(paper, language).html(templates)
        #expect(html.contains("Further charge 1<") && html.contains("Further charge 10000<"))
        #expect(InvoiceText(paper, language).text.contains("Further charge 10000 "))
        #expect(try CSVRows(FocusReport([paper]).csv(.costAndUsage, .v1_4)).rows.count > 10_000)
    }

    private static func tags(_ html: String) -> [String] {
        html.split(separator: "<", omittingEmptySubsequences: false).dropFirst().map { part in
            String(part.prefix { $0 != ">" && $0 != " " })
        }
    }
}
