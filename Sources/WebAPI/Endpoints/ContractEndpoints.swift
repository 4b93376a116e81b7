import Billing
import Foundation
import HTTPTypes
import Pricing

/// `/v1/contracts`: what seller and buyer agreed on. A tenant sees its own.
enum ContractEndpoints {
    static let all = [
        Endpoint(.get, "/v1/contracts", .invoiceRead, parameters: ["tenant"], answer: list),
        Endpoint(.post, "/v1/contracts", .invoiceWrite, operators: true, answer: add),
        Endpoint(.get, "/v1/contracts/{id}", .invoiceRead, answer: show),
    ]

    private struct Items: Encodable {
        let items: [ContractTerms]
    }

    private static func list(_ call: Call) async throws -> Answer {
        try .json(Items(items: try await call.billing.contracts(tenant: try call.tenantIfNamed())))
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path("id")
        let terms = try await call.contract(id)
        if let tenant = call.principal.tenant, terms.tenant != tenant.name {
            throw Problem.notFound("there is no contract \(id)")
        }
        return try .json(terms)
    }

    private struct Body: Decodable {
        let tenant: String
        let priceBook: String
        let pinnedVersion: String?
        let currency: String
        let zone: String
        let anchorDay: Int?
        let graceHours: Int?
        let onIncomplete: ContractTerms.OnIncomplete?
        let series: String?
        let startsOn: String
        let endsOn: String?
        let seller: Party
        let buyer: Party

        static let keys = [
            "tenant", "price_book", "pinned_version", "currency", "zone", "anchor_day", "grace_hours", "on_incomplete",
            "series", "starts_on", "ends_on", "seller", "buyer",
        ]
    }

    private static func add(_ call: Call) async throws -> Answer {
        let body = try call.json(Body.self, keys: Body.keys)
        let terms = ContractTerms(
            id: "", tenant: body.tenant, priceBook: body.priceBook, pinnedVersion: body.pinnedVersion,
            currency: body.currency, zone: body.zone, anchorDay: body.anchorDay ?? 1, graceHours: body.graceHours ?? 24,
            onIncomplete: body.onIncomplete ?? .finalize, series: body.series ?? "INV", startsOn: body.startsOn,
            endsOn: body.endsOn, seller: body.seller, buyer: body.buyer)
        do {
            try terms.check()
        } catch {
            throw Problem.unprocessable("body", rule: "terms", error.message)
        }
        let stored = try await call.billing.addContract(terms, by: call.principal.id, now: .now)
        var answer = try Answer.json(stored, status: 201)
        answer.headers[.location] = "/v1/contracts/" + stored.id
        return answer
    }
}

extension Call {
    /// A contract by its whole id. (To a person at the command line, the beginning of one is enough.)
    func contract(_ id: String) async throws -> ContractTerms {
        guard UUID(uuidString: id) != nil else { throw Problem.notFound("there is no contract \(id)") }
        return try await billing.contract(id)
    }
}
