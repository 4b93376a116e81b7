import Foundation
import LoadBalancerCosts
import Pricing
import Reports
import TestSupport

/// Savings reports made for these tests: November 2026 in UTC, every third hour idle.
struct SampleSavings: Sendable {
    /// An hour.
    var requests: Int64
    var rules: Int64 = 10
    var gateway = "edge"
    var fee: Fraction?
    var against: [String]?
    /// Both ways, a request.
    var bytes: Int64 = 2_000
    /// Whether the hours are adjusted, which is said in notes.
    var adjusts = false

    static let start: Int64 = 1_793_491_200_000_000

    static func catalogue() throws -> PriceCatalogue {
        let directory = Shipped.path("config/prices")
        return try PriceCatalogue(
            files: FileManager.default.contentsOfDirectory(atPath: directory).sorted().map { name in
                PriceFile(name: name, text: try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8))
            })
    }

    static func report(
        requests: Int64, rules: Int64 = 10, gateway: String = "edge", fee: Fraction? = nil, against: [String]? = nil,
        bytes: Int64 = 2_000
    ) throws -> SavingsReport {
        try SampleSavings(
            requests: requests, rules: rules, gateway: gateway, fee: fee, against: against, bytes: bytes
        ).report()
    }

    func report() throws -> SavingsReport {
        let hours = (Int64(0)..<720).map { index in
            let count = index % 3 == 2 ? 0 : requests
            return TrafficHour(
                start: Self.start + index * 3_600_000_000, requests: count, newConnections: count / 20,
                activeConnections: Fraction(count / 1_000), bytes: count * bytes)
        }
        let catalogue = try Self.catalogue()
        var assumptions = Assumptions()
        try assumptions.set(.rules, to: "\(rules)", source: "test")
        var adjustments = TrafficAdjustments()
        if adjusts {
            adjustments.hours = 730
            adjustments.healthChecks = .init(perHourAndTarget: 360, targets: 3)
        }
        let (series, notes) = try adjustments.series(hours, isPattern: false, freeRules: 10, &assumptions)
        var own = OwnGateway(sizing: catalogue.envoy)
        own.fee = fee
        let comparison = try Comparison(
            series, assumptions, own: own, catalogue: catalogue, region: "us-east-1", against: against,
            isMetered: true, notes: notes)
        return SavingsReport(
            gateway: gateway, month: "2026-11", period: try BillingPeriod(month: "2026-11", zone: "UTC"),
            comparison: comparison, curve: try BreakEvenCurve(comparison, catalogue: catalogue))
    }
}
