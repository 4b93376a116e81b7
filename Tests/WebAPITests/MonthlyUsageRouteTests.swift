import Foundation
import Hummingbird
import HummingbirdTesting
import PostgreSQL
import Testing
import UsageStore

/// `GET /v1/usage/monthly`
@Suite struct MonthlyUsageRouteTests {
    private static let path = "/v1/usage/monthly"

    @Test func `A tenant's month is answered as it is published`() async throws {
        try await withAPI { client, _ in
            try await client.execute(uri: Self.path + "?tenant=acme&period=2024-11", method: .get) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json; charset=utf-8")
                let json = try response.json
                #expect(
                    Set(json.keys) == [
                        "tenant", "period", "requests", "lower", "upper", "dimensions", "coverage", "groups",
                    ])
                #expect(json["tenant"] as? String == "acme")
                #expect(json["requests"] as? Int == 110)
                #expect(json["lower"] as? Int == 110)
                #expect(json["upper"] as? Int == 110)
                let period = json["period"] as? [String: String]
                #expect(period?["month"] == "2024-11")
                #expect(period?["zone"] == "UTC")
                #expect(period?["start"] == "2024-11-01T00:00:00Z")
                #expect(period?["end"] == "2024-12-01T00:00:00Z")
                #expect(period?["as_of"] != nil)
                #expect((json["groups"] as? [Any])?.isEmpty == true)
            }
        }
    }

    @Test func `Days are those of the zone, and groups are what was asked for`() async throws {
        try await withAPI { client, _ in
            let query = "?tenant=acme&period=2024-11&zone=Europe%2FBerlin&group_by=service,day"
            try await client.execute(uri: Self.path + query, method: .get) { response in
                #expect(response.status == .ok)
                let json = try response.json
                #expect((json["period"] as? [String: String])?["start"] == "2024-10-31T23:00:00Z")
                let groups = try #require(json["groups"] as? [[String: Any]])
                #expect(groups.map { $0["day"] as? String } == ["2024-11-05", "2024-11-06"])
                let requests = groups.map { ($0["dimensions"] as? [String: Any])?["requests"] as? Int }
                #expect(requests == [109, 1])
                #expect(groups.allSatisfy { $0["service"] is String && $0["gateway"] == nil })
            }
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var query: String
        var status: HTTPResponse.Status
        var field: String?
        var detail: String
    }

    static let refusals = [
        Refusal(
            testDescription: "no tenant", query: "?period=2024-11", status: .badRequest, field: "tenant",
            detail: "name the tenant"),
        Refusal(
            testDescription: "an empty tenant", query: "?tenant=&period=2024-11", status: .badRequest, field: "tenant",
            detail: "name the tenant"),
        Refusal(
            testDescription: "an unknown tenant", query: "?tenant=initech&period=2024-11", status: .notFound,
            field: nil, detail: "known are acme"),
        Refusal(
            testDescription: "no period", query: "?tenant=acme", status: .badRequest, field: "period",
            detail: "2026-11"),
        Refusal(
            testDescription: "a bad period", query: "?tenant=acme&period=2024-13", status: .badRequest,
            field: "period", detail: "2024-13"),
        Refusal(
            testDescription: "a period that is a day", query: "?tenant=acme&period=2024-11-05", status: .badRequest,
            field: "period", detail: "2024-11-05"),
        Refusal(
            testDescription: "an unknown zone", query: "?tenant=acme&period=2024-11&zone=Mars%2FOlympus",
            status: .badRequest, field: "zone", detail: "Mars/Olympus"),
        Refusal(
            testDescription: "a zone with a NUL", query: "?tenant=acme&period=2024-11&zone=U%00C", status: .badRequest,
            field: "zone", detail: "zone"),
        Refusal(
            testDescription: "an unknown parameter", query: "?tenant=acme&period=2024-11&month=3",
            status: .badRequest, field: "month", detail: "tenant, period, zone, group_by"),
        Refusal(
            testDescription: "an unknown grouping", query: "?tenant=acme&period=2024-11&group_by=service,hour",
            status: .badRequest, field: "group_by", detail: "hour is not one of"),
        Refusal(
            testDescription: "a tenant with a NUL", query: "?tenant=a%00b&period=2024-11", status: .badRequest,
            field: "tenant", detail: "NUL"),
    ]

    @Test func `What can not be answered is a problem that says what is wrong with what`() async throws {
        try await withAPI { client, _ in
            for refusal in Self.refusals {
                try await client.execute(uri: Self.path + refusal.query, method: .get) { response in
                    let comment: Comment = "\(refusal.testDescription)"
                    #expect(response.status == refusal.status, comment)
                    #expect(response.headers[.contentType] == "application/problem+json", comment)
                    let json = try response.json
                    #expect(json["status"] as? Int == refusal.status.code, comment)
                    #expect(json["title"] is String && json["type"] is String, comment)
                    #expect((json["detail"] as? String)?.contains(refusal.detail) == true, "\(json)")
                    let invalid = json["invalid_parameters"] as? [[String: String]]
                    #expect(invalid?.first?["field"] == refusal.field, comment)
                    if refusal.field != nil { #expect(invalid?.first?["source"] == "query", comment) }
                }
            }
        }
    }

    @Test func `An unknown path is a problem too`() async throws {
        try await withAPI { client, _ in
            try await client.execute(uri: "/v1/nothing", method: .get) { response in
                #expect(response.status == .notFound)
                #expect(response.headers[.contentType] == "application/problem+json")
            }
        }
    }

    @Test func `Without the database the answer is to come again, and says nothing of the server's inside`()
        async throws
    {
        try await withAPI { client, store in
            await store.pool.shutdown()
            try await client.execute(uri: Self.path + "?tenant=acme&period=2024-11", method: .get) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(response.headers[.retryAfter] == "5")
                #expect(response.headers[.contentType] == "application/problem+json")
                let json = try response.json
                #expect(json["detail"] as? String == "the database can not be reached; try again")
            }
        }
    }
}
