import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing
import UsageStore

@testable import WebAPI

/// `GET /v1/comparisons/{period}`
@Suite struct ComparisonRouteTests {
    private static let path = "/v1/comparisons/2024-11?gateway=edge"

    @Test func `A gateway's month stands beside what load balancers would have cost`() async throws {
        try await withGuardedAPI { api, store in
            let key = try await store.key("usage:read")
            let answer = try await api.send(.get, Self.path + "&against=alb,nlb,clb", key: key).json
            let rows = try #require(answer["alternatives"] as? [[String: Any]])
            #expect(rows.map { $0["key"] as? String } == ["alb", "nlb", "clb"])
            #expect(rows.allSatisfy { ($0["saving"] as? String)?.isEmpty == false })
            // Of both tenants: 110 and 7.
            #expect("\(answer["requests"] ?? "")" == "117")
            #expect(answer["metered"] as? Bool == true)
            let all = try await api.send(.get, Self.path, key: key).json["alternatives"] as? [Any]
            #expect((all?.count ?? 0) > 3)
            let named = try await api.send(.get, Self.path + "&against=alb&region=us-east-1", key: key).json
            #expect((named["assumption_sources"] as? [String: String])?["region"] == "region=")
            #expect((answer["assumption_sources"] as? [String: String])?["region"] == "default")
        }
    }

    @Test func `A comparison is CSV for who takes that, as the command line writes it`() async throws {
        try await withGuardedAPI { api, store in
            let key = try await store.key("usage:read")
            let path = Self.path + "&against=alb,nlb"
            let csv = try await api.send(.get, path, key: key, headers: [.accept: "text/csv"])
            #expect(csv.headers[.contentType] == "text/csv; charset=utf-8; header=present")
            #expect(csv.headers[.vary]?.contains("Accept,") == true)
            let json = try await api.send(.get, path, key: key, headers: [.accept: "text/csv;q=0.5, application/json"])
            #expect(csv.headers[.eTag] != json.headers[.eTag])
            // Its own cost and two alternatives, each with the total that JSON says.
            let lines = String(buffer: csv.body).split(separator: "\n")
            let own = try #require(try json.json["own"] as? [String: Any])
            let rows = [own] + (try #require(try json.json["alternatives"] as? [[String: Any]]))
            #expect(lines.count == 1 + rows.count)
            for (line, row) in zip(lines.dropFirst(), rows) {
                let (key, total) = (try #require(row["key"] as? String), try #require(row["total"] as? String))
                #expect(line.contains(key) && line.contains(total), "\(line)")
            }
            let none = try await api.send(.get, path, key: key, headers: [.accept: "text/html"])
            #expect(none.status == .notAcceptable)
        }
    }

    @Test(
        arguments: [
            ("/v1/comparisons/2024-11", 400, "gateway"), ("/v1/comparisons/2024-13?gateway=edge", 400, "period"),
            ("/v1/comparisons/2024-11?gateway=nowhere", 404, nil), ("/v1/comparisons/2023-11?gateway=edge", 404, nil),
            ("/v1/comparisons/2024-11?gateway=edge&against=elb", 400, "against"),
            ("/v1/comparisons/2024-11?gateway=edge&against=alb,,nlb", 400, "against"),
            ("/v1/comparisons/2024-11?gateway=edge&region=mars-1", 400, "region"),
            ("/v1/comparisons/2024-11?gateway=edge&zone=Mars", 400, "zone"),
            ("/v1/comparisons/2024-11?gateway=edge&price_book=none", 404, nil),
            ("/v1/comparisons/2024-11?gateway=edge&targets=alb", 400, "targets"),
        ] as [(String, Int, String?)])
    func `What can not be compared is refused by name`(path: String, status: Int, field: String?) async throws {
        try await withGuardedAPI { api, store in
            let answer = try await api.send(.get, path, key: try await store.key("usage:read"))
            #expect(answer.status.code == status, "\(String(buffer: answer.body))")
            let invalid = try answer.json["invalid_parameters"] as? [[String: String]]
            #expect(invalid?.first?["field"] == field)
        }
    }

    @Test func `A tenant is not told what others' traffic costs`() async throws {
        try await withGuardedAPI { api, store in
            let acme = try await store.key(tenant: "acme", "usage:read")
            #expect(try await api.send(.get, Self.path, key: acme).status == .notFound)
        }
    }
}
