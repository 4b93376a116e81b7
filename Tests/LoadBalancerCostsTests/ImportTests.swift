import Foundation
import LoadBalancerCosts
import Testing

@Suite struct ImportTests {
    let catalogue = Fixture.catalogue

    private func imported(_ name: String, _ change: (String) -> String = { $0 }) throws -> PriceListImport {
        try PriceListImport(Array(change(Fixture.text(name)).utf8), name: name)
    }

    @Test("JSON and CSV of one price list select the same prices, and no decoy")
    func selection() throws {
        let json = try imported("sample_AWSELB_index.json")
        let csv = try imported("sample_AWSELB_index.csv")
        #expect(json.selected == csv.selected)
        let prices = json.selected.map { "\($0.region) \($0.item.rawValue) \($0.price.amount)" }
        #expect(
            prices == [
                "eu-west-1 alb_lcu 0.008", "eu-west-2 alb_hour 0.02646", "eu-west-2 alb_lcu 0.008",
                "eu-west-2 trust_store_hour 0.0059", "us-east-1 alb_hour 0.0225", "us-east-1 alb_lcu 0.008",
                "us-east-1 alb_reserved_lcu 0.008", "us-east-1 clb_gb 0.008", "us-east-1 clb_hour 0.025",
                "us-east-1 gwlb_hour 0.0125", "us-east-1 nlb_hour 0.0225", "us-east-1 nlb_lcu 0.006",
                "us-east-1 trust_store_hour 0.005",
            ])
        #expect(json.leftOut == 3)
        #expect(json.selected.allSatisfy { $0.price.date == "2026-09-01" })
    }

    @Test("the China price list keeps its currency apart")
    func china() throws {
        let list = try imported("sample_AWSELB_cn_index.json")
        #expect(list.selected.map(\.price.currency) == ["CNY", "CNY"])
        let merged = try catalogue.importing(list)
        #expect(merged.price(.albUnit, in: "cn-northwest-1")?.amount.decimal() == "0.072")
        let dollars = try imported("sample_AWSELB_cn_index.json") { $0.replacing("\"CNY\":", with: "\"USD\":") }
        #expect(throws: LoadBalancerCostError.self) { try catalogue.importing(dollars) }
    }

    @Test("an imported price stands above the shipped one, and the others stay")
    func merged() throws {
        let list = try imported("sample_AWSELB_index.json") { $0.replacing("0.0264600000", with: "0.0300000000") }
        let merged = try catalogue.importing(list)
        #expect(merged.price(.albHour, in: "eu-west-2")?.amount.decimal() == "0.03")
        #expect(merged.price(.clbHour, in: "eu-west-2")?.amount.decimal() == "0.0294")
    }

    @Test(
        "a price list that can not be trusted is refused",
        arguments: [
            ("\"offerCode\": \"AWSELB\"", "\"offerCode\": \"AmazonEC2\"", "AmazonEC2"),
            ("EUW2-TS-LoadBalancerUsage", "EUW2-LoadBalancerUsage", "SMPALBHREUW20012"),
            ("\"AWS Outposts\"", "\"AWS Region\"", ""),
            ("\"regionCode\": \"us-east-1\"", "\"regionCode\": \"\"", "no regionCode"),
            ("\"unit\": \"LCU-Hrs\"", "\"unit\": \"Hrs\"", "expected 'LCU-Hrs'"),
            ("\"beginRange\": \"0\"", "\"beginRange\": \"100\"", "begins at 100"),
            ("\"USD\": \"0.0225000000\"", "\"USD\": \"free\"", "is not a decimal"),
            ("\"USD\": \"0.0225000000\"", "\"USD\": \"1\", \"CNY\": \"2\"", "2 currencies"),
        ])
    func refused(old: String, new: String, names: String) throws {
        guard !names.isEmpty else {
            // An Outposts row stays out by its usage type even where its location type says Region.
            #expect(try imported("sample_AWSELB_index.json") { $0.replacing(old, with: new) }.selected.count == 13)
            return
        }
        let error = #expect(throws: LoadBalancerCostError.self) {
            try imported("sample_AWSELB_index.json") { $0.replacing(old, with: new) }
        }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
    }

    @Test("the range is read under both of its names, and other terms than OnDemand are ignored")
    func shapes() throws {
        let list = try imported("sample_AWSELB_index.json") {
            $0.replacing("beginRange", with: "startingRange")
                .replacing(
                    "\"terms\": {", with: "\"terms\": {\"FlatRate\": {\"x\": {\"y\": {\"priceDimensions\": 1}}},")
        }
        #expect(list.selected.count == 13)
    }

    @Test("a file above 256 MB is refused, naming the regional file")
    func size() throws {
        try PriceListImport.checkSize(PriceListImport.maximumBytes, name: "index.json")
        let error = #expect(throws: LoadBalancerCostError.self) {
            try PriceListImport.checkSize(PriceListImport.maximumBytes + 1, name: "index.json")
        }
        #expect(try #require(error).message.contains("<region>/index.json"))
    }

    // MARK: CloudWatch

    private func cloudWatch(_ names: [String], _ change: (String) -> String = { $0 }) throws -> CloudWatchAnswer {
        let files = try names.map { (name: $0, bytes: Array(change(try Fixture.text($0)).utf8)) }
        return try CloudWatchAnswer(
            CloudWatchMetrics(files), Assumptions(), own: OwnGateway(sizing: catalogue.envoy), catalogue: catalogue,
            region: "us-east-1")
    }

    @Test("CloudWatch output, newest first, is billed by Sum(ConsumedLCUs)")
    func metricData() throws {
        let answer = try cloudWatch(["sample_get_metric_data.json"])
        #expect(answer.kind == .alb)
        #expect(answer.hours == 3)
        #expect(answer.unitHours?.decimal() == "2.7")
        #expect(answer.total.decimal() == "0.0891")
        #expect(answer.bindingHours == [.bytes: 3])
        #expect(try #require(answer.saving) < .zero)
    }

    @Test("unordered statistics with capacity units alone price the load balancer and not the gateway")
    func statistics() throws {
        let answer = try cloudWatch(["sample_get_metric_statistics.json"])
        #expect(answer.total.decimal() == "0.0891")
        #expect(answer.own == nil && answer.saving == nil)
        #expect(answer.notes.contains { $0.contains("--kind nlb") })
    }

    @Test("an hour without a point is an hour without traffic, and still an hour")
    func missingPoint() throws {
        let answer = try cloudWatch(["sample_get_metric_statistics.json"]) {
            $0.replacing("2026-10-01T02:00:00", with: "2026-10-01T09:00:00")
        }
        #expect(answer.hours == 10)
        #expect(answer.unitHours?.decimal() == "2.7")
    }

    @Test("the hours of the period without a point cost their hour")
    func period() throws {
        var metrics = try CloudWatchMetrics([
            (name: "metrics.json", bytes: try Fixture.bytes("sample_get_metric_data.json"))
        ])
        try metrics.fill(from: "2026-10-01T00:00:00Z", to: "2026-11-01T00:00:00Z")
        let answer = try CloudWatchAnswer(
            metrics, Assumptions(), own: OwnGateway(sizing: catalogue.envoy), catalogue: catalogue, region: "us-east-1")
        #expect(answer.hours == 744)
        #expect(answer.total.decimal() == "16.7616")
        #expect(throws: LoadBalancerCostError.self) { try metrics.fill(from: "2026-10-01T00:00:00Z", to: "2026-10-01") }
    }

    @Test(
        "a CloudWatch file that would understate or mislead is refused",
        arguments: [
            ("\"Complete\"", "\"PartialData\"", "PartialData"), ("\"Complete\"", "\"Forbidden\"", "Forbidden"),
            ("\"Label\": \"ConsumedLCUs\"", "\"Label\": \"CPUUtilization\"", "is no metric of a load balancer"),
            ("\"Label\": \"RequestCount\"", "\"Label\": \"NewFlowCount\"", "AWS/NetworkELB"),
            ("\"Label\": \"PeakLCUs\"", "\"Label\": \"ConsumedLCUs\"", "two points"),
            ("\"Messages\": []", "\"NextToken\": \"x\"", "NextToken"),
            ("1.08,\n    1.08,\n    0.54", "1.08, 1.08", "3 Timestamps and 2 Values"),
            ("0.54", "-0.54", "can not be negative"),
            ("2026-10-01T02:00:00+00:00", "yesterday", "not an ISO 8601 instant"),
        ])
    func refusedMetrics(old: String, new: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) {
            try cloudWatch(["sample_get_metric_data.json"]) { $0.replacing(old, with: new) }
        }
        #expect(try #require(error).message.contains(names) == true, "\(error?.message ?? "")")
    }

    @Test("an Average is refused: it is the sum divided by its samples")
    func average() throws {
        let error = #expect(throws: LoadBalancerCostError.self) {
            try cloudWatch(["sample_get_metric_statistics.json"]) { $0.replacing("\"Sum\"", with: "\"Average\"") }
        }
        #expect(try #require(error).message.contains("--statistics Sum"))
    }

    @Test("the queries are not their answer")
    func queries() throws {
        let error = #expect(throws: LoadBalancerCostError.self) { try cloudWatch(["cloudwatch_queries_alb.json"]) }
        #expect(try #require(error).message.contains("get-metric-data"))
    }

    // MARK: Access logs

    private static func logLine(_ time: String, _ connection: String, extra: String = "") -> String {
        "https \(time) app/shop/50dc 192.0.2.1:2817 10.0.0.1:80 0.001 0.002 0.000 200 200 300 700 "
            + "\"GET https://shop.example:443/a HTTP/1.1\" \"curl/8.0 (a b)\" ECDHE TLSv1.2 arn:tg \"Root=1-5\" \"shop.example\" "
            + "\"arn:cert\" 12 \(time) \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" \"-\" \(connection)\(extra)\n"
    }

    @Test("access logs of 30 and of 34 fields make an estimate, called so")
    func accessLogs() throws {
        let text =
            Self.logLine("2026-10-01T00:10:00.000000Z", "TID_a") + Self.logLine("2026-10-01T00:40:00.000000Z", "TID_a")
            + Self.logLine("2026-10-01T02:00:01.5Z", "TID_b", extra: " \"-\" \"-\" \"-\" 10.0.0.9")
        let bytes = Array(text.utf8)
        #expect(AccessLogEstimate.recognises(bytes))
        let log = try AccessLogEstimate([(name: "alb.log", bytes: bytes)])
        #expect(log.note.hasPrefix("estimate"))
        #expect(log.lines == 3)
        #expect(log.series.hourCount == 3)
        #expect(log.series.totals.requests == Fraction(3))
        #expect(log.series.totals.bytes == Fraction(3_000))
        #expect(log.series.totals.newConnections == Fraction(2))
    }

    @Test("a truncated access log line is refused with its line")
    func brokenLog() throws {
        let text = Self.logLine("2026-10-01T00:10:00.000000Z", "TID_a") + "https 2026-10-01T00:10:00.000000Z app/shop\n"
        let error = #expect(throws: LoadBalancerCostError.self) {
            try AccessLogEstimate([(name: "alb.log", bytes: Array(text.utf8))])
        }
        #expect(try #require(error).message.contains("alb.log, line 2: 3 fields"))
    }

    @Test(
        "the command names the metrics of its kind, and refuses a name or a period that is none",
        arguments: [
            (LoadBalancerKind.alb, "app/shop/50dc6c495c0c9188", "2026-10-01T00:00:00Z", true),
            (.nlb, "net/shop/50dc6c495c0c9188", "2026-10-01T00:00:00Z", true),
            (.clb, "shop", "2026-10-01T00:00:00Z", true), (.alb, "shop", "2026-10-01T00:00:00Z", false),
            (.clb, "x' ; rm -rf /", "2026-10-01T00:00:00Z", false), (.clb, "shop", "yesterday", false),
            (.clb, "shop", "2026-12-01T00:00:00Z", false),
        ])
    func command(kind: LoadBalancerKind, name: String, from: String, isRight: Bool) throws {
        func command() throws -> String {
            try CloudWatchMetrics.command(kind, loadBalancer: name, from: from, to: "2026-11-01T00:00:00Z")
        }
        guard isRight else {
            #expect(throws: LoadBalancerCostError.self) { try command() }
            return
        }
        let text = try command()
        #expect(text.contains("\"Namespace\":\"\(kind.namespace)\"") && text.contains("\"Period\":3600"))
        #expect(text.contains("\"Value\":\"\(name)\""))
    }
}
