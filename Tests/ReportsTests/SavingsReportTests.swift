import Foundation
import LoadBalancerCosts
import Pricing
import TestSupport
import Testing

@testable import Reports

@Suite struct SavingsReportTests {
    private static let start: Int64 = 1_793_491_200_000_000

    private func catalogue() throws -> PriceCatalogue {
        let directory = Shipped.path("config/prices")
        return try PriceCatalogue(
            files: FileManager.default.contentsOfDirectory(atPath: directory).sorted().map { name in
                PriceFile(name: name, text: try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8))
            })
    }

    /// November 2026 in UTC, every third hour idle; `requests` an hour of 2 KB each.
    private func report(
        requests: Int64, rules: Int64 = 10, gateway: String = "edge", fee: Fraction? = nil, against: [String]? = nil,
        bytes: Int64 = 2_000
    ) throws -> SavingsReport {
        let hours = (Int64(0)..<720).map { index in
            let count = index % 3 == 2 ? 0 : requests
            return TrafficHour(
                start: Self.start + index * 3_600_000_000, requests: count, newConnections: count / 20,
                activeConnections: Fraction(count / 1_000), bytes: count * bytes)
        }
        var assumptions = Assumptions()
        try assumptions.set(.rules, to: "\(rules)", source: "test")
        let catalogue = try catalogue()
        var own = OwnGateway(sizing: catalogue.envoy)
        own.fee = fee
        let comparison = try Comparison(
            TrafficSeries(hours), assumptions, own: own, catalogue: catalogue, region: "us-east-1", against: against,
            isMetered: true)
        return SavingsReport(
            gateway: gateway, month: "2026-11", period: try BillingPeriod(month: "2026-11", zone: "UTC"),
            comparison: comparison, curve: try BreakEvenCurve(comparison, catalogue: catalogue))
    }

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
        let report = try report(requests: requests, rules: rules)
        let templates = try ReportTemplates(directory: Shipped.path("reports"))
        let sentence = try SavingsPage(report, in: templates.language(language)).headline
        #expect(sentence.contains(one), "\(sentence)")
        #expect(sentence.contains(other), "\(sentence)")
        #expect(!sentence.contains("-") && !sentence.contains("{"), "\(sentence)")
        #expect(try html(report, language).contains(SafeText.xml(sentence)))
    }

    @Test("at the break-even fee the sentence says that both cost the same, without a sign")
    func even() throws {
        let before = try report(requests: 300_000_000, rules: 100, against: ["alb"])
        let fee = try #require(before.comparison.alternatives[0].saving)
        let page = try html(report(requests: 300_000_000, rules: 100, fee: fee, against: ["alb"]))
        #expect(page.contains("Your own gateway cost as much as Application Load Balancer would have"))
    }

    @Test("the page has its charts with title and description, the strip of every hour, and no place left open")
    func page() throws {
        let page = try html(report(requests: 3_600_000, rules: 60))
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
        let report = try report(requests: 3_600_000)
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
        let report = try report(requests: 36_000_000, rules: 60, against: ["alb"], bytes: 12_500)
        let here = try #require(report.curve.points.first { $0.bytesPerRequest == report.curve.mean })
        #expect(here.fees["alb"] == report.comparison.alternatives[0].breakEvenFeePerBillion)
        let fees = report.curve.points.filter { $0.bytesPerRequest >= Fraction(20_000) }.compactMap { $0.fees["alb"] }
        #expect(fees.count > 5 && zip(fees, fees.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("a month without requests has a report without a curve, and a name from outside stays text")
    func hostile() throws {
        let name = "=HYPERLINK(\"x\")<script>\u{202E}"
        let report = try report(requests: 0, gateway: name, against: ["alb", "kong-plus"])
        let page = try html(report)
        #expect(!page.contains("<script>") && !page.contains("\u{202E}") && !page.contains("savings-curve"))
        #expect(report.text.contains("no requests, so no fee per request"))
        #expect(report.csv.split(separator: "\n")[1].hasPrefix("\"'=HYPERLINK(\"\"x\"\")<script>\",2026-11,own,"))
    }

    @Test("text and JSON hold the comparison and the break-even fees by size")
    func text() throws {
        let report = try report(requests: 3_600_000, against: ["alb", "apigw-http"])
        #expect(report.text.hasPrefix("Savings report of the gateway edge, 2026-11\n\nYour own gateway cost"))
        #expect(report.text.contains("break-even fee per billion requests by the size of a request:"))
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]
        let curve = try #require(json?["break_even_curve"] as? [String: Any])
        #expect((curve["points"] as? [[String: Any]])?.count == 25)
        #expect((json?["comparison"] as? [String: Any])?["hour_count"] as? Int == 720)
    }
}
