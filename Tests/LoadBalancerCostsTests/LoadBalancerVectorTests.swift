import Foundation
import LoadBalancerCosts
import Testing

struct Vector: Decodable, Sendable, CustomTestStringConvertible {
    let id: String
    let title: String
    let kind: String
    let inputs: [String: VectorValue]
    let expected: [String: VectorValue]
    var testDescription: String { "\(id) \(title)" }

    struct File: Decodable { let vectors: [Vector] }

    static func all(_ kinds: Set<String>) -> [Vector] {
        do {
            let file = try JSONDecoder().decode(File.self, from: Data(Fixture.bytes("load_balancer_costs.json")))
            return file.vectors.filter { kinds.contains($0.kind) }
        } catch {
            preconditionFailure("the vectors do not load: \(error)")
        }
    }

    func input(_ key: String) -> Fraction { inputs[key]?.fraction ?? .zero }
    var region: String { inputs["region"]?.text ?? "us-east-1" }
    /// The month's hours; those vectors that name none are of 730.
    var hours: Int64 { Int64(expected["hours"]?.text ?? inputs["hours"]?.text ?? "730") ?? 730 }

    func expect(_ value: Fraction, _ key: String, of group: VectorValue? = nil) throws {
        guard let wanted = (group.map { $0[key] } ?? expected[key])?.text else { return }
        #expect(value.rounded(like: wanted) == wanted, "\(id) \(key)")
    }
}

@Suite struct LoadBalancerVectorTests {
    let catalogue = Fixture.catalogue

    @Test("an application load balancer costs what the vector says", arguments: Vector.all(["alb"]))
    func alb(vector: Vector) throws {
        let hour = TrafficHour(
            start: 0, requests: .zero, newConnections: try vector.input("new_per_s") * 3_600,
            activeConnections: vector.input("active"), bytes: vector.input("std_bytes_h"),
            lambdaBytes: vector.input("lambda_bytes_h"), ruleEvaluations: try vector.input("rule_evals_s") * 3_600)
        let series = try TrafficSeries([hour], repeats: vector.hours)
        var assumptions = Assumptions()
        assumptions.mutualTLS = vector.inputs["mtls"]?.flag ?? false
        let cost = try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: vector.region)
        let dimensions = try #require(vector.expected["dims"])
        for dimension in CapacityDimension.allCases {
            let hours = try #require(cost.use.dimensionHours[dimension])
            try vector.expect(hours / vector.hours, dimension.rawValue, of: dimensions)
        }
        try vector.expect(cost.use.unitHours / vector.hours, "lcu")
        #expect(vector.expected["dominant"]?.text == cost.use.binding.first?.rawValue)
        try vector.expect(cost.lcuCharge / vector.hours, "lcu_cost_per_hour")
        try vector.expect(cost.total / vector.hours, "hourly_total")
        try vector.expect(cost.hourCharge, "hourly_part_month")
        try vector.expect(cost.lcuCharge, "lcu_part_month")
        try vector.expect(cost.total, "month_usd_exact")
        try vector.expect(cost.total, "month_usd")
        guard vector.expected["trust_store_month"] != nil else { return }
        assumptions.trustStores = 1
        let trusted = try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: vector.region)
        try vector.expect(trusted.trustStoreCharge, "trust_store_month")
        try vector.expect(trusted.total, "month_with_trust_store")
    }

    @Test("hours and LCU-hours alone cost what the vector says", arguments: Vector.all(["alb_total", "alb_cny"]))
    func albTotal(vector: Vector) throws {
        let hours = Int64(vector.inputs["hours"]?.text ?? "") ?? 0
        let units = try vector.inputs["lcu_hours"]?.fraction ?? vector.input("lcu") * hours
        let bytes = try units / hours * Int64(1_000_000_000)
        let series = try TrafficSeries([idleHour(bytes: bytes)], repeats: hours)
        let region = vector.kind == "alb_cny" ? "cn-northwest-1" : "us-east-1"
        let cost = try ApplicationLoadBalancerCost(series, Assumptions(), catalogue: catalogue, region: region)
        #expect(cost.use.unitHours == units)
        #expect(cost.currency == vector.expected["currency"]?.text ?? "USD")
        for key in ["month_usd_exact", "month_usd", "month_exact", "month"] { try vector.expect(cost.total, key) }
    }

    @Test("a partial hour is a whole hour", arguments: Vector.all(["alb_partial"]))
    func partialHours(vector: Vector) throws {
        guard case .list(let counts) = try #require(vector.inputs["new_connections_per_clock_hour"]) else { return }
        let hours = try counts.enumerated().map { index, count in
            TrafficHour(
                start: Int64(index) * 3_600_000_000, requests: .zero, newConnections: try #require(count.fraction),
                activeConnections: .zero, bytes: .zero)
        }
        let cost = try ApplicationLoadBalancerCost(
            TrafficSeries(hours), Assumptions(), catalogue: catalogue, region: "us-east-1")
        #expect("\(cost.hours)" == vector.expected["lb_hours"]?.text)
        try vector.expect(cost.total, "usd_exact")
    }

    @Test("a network load balancer costs what the vector says", arguments: Vector.all(["nlb", "nlb_units"]))
    func nlb(vector: Vector) throws {
        var listeners: [(listener: ListenerProtocol, series: TrafficSeries)] = []
        for (name, input) in vector.inputs {
            let listener = try #require(ListenerProtocol(rawValue: name.lowercased()))
            let hour = TrafficHour(
                start: 0, requests: .zero, newConnections: try (input["new_per_s"]?.fraction ?? .zero) * 3_600,
                activeConnections: input["active"]?.fraction ?? .zero, bytes: input["bytes_h"]?.fraction ?? .zero)
            listeners.append((listener, try TrafficSeries([hour], repeats: vector.hours)))
        }
        let cost = try NetworkLoadBalancerCost(listeners, Assumptions(), catalogue: catalogue, region: "us-east-1")
        for (listener, use) in cost.use {
            let wanted = try #require(vector.expected["per_protocol"]?[listener.rawValue.uppercased()])
            for (dimension, hours) in use.dimensionHours {
                try vector.expect(hours / vector.hours, dimension.rawValue, of: wanted["dims"])
            }
            try vector.expect(use.unitHours / vector.hours, "nlcu", of: wanted)
        }
        try vector.expect(cost.unitHours / vector.hours, "nlcu")
        try vector.expect(cost.total / vector.hours, "hourly_total")
        try vector.expect(cost.total, "month_usd_exact")
        try vector.expect(cost.total, "month_usd")
    }

    @Test("hours and NLCU-hours alone cost what the vector says", arguments: Vector.all(["nlb_total"]))
    func nlbTotal(vector: Vector) throws {
        let hours = Int64(vector.inputs["hours"]?.text ?? "") ?? 0
        let bytes = try vector.input("nlcu_hours") / hours * Int64(1_000_000_000)
        let series = try TrafficSeries([idleHour(bytes: bytes)], repeats: hours)
        let cost = try NetworkLoadBalancerCost(series, Assumptions(), catalogue: catalogue, region: "us-east-1")
        try vector.expect(cost.total, "month_usd_exact")
        try vector.expect(cost.total, "month_usd")
    }

    @Test("a classic load balancer costs hours and GB", arguments: Vector.all(["clb"]))
    func clb(vector: Vector) throws {
        let bytes = try vector.input("gb") * Int64(1_000_000_000) / vector.hours
        let series = try TrafficSeries([idleHour(bytes: bytes)], repeats: vector.hours)
        let cost = try ClassicLoadBalancerCost(series, Assumptions(), catalogue: catalogue, region: "us-east-1")
        try vector.expect(cost.total, "month_usd_exact")
        try vector.expect(cost.total, "month_usd")
    }

    @Test("data between zones is charged at both ends", arguments: Vector.all(["inter_az"]))
    func interZone(vector: Vector) throws {
        var assumptions = Assumptions()
        assumptions.crossZone = true
        assumptions.zones = Int64(vector.inputs["azs"]?.text ?? "") ?? 0
        let series = try TrafficSeries([idleHour(bytes: vector.input("gb") * Int64(1_000_000_000))])
        let cost = try InterZoneCost(series, assumptions, catalogue: catalogue, region: "us-east-1")
        try vector.expect(cost.crossingGigabytes, "crossing_gb")
        try vector.expect(cost.total, "usd_exact")
        try vector.expect(cost.total, "usd")
    }

    @Test("each zone has a public address", arguments: Vector.all(["ipv4"]))
    func addresses(vector: Vector) throws {
        let series = try TrafficSeries([idleHour(bytes: .zero)], repeats: vector.hours)
        let cost = try AddressCost(series, Assumptions(), catalogue: catalogue, region: "us-east-1")
        try vector.expect(cost.total, "usd_exact")
    }

    @Test("a request-priced gateway follows its tiers", arguments: Vector.all(["apigw_http", "tiers"]))
    func tiers(vector: Vector) throws {
        let requests = try vector.input("millions") * Int64(1_000_000)
        let names = [
            "usd_exact": "apigw-http", "http_api": "apigw-http", "rest_api": "apigw-rest",
            "apigee_standard": "apigee-standard",
        ]
        for key in vector.expected.keys {
            let name = try #require(names[key])
            let gateway = try #require(catalogue.gateways[name])
            try vector.expect(gateway.requestCharge(requests), key)
        }
    }

    private func idleHour(bytes: Fraction) -> TrafficHour {
        TrafficHour(start: 0, requests: .zero, newConnections: .zero, activeConnections: .zero, bytes: bytes)
    }
}
