import Foundation
import HTTPTypes
import Hummingbird

/// An error as RFC 9457 says it: `application/problem+json`.
struct Problem: Error, Encodable {
    struct InvalidParameter: Encodable, Sendable {
        var field: String
        var rule: String
        var reason: String
        var source = "query"
    }

    /// What kind of problem it is: the fragment names a section of `/docs`.
    var type: String
    var title: String
    var status: Int
    var detail: String
    /// Names the request in the server's log.
    var instance: String?
    var invalidParameters: [InvalidParameter]?
    /// When to come again. Unit: seconds.
    var retryAfter: Int?
    /// The methods that a path has, with 405.
    var allow: String?

    init(
        _ kind: String, _ title: String, _ status: Int, _ detail: String, invalid: [InvalidParameter]? = nil,
        retryAfter: Int? = nil, allow: String? = nil
    ) {
        type = "/docs#problem-" + kind
        self.title = title
        self.status = status
        self.detail = detail
        invalidParameters = invalid
        self.retryAfter = retryAfter
        self.allow = allow
    }

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, instance, invalidParameters
    }

    static func invalid(_ field: String, rule: String, _ reason: String, source: String = "query") -> Problem {
        Problem(
            "invalid-parameters", "Invalid parameters", 400, "\(field): \(reason)",
            invalid: [InvalidParameter(field: field, rule: rule, reason: reason, source: source)])
    }

    /// What was sent can be read, but not done.
    static func unprocessable(_ field: String, rule: String, _ reason: String) -> Problem {
        Problem(
            "unprocessable", "Unprocessable content", 422, "\(field): \(reason)",
            invalid: [InvalidParameter(field: field, rule: rule, reason: reason, source: "body")])
    }

    static func notFound(_ detail: String) -> Problem { Problem("not-found", "Not found", 404, detail) }

    static func unauthorized(_ detail: String) -> Problem { Problem("unauthorized", "Unauthorized", 401, detail) }

    static func forbidden(_ detail: String) -> Problem { Problem("forbidden", "Forbidden", 403, detail) }

    static func conflict(_ detail: String) -> Problem { Problem("conflict", "Conflict", 409, detail) }

    static func tooMany(_ detail: String, retryAfter: Int) -> Problem {
        Problem("too-many-requests", "Too many requests", 429, detail, retryAfter: retryAfter)
    }

    static let unavailable = Problem(
        "unavailable", "Service unavailable", 503, "the database can not be reached; try again", retryAfter: 5)

    static let internalError = Problem(
        "internal", "Internal server error", 500, "the request could not be answered")
}

extension Answer {
    init(_ problem: Problem) throws {
        var headers = HTTPFields()
        if let retryAfter = problem.retryAfter { headers[.retryAfter] = String(retryAfter) }
        if let allow = problem.allow { headers[.allow] = allow }
        if problem.status == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"waybill\"" }
        self.init(
            status: problem.status, headers: headers, contentType: "application/problem+json",
            body: try JSONText.encode(problem))
    }
}
