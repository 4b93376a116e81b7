import Foundation
import LoadBalancerCosts

/// Comparisons of a year, and the import of AWS's price list.
struct LoadBalancerBenchmarks {
    static let all = [
        Benchmark("comparisons", "a year of hours for 1,000 gateways against nine alternatives", comparisons),
        Benchmark("price-list", "an AWSELB offer file of 20 MB read, selected and checked", priceList),
    ]

    private static func comparisons(_ stopwatch: Stopwatch) throws {
        let prices = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("config/prices")
        let files = try FileManager.default.contentsOfDirectory(atPath: prices.path).filter { $0.hasSuffix(".yaml") }
        let catalogue = try PriceCatalogue(
            files: files.map {
                PriceFile(
                    name: $0, text: try String(contentsOfFile: prices.appendingPathComponent($0).path, encoding: .utf8))
            })
        var generator = SystemRandomNumberGenerator()
        let hours = (Int64(0)..<8_760).map { index in
            TrafficHour(
                start: index * 3_600_000_000, requests: Int64.random(in: 0...50_000_000, using: &generator),
                newConnections: .random(in: 0...1_000_000, using: &generator),
                activeConnections: Fraction(Int64.random(in: 0...10_000, using: &generator)),
                bytes: .random(in: 0...100_000_000_000, using: &generator))
        }
        try stopwatch.measure(1_000, "comparisons") {
            for _ in 0..<1_000 {
                _ = try Comparison(
                    TrafficSeries(hours), Assumptions(), own: OwnGateway(sizing: catalogue.envoy),
                    catalogue: catalogue, region: "us-east-1")
            }
        }
    }

    private static func priceList(_ stopwatch: Stopwatch) throws {
        let file = offer(bytes: 20_000_000)
        try stopwatch.measure(Int64(file.count), "bytes") { _ = try PriceListImport(file, name: "offer") }
    }

    /// An offer in AWS' shape: 34 regions, and as many Outposts rows, which are not selected, as the size takes.
    private static func offer(bytes: Int) -> [UInt8] {
        var products: [String] = []
        var terms: [String] = []
        var size = 0
        while size < bytes {
            let index = products.count
            let sku = "SKU\(index)"
            let kind = index < 34 ? "AWS Region" : "AWS Outposts"
            products.append(
                """
                "\(sku)":{"sku":"\(sku)","productFamily":"Load Balancer-Application","attributes":{"servicecode":"AWSELB",
                "location":"Region \(index)","locationType":"\(kind)","group":"ELB:Balancing",
                "groupDescription":"LoadBalancer hourly usage by Application Load Balancer",
                "usagetype":"LoadBalancerUsage","operation":"LoadBalancing:Application","regionCode":"xx-\(index)",
                "servicename":"Elastic Load Balancing"}}
                """)
            let term = "\(sku).JRTCKXETXF"
            terms.append(
                """
                "\(sku)":{"\(term)":{"offerTermCode":"JRTCKXETXF","sku":"\(sku)","effectiveDate":"2026-09-01T00:00:00Z",
                "priceDimensions":{"\(term).6YS6EN2CT7":{"rateCode":"\(term).6YS6EN2CT7","description":"hour","unit":"Hrs",
                "beginRange":"0","endRange":"Inf","pricePerUnit":{"USD":"0.0225000000"},"appliesTo":[]}},
                "termAttributes":{}}}
                """)
            size += products[index].utf8.count + terms[index].utf8.count + 2
        }
        return Array(
            """
            {"formatVersion":"v1.0","disclaimer":"","offerCode":"AWSELB","version":"1","publicationDate":"2026-09-11",
            "products":{\(products.joined(separator: ","))},"terms":{"OnDemand":{\(terms.joined(separator: ","))}}}
            """.utf8)
    }
}
