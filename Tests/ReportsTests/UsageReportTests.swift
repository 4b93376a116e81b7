import Billing
import Foundation
import Metering
import Pricing
import Testing

@testable import Reports

@Suite("Usage reports")
struct UsageReportTests {
    static let samples: [(String, SampleUsage)] = [
        ("usage", SampleUsage()), ("usage-empty", SampleUsage(services: [], gaps: [])),
        ("usage-running", SampleUsage(month: "2026-03", asOf: "2026-03-29T10:20:00Z")),
    ]

    @Test("text, page, CSV and JSON are as they were looked at", arguments: samples)
    func golden(_ name: String, _ sample: SampleUsage) throws {
        let paper = try sample.paper()
        let templates = try Templates.shipped()
        for code in ["en", "de"] {
            let language = try templates.language(code)
            try Golden.check(UsageReportText(paper, language).text + "\n", "\(name).\(code).txt")
            try Golden.check(try UsagePage(paper, language).html(templates), "\(name).\(code).html")
        }
        try Golden.check(UsageReportCSV(paper).text, "\(name).csv")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try Golden.check(String(decoding: try encoder.encode(paper.usage), as: UTF8.self) + "\n", "\(name).json")
    }

    @Test(
        "\u{3A3} of the services, of the days, of the hours and of the CSV is the month's requests", arguments: samples)
    func sums(_ sample: (String, SampleUsage)) throws {
        let paper = try sample.1.paper()
        let all = paper.usage.requests
        #expect(paper.services.reduce(0) { $0 + $1.requests } == all)
        #expect(paper.days.reduce(0) { $0 + $1.requests } == all)
        #expect(paper.days.joined { $0.hours }.reduce(0) { $0 + ($1?.requests ?? 0) } == all)
        let rows = try CSVRows(UsageReportCSV(paper).text).records
        #expect(rows.reduce(Int64(0)) { $0 + (Int64($1["requests"] ?? "") ?? -1) } == all)
    }

    @Test(
        "every reason of a gap has words of its own, in English and German", arguments: Gap.Reason.allCases,
        ["en", "de"])
    func reasons(_ reason: Gap.Reason, _ code: String) throws {
        var sample = SampleUsage()
        sample.gaps = [
            .init(
                gateway: "edge", instance: "envoy-1", from: "2026-10-14T03:05:00Z", to: "2026-10-14T05:09:30Z",
                reason: reason.rawValue, lower: 0, upper: nil)
        ]
        let words = try sample.paper().coverageWords(try Templates.shipped().language(code))
        let said = words.reason(of: words.coverage.gaps[0])
        #expect(said.contains(" ") && said != reason.rawValue.replacing("_", with: " "), "\(said)")
    }

    @Test("no line of the text is wider than 80 columns", arguments: HostileInvoiceTests.names)
    func hostile(_ name: String) throws {
        var sample = SampleUsage()
        sample.tenant = name
        sample.services = [(name, 7), ("plain", 3)]
        let paper = try sample.paper()
        let templates = try Templates.shipped()
        let language = try templates.language("de")
        let text = UsageReportText(paper, language).text
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 0x7F })
        let page = try UsagePage(paper, language).html(templates)
        #expect(!page.lowercased().contains("<script"))
        for cell in try CSVRows(UsageReportCSV(paper).text).rows.joined() {
            let first = cell.unicodeScalars.first { !$0.properties.isWhitespace }
            #expect(!"=+-@\u{FF1D}".unicodeScalars.contains(first ?? "x"), "\(cell)")
        }
    }
}

extension Sequence {
    /// What each element holds, one after another.
    fileprivate func joined<Part: Sequence>(_ parts: (Element) -> Part) -> [Part.Element] { flatMap(parts) }
}
