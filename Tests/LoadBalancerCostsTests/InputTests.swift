import Foundation
import LoadBalancerCosts
import Testing

@Suite struct InputTests {
    let catalogue = Fixture.catalogue

    static let example = """
        {"region":"us-east-1",
         "assumptions":{"rules":60,"certificate_key":"rsa-2048","mutual_tls":false,"trust_stores":0,"zones":3,"cross_zone":false,
                        "nlb_listener":"tcp","gb":"decimal","lcu_reservation":0},
         "hours":[{"start":"2026-10-01T00:00:00Z","requests":18000,"new_connections":3600,"active_connections":120,
                   "bytes":1080000000,"lambda_bytes":0,"rule_evaluations":null}],
         "repeat":720}
        """

    private func answer(_ text: String) throws -> CostAnswer {
        let file = try TrafficFile(Array(text.utf8), name: "hours.json")
        return try CostAnswer(file.series, file.assumptions, catalogue: catalogue, region: file.region ?? "us-east-1")
    }

    @Test("the example of a traffic file is answered in its published shape")
    func example() throws {
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(answer(Self.example)))
        let answer = try #require(json as? [String: Any])
        let alb = try #require(answer["alb"] as? [String: Any])
        #expect(alb["lcu_hours"] as? String == "777.6")
        #expect(alb["hours"] as? Int == 720)
        #expect(alb["total"] as? String == "22.4208")
        #expect(alb["total_rounded"] as? String == "22.42")
        #expect(alb["binding_hours"] as? [String: Int] == ["bytes": 720])
        #expect((answer["nlb"] as? [String: Any])?["total"] as? String == "20.8656")
        #expect((answer["clb"] as? [String: Any])?["total"] as? String == "24.2208")
        let assumptions = try #require(answer["assumptions"] as? [String: Any])
        #expect(assumptions["rules"] as? Int == 60)
        #expect(assumptions["gb"] as? String == "decimal")
        #expect(((answer["prices"] as? [String: Any])?["alb_hour"] as? [String: Any])?["amount"] as? String == "0.0225")
    }

    @Test("rules are charged from the eleventh, where the hour names no evaluations")
    func rules() throws {
        let text = Self.example.replacing("\"bytes\":1080000000", with: "\"bytes\":0")
        let cost = try #require(answer(text).alb)
        #expect(cost.use.peak.decimal() == "0.25")
        #expect(cost.use.binding == [.rules])
    }

    @Test("a CSV with the same columns has the same answer")
    func csv() throws {
        let text = """
            start,requests,new_connections,active_connections,bytes,lambda_bytes,rule_evaluations
            2026-10-01T00:00:00Z,18000,3600,120,1080000000,0,
            "2026-10-01T01:00:00Z",18000,3600,120.5,1080000000,,900000

            """
        let file = try TrafficFile(Array(text.utf8), name: "hours.csv")
        #expect(file.series.hourCount == 2)
        #expect(file.series.totals.bytes == Fraction(2_160_000_000))
        let cost = try ApplicationLoadBalancerCost(
            file.series, file.assumptions, catalogue: catalogue, region: "us-east-1")
        #expect(cost.use.unitHours.decimal() == "2.16")
    }

    @Test(
        "bad input is refused with its place and the remedy",
        arguments: [
            ("\"requests\":18000", "\"requests\":-1", "hours[0].requests"),
            ("\"requests\":18000", "\"requests\":NaN", "line 4"),
            ("\"requests\":18000", "\"requests\":1e99", "38 digits"),
            ("\"requests\":18000", "\"requests\":\"many\"", "must be a number"),
            ("\"requests\":18000,", "", "lacks `requests`"),
            ("\"requests\":18000", "\"requests\":1,\"requests\":2", "given twice"),
            ("\"requests\":18000", "\"request\":18000", "is not known here"),
            ("T00:00:00Z", "T00:30:00Z", "on the hour"),
            ("T00:00:00Z", "T00:00:00", "not an instant"),
            ("2026-10-01", "2026-02-30", "not an instant"),
            ("\"rules\":60", "\"rules\":-1", "assumptions.rules"),
            ("\"rules\":60", "\"rulez\":60", "is not known here"),
            ("rsa-2048", "rsa-1024", "rsa-4096"),
            ("\"tcp\"", "\"quic\"", "tcp, tls, udp"),
            ("\"zones\":3", "\"zones\":0", "assumptions.zones"),
            ("\"decimal\"", "\"metric\"", "decimal, binary"),
            ("\"repeat\":720", "\"repeat\":0", "whole number from 1"),
            ("\"repeat\":720", "\"repeat\":1.5", "whole number from 1"),
            ("us-east-1", "mars-1", "waybill prices import"),
            ("\"hours\":[", "\"hours\":[],\"more\":[", "is not known here"),
            ("\"repeat\":720}", "\"repeat\":720", "not JSON"),
        ])
    func badTraffic(old: String, new: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) {
            try answer(Self.example.replacing(old, with: new))
        }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
    }

    @Test(
        "bad CSV is refused with its line and column",
        arguments: [
            ("start,requests,new_connections,active_connections\n", "'bytes' is missing"),
            ("start,requests,new_connections,active_connections,bytes,color\n", "'color' is not known"),
            (
                "start,requests,new_connections,active_connections,bytes\n2026-10-01T00:00:00Z,1,1,1,inf\n",
                "line 2, bytes"
            ),
            (
                "start,requests,new_connections,active_connections,bytes\n2026-10-01T00:00:00Z,1,1,1,1,000\n",
                "6 fields where the header has 5"
            ),
            (
                "start,requests,new_connections,active_connections,bytes\n2026-10-01T00:00:00Z,1,1,,1\n",
                "line 2, active_connections"
            ),
            ("start,requests,new_connections,active_connections,bytes\n", "no hour"),
            ("start,requests,new_connections,active_connections,bytes\n\"2026", "does not end"),
            (
                "start,requests,new_connections,active_connections,bytes\n2026-10-01T00:00:00Z,1,1,1,1\n"
                    + "2026-10-01T02:00:00+02:00,1,1,1,1\n", "must not overlap"
            ), ("", "is empty"),
        ])
    func badCSV(text: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) { try TrafficFile(Array(text.utf8), name: "hours.csv") }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
    }

    @Test("a load balancer without a price in the region is named, and never priced by another region")
    func missingPrices() throws {
        let result = try answer(Self.example.replacing("us-east-1", with: "eu-west-2"))
        #expect(result.alb?.total.decimal() == "25.272")
        #expect(result.nlb == nil && result.clb == nil)
        #expect(result.unavailable["nlb"]?.contains("eu-west-2/index.json") == true)
    }

    @Test("a fee in another currency is refused")
    func currencies() throws {
        var gateway = OwnGateway(sizing: catalogue.envoy)
        gateway.fee = .one
        gateway.feeCurrency = "EUR"
        let series = try TrafficFile(Array(Self.example.utf8), name: "hours.json").series
        let error = #expect(throws: LoadBalancerCostError.self) {
            try Comparison(series, Assumptions(), own: gateway, catalogue: catalogue, region: "us-east-1")
        }
        #expect(error?.code == .mixedCurrencies)
    }

    @Test("an alternative priced in another currency is not compared")
    func foreignAlternative() throws {
        var china = catalogue
        let yuan = ListPrice(amount: .one, currency: "CNY", source: "test", date: "2026", inferred: false)
        for item in PriceItem.allCases { china.regions["cn-northwest-1"]?.prices[item] = yuan }
        let series = try TrafficFile(Array(Self.example.utf8), name: "hours.json").series
        let result = try Comparison(
            series, Assumptions(), own: OwnGateway(sizing: catalogue.envoy), catalogue: china, region: "cn-northwest-1",
            against: ["alb", "apigw-http"])
        #expect(result.alternatives.map(\.key) == ["alb"])
        #expect(result.unavailable["apigw-http"]?.contains("CNY") == true)
    }

    @Test("an unknown alternative is refused with those that are known")
    func unknownAlternative() throws {
        let series = try TrafficFile(Array(Self.example.utf8), name: "hours.json").series
        let error = #expect(throws: LoadBalancerCostError.self) {
            try Comparison(
                series, Assumptions(), own: OwnGateway(sizing: catalogue.envoy), catalogue: catalogue,
                region: "us-east-1",
                against: ["elb"])
        }
        #expect(try #require(error).message.contains("apigw-http"))
    }

    @Test("a missing dot in the price files names file, line and field")
    func badPrices() throws {
        let text =
            "regions:\n  us-east-1:\n    currency: USD\n    prices:\n      alb_hour: { amount: \"0,0225\", source: s, date: d, inferred: false }\n"
        let error = #expect(throws: LoadBalancerCostError.self) {
            try PriceCatalogue(files: [PriceFile(name: "prices.yaml", text: text)])
        }
        #expect(try #require(error).message.contains("prices.yaml:5: regions.us-east-1.prices.alb_hour.amount"))
    }
}
