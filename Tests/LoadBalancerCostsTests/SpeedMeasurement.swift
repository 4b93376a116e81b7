import Foundation
import LoadBalancerCosts
import Testing

/// The figures of docs/performance.md: run with WAYBILL_MEASURE=1 in release; prints times and judges none.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["WAYBILL_MEASURE"] != nil))
struct SpeedMeasurement {
    private let clock = ContinuousClock()

    @Test("a year of hours for 1,000 gateways against all alternatives")
    func comparisons() throws {
        var generator = Generator(state: 1)
        let hours = (Int64(0)..<8_760).map { index in
            TrafficHour(
                start: index * 3_600_000_000, requests: Int64.random(in: 0...50_000_000, using: &generator),
                newConnections: .random(in: 0...1_000_000, using: &generator),
                activeConnections: Fraction(Int64.random(in: 0...10_000, using: &generator)),
                bytes: .random(in: 0...100_000_000_000, using: &generator))
        }
        var rows = 0
        let time = try clock.measure {
            for _ in 0..<1_000 {
                let comparison = try Comparison(
                    TrafficSeries(hours), Assumptions(), own: OwnGateway(sizing: Fixture.catalogue.envoy),
                    catalogue: Fixture.catalogue, region: "us-east-1")
                rows += comparison.alternatives.count
            }
        }
        print("1,000 gateways × 8,760 hours × 9 alternatives: \(time)")
        #expect(rows == 9_000)
    }

    @Test("an offer file of 20 MB")
    func importing() throws {
        let file = Self.offer(bytes: 20_000_000)
        var selected = 0
        let time = try clock.measure { selected = try PriceListImport(file, name: "offer").selected.count }
        print("offer of \(file.count) bytes, \(selected) prices selected: \(time)")
        #expect(selected == 34)
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
