import Billing
import HTTPTypes
import LoadBalancerCosts
import Metering
import Pricing
import Savings
import UsageStore

/// `/v1/comparisons/{period}`: what AWS's load balancers would have cost for a gateway's month. A gateway carries all
/// tenants' traffic, and so it is the operator's to ask.
enum ComparisonEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/comparisons/{period}", .usageRead, operators: true,
            parameters: ["gateway", "against", "region", "zone", "price_book"], answer: compare)
    ]

    private static func compare(_ call: Call) async throws -> Answer {
        let form = try call.form(of: [.json, .csv])
        let month = try call.path("period")
        let period: BillingPeriod
        do {
            period = try BillingPeriod(month: month, zone: try call.query.text("zone") ?? "UTC")
        } catch let error as PricingError {
            throw Problem.invalid(
                error.code == .unknownZone ? "zone" : "period", rule: "format", error.message,
                source: error.code == .unknownZone ? "query" : "path")
        }
        let gateway = try call.query.required("gateway", "name the gateway: node.cluster of its Envoys")
        guard let catalogue = call.resources.catalogue else {
            throw Problem.notFound("this server was started without config/prices: nothing can be compared")
        }
        var request = ComparisonRequest()
        if let region = try call.query.text("region") { (request.region, request.regionSource) = (region, "region=") }
        request.against = try call.query.text("against").flatMap { text in
            text == "all" ? nil : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        if let id = try call.query.text("price_book") {
            request.feeBook = .init(try await call.billing.priceBook(id: id).book, source: ", price_book=")
        } else {
            request.feeBook = call.resources.feeBook
        }
        do {
            let comparison = try await call.store.comparison(of: gateway, period, request, shipped: catalogue)
            guard form == .csv else { return try .json(comparison) }
            return Answer(contentType: form.contentType, body: Array(comparison.csv().utf8))
        } catch let error as LoadBalancerCostError {
            throw Self.problem(error)
        }
    }

    private static func problem(_ error: LoadBalancerCostError) -> Problem {
        switch error.code {
        case .noTraffic: .notFound(error.message)
        case .invalidInput: .invalid("against", rule: "enum", error.message)
        case .missingPrice: .invalid("region", rule: "unknown", error.message)
        default:
            Problem(
                "unprocessable", "Unprocessable content", 422, error.message,
                invalid: [.init(field: "price_book", rule: "comparison", reason: error.message, source: "query")])
        }
    }
}
