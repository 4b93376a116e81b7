import Foundation
import LoadBalancerCosts
import Pricing
import TestSupport
import Testing

@testable import Reports

@Suite struct SavingsReportTests {
    private func html(_ report: SavingsReport, _ language: String = "en") throws -> String {
        let templates = try ReportTemplates(directory: Shipped.path("reports"))
        return try SavingsPage(report, in: templates.language(language)).html(templates)
    }

    @Test(
        "the first sentence is right whatever the saving's sign",
        arguments: [
            (Int64(3_600_000), Int64(10), "en", "cost USD 97.49", "more than Application Load Balancer would have"),
            (300_000_000, 100, "en", "saved USD", "less)."),
            (3_600_000, 10, "de", "kostete", "mehr, als Application Load Balancer gekostet hätte"),
            (300_000_000, 100, "de", "sparte 26.457,20", "weniger)."),
        ])
    func headline(requests: Int64, rules: Int64, language: String, one: String, other: String) throws {
        let report = try SampleSavings.report(requests: requests, rules: rules)
        let templates = try ReportTemplates(directory: Shipped.path("reports"))
        let sentence = SavingsWords(report: report, language: try templates.language(language)).headline
        #expect(sentence.contains(one), "\(sentence)")
        #expect(sentence.contains(other), "\(sentence)")
        #expect(!sentence.contains("-") && !sentence.contains("{"), "\(sentence)")
        #expect(try html(report, language).contains(SafeText.xml(sentence)))
    }

    @Test("at the break-even fee the sentence says that both cost the same, without a sign")
    func even() throws {
        let before = try SampleSavings.report(requests: 300_000_000, rules: 100, against: ["alb"])
        let fee = try #require(before.comparison.alternatives[0].saving)
        let page = try html(SampleSavings.report(requests: 300_000_000, rules: 100, fee: fee, against: ["alb"]))
        #expect(page.contains("Your own gateway cost as much as Application Load Balancer would have"))
    }

    @Test("the page has its charts with title and description, the strip of every hour, and no place left open")
    func page() throws {
        let page = try html(SampleSavings.report(requests: 3_600_000, rules: 60))
        for id in ["savings-bars-1", "savings-binding", "savings-curve"] {
            #expect(page.contains("<title id=\"\(id)-title\">"), "\(id)")
            #expect(page.contains("<desc id=\"\(id)-desc\">"), "\(id)")
        }
        #expect(page.components(separatedBy: "2026-11-17 05:00 UTC: ").count == 2)
        #expect(page.contains("2026-11-01 02:00 UTC: idle"))
        #expect(page.contains("rules 480") && page.contains("idle 240"))
        #expect(!page.contains("{{") && !page.contains("<script"))
        #expect(page.contains("offer AWSELB 2026-09-11"))
    }

    @Test("costs that differ by more than twenty times stand in charts of their own, and each alternative in one")
    func scales() throws {
        let report = try SampleSavings.report(requests: 3_600_000)
        let scales = report.scales
        #expect(scales.count > 1)
        #expect(scales.flatMap { $0.map(\.key) }.sorted() == report.comparison.alternatives.map(\.key).sorted())
        for scale in scales {
            let totals = scale.map(\.total)
            #expect(try #require(totals.max()) <= #require(totals.min()) * 20)
        }
    }

    @Test("the curve goes through the comparison's own fee, and falls nowhere as requests grow where bytes bind")
    func curve() throws {
        let report = try SampleSavings.report(requests: 36_000_000, rules: 60, against: ["alb"], bytes: 12_500)
        let here = try #require(report.curve.points.first { $0.bytesPerRequest == report.curve.mean })
        #expect(here.fees["alb"] == report.comparison.alternatives[0].breakEvenFeePerBillion)
        let fees = report.curve.points.filter { $0.bytesPerRequest >= Fraction(20_000) }.compactMap { $0.fees["alb"] }
        #expect(fees.count > 5 && zip(fees, fees.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("a month without requests has a report without a curve, and a name from outside stays text")
    func hostile() throws {
        let name = "=HYPERLINK(\"x\")<script>\u{202E}"
        let report = try SampleSavings.report(requests: 0, gateway: name, against: ["alb", "kong-plus"])
        let page = try html(report)
        #expect(!page.contains("<script>") && !page.contains("\u{202E}") && !page.contains("savings-curve"))
        let text = SavingsReportText(report, try Templates.shipped().language("en")).text
        #expect(!text.contains("\u{202E}") && !text.contains("Break-even fee against the size"))
        #expect(report.csv.split(separator: "\n")[1].hasPrefix("\"'=HYPERLINK(\"\"x\"\")<script>\",2026-11,own,"))
    }

    @Test("text and JSON hold the comparison and the break-even fees by size")
    func text() throws {
        let report = try SampleSavings.report(requests: 3_600_000, against: ["alb", "apigw-http"])
        let text = SavingsReportText(report, try Templates.shipped().language("en")).text
        #expect(text.hasPrefix("Savings report, Gateway edge, 2026-11 (UTC)\n"))
        #expect(text.contains("Break-even fee against the size of a request"))
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]
        let curve = try #require(json?["break_even_curve"] as? [String: Any])
        #expect((curve["points"] as? [[String: Any]])?.count == 25)
        #expect((json?["comparison"] as? [String: Any])?["hour_count"] as? Int == 720)
    }

    /// Savings above and below zero and of nothing, before fee, with every note, and with alternatives that have no price.
    static let samples: [(String, SampleSavings)] = [
        ("savings-cost", SampleSavings(requests: 3_600_000, rules: 10)),
        ("savings-saved", SampleSavings(requests: 300_000_000, rules: 100, fee: Fraction(1_200), adjusts: true)),
        ("savings-nothing", SampleSavings(requests: 0, against: [])),
    ]

    @Test("text, page, CSV and JSON are as they were looked at", arguments: samples)
    func golden(_ name: String, _ sample: SampleSavings) throws {
        let report = try sample.report()
        let templates = try Templates.shipped()
        for code in ["en", "de"] {
            let language = try templates.language(code)
            try Golden.check(SavingsReportText(report, language).text + "\n", "\(name).\(code).txt")
            try Golden.check(try SavingsPage(report, in: language).html(templates), "\(name).\(code).html")
        }
        try Golden.check(report.csv, "\(name).csv")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try Golden.check(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n", "\(name).json")
    }

    @Test("no line of the text is wider than 80 columns, in English and German", arguments: samples, ["en", "de"])
    func width(_ sample: (String, SampleSavings), _ code: String) throws {
        let text = SavingsReportText(try sample.1.report(), try Templates.shipped().language(code)).text
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test("with colour the text is the same text")
    func colour() throws {
        let report = try SampleSavings.report(requests: 3_600_000)
        let language = try Templates.shipped().language("en")
        let coloured = SavingsReportText(report, language, style: TextStyle(hasColour: true)).text
        #expect(coloured.contains("\u{1B}[1m"))
        #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "") == SavingsReportText(report, language).text)
    }

    @Test("everything that another module says in English is said in German", arguments: samples)
    func german(_ sample: (String, SampleSavings)) throws {
        let german = try Templates.shipped().language("de")
        let comparison = try sample.1.report().comparison
        var said = comparison.notes + comparison.sensitivity.map(\.statement)
        said += comparison.assumptionLines.map { $0[2] }.filter { !$0.hasPrefix("--") && $0 != "test" }
        said += comparison.capacityUnitLines.map { $0[1] } + comparison.alternatives.compactMap(\.leftOut)
        said += comparison.unavailable.values
        for text in said { #expect(german.translated(text) != nil, "\(text)") }
    }

    @Test("every name and source of the shipped prices has its German words, or is a name that needs none")
    func germanSources() throws {
        let german = try Templates.shipped().language("de")
        let catalogue = try SampleSavings.catalogue()
        var said = catalogue.gateways.values.flatMap { [$0.name, $0.origin.source, $0.leftOut ?? "none"] }
        for region in catalogue.knownRegions {
            said += PriceItem.allCases.compactMap { catalogue.price($0, in: region)?.source }
        }
        for text in Set(said) where german.translated(text) == nil {
            // Names of files and catalogues, with their dates: no English word is in them.
            let words = text.split(separator: " ").filter { !$0.contains(/[0-9#]/) }
            #expect(Self.names.isSuperset(of: words.map(String.init)), "\(text)")
        }
    }

    private static let names: Set<String> = ["terrapod", "Price", "List", "API"]
}
