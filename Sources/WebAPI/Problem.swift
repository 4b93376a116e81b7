import Foundation
import Hummingbird
import Logging
import PostgreSQL
import UsageStore

/// An error as RFC 9457 says it: `application/problem+json`.
struct Problem: Error, Encodable {
    struct InvalidParameter: Encodable {
        var field: String
        var rule: String
        var reason: String
        var source = "query"
    }

    var type = "about:blank"
    var title: String
    var status: Int
    var detail: String
    var invalidParameters: [InvalidParameter]?

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail
        case invalidParameters = "invalid_parameters"
    }

    static func invalid(_ field: String, rule: String, _ reason: String) -> Problem {
        Problem(
            title: "Invalid parameters", status: 400, detail: "\(field): \(reason)",
            invalidParameters: [InvalidParameter(field: field, rule: rule, reason: reason)])
    }

    static func notFound(_ detail: String) -> Problem {
        Problem(title: "Not found", status: 404, detail: detail)
    }
}

/// Turns whatever is thrown into a problem. What is the server's own affair is logged, not told.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let problem: Problem
        var headers = HTTPFields()
        do {
            return try await next(request, context)
        } catch let error as Problem {
            problem = error
        } catch let error as UsageStoreError where error.code == .unknownTenant || error.code == .unknownGateway {
            problem = .notFound(error.message)
        } catch let error as HTTPError {
            problem = Problem(
                title: error.status.reasonPhrase, status: error.status.code, detail: error.body ?? request.uri.path)
        } catch let error as PostgresError where error.isOutage {
            context.logger.error("the database can not be reached", metadata: ["error": "\(error)"])
            headers[.retryAfter] = "5"
            problem = Problem(
                title: "Service unavailable", status: 503, detail: "the database can not be reached; try again")
        } catch {
            context.logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            problem = Problem(title: "Internal server error", status: 500, detail: "the request could not be answered")
        }
        headers[.contentType] = "application/problem+json"
        return try Response(
            status: HTTPResponse.Status(code: problem.status), headers: headers, body: .json(problem))
    }
}

extension ResponseBody {
    /// Keys in snake case and sorted, so that an answer is the same each time.
    static func json(_ value: some Encodable) throws -> ResponseBody {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ResponseBody(byteBuffer: ByteBuffer(bytes: try encoder.encode(value)))
    }
}
