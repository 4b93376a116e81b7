import LoadBalancerCosts
import Testing

@Suite struct ComparisonVectorTests {
    let catalogue = Fixture.catalogue
    /// The published break-even fees per billion requests; below zero not even a free gateway saves.
    static let breakEvenFees = ["F01": "-162.52", "F02": "-95.85", "F03": "-28.96", "F06": "-0.59", "F07": "180.95"]

    @Test("a comparison has the vector's totals, saving and sign", arguments: Vector.all(["comparison"]))
    func comparison(vector: Vector) throws {
        let series = try TrafficSeries.flat(
            monthlyRequests: vector.input("requests"), bytesPerRequest: vector.input("bytes_per_request"),
            requestsPerConnection: vector.input("requests_per_connection"),
            connectionSeconds: vector.input("connection_seconds"), hours: vector.hours)
        var assumptions = Assumptions()
        assumptions.rules = Int64(vector.inputs["rules"]?.text ?? "") ?? 0
        assumptions.crossZone = vector.inputs["cross_zone"]?.flag ?? false
        assumptions.zones = Int64(vector.inputs["azs"]?.text ?? "") ?? 0
        let sizing = try EnvoySizing(
            vcpuPer1000Requests: vector.input("vcpu_per_1000rps"),
            targetUtilisation: vector.input("target_utilisation"),
            minimumVCPU: vector.input("min_vcpu"), source: "vector")
        let gateway = OwnGateway(sizing: sizing, vcpuHourPrice: vector.input("vcpu_hour_price"))
        let result = try Comparison(series, assumptions, own: gateway, catalogue: catalogue, region: "us-east-1")
        func row(_ key: String) throws -> Comparison.Row {
            try #require(result.alternatives.first { $0.key == key })
        }
        let alb = try row("alb")
        let cost = try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: "us-east-1")
        for (dimension, hours) in cost.use.dimensionHours {
            try vector.expect(hours / vector.hours, dimension.rawValue, of: vector.expected["alb_dims"])
        }
        try vector.expect(cost.use.unitHours / vector.hours, "alb_lcu")
        try vector.expect(alb.total, "alb_month")
        try vector.expect(row("nlb").hours + row("nlb").units, "nlb_month")
        try vector.expect(row("clb").total, "clb_month")
        try vector.expect(result.own.data, "inter_az_month")
        try vector.expect(result.envoy.vcpuHours / vector.hours, "envoy_vcpu")
        try vector.expect(result.own.nodes, "envoy_month")
        try vector.expect(result.own.total, "own_total_before_gateway_fee")
        try vector.expect(#require(alb.saving), "saving_vs_alb_before_fee")
        try vector.expect(#require(alb.savingPercent), "saving_pct_vs_alb_before_fee")
        let breakEven = try #require(alb.breakEvenFeePerBillion)
        #expect(breakEven.cents == Self.breakEvenFees[vector.id])
        let ceiling = try #require(result.sensitivity.first { $0.subject == "ceiling" })
        try vector.expect(ceiling.value, "ceiling_pct_vs_alb (NLB only, free Envoy, no cross-AZ)")
        for (key, name) in [
            ("http_api", "apigw-http"), ("rest_api", "apigw-rest"), ("apigee_standard", "apigee-standard"),
        ] {
            try vector.expect(row(name).total, key)
            try vector.expect(#require(row(name).savingPercent), "saving_pct_vs_\(key)_before_fee")
        }
    }
}
